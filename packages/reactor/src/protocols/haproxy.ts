/** The PROXY protocol, versions 1 and 2, in front of any stream server (twisted.protocols.haproxy). */
export { InvalidNetworkProtocol, InvalidProxyHeader, MissingAddressData } from "./haproxy/errors.js";
export { parseV1 } from "./haproxy/v1.js";
export { parseV2 } from "./haproxy/v2.js";
export { type ProxyHeader, type ProxyTLV } from "./haproxy/header.js";
export { HAProxyProtocolWrapper, HAProxyWrappingFactory, type ProxyOptions, proxyEndpoint } from "./haproxy/wrapper.js";
