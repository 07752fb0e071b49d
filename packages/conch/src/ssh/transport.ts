/** The lowest layer of SSH: packets, key exchange, services (twisted.conch.ssh.transport; RFC 4253). */
export * from "../transport/constants.js";
export { nativeCiphers } from "../codec/ssh2.js";
export { SSHTransportBase, type TransportService } from "../transport/base.js";
export { SSHClientTransport } from "../transport/client.js";
export { SSHServerTransport, type HostKeySigner, type ServerTransportFactory } from "../transport/server.js";
