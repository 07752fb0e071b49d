/** The reactor, and what nearly every program needs with it; the rest is in the modules of its own name. */
export { IPv4Address, IPv6Address } from "./address.js";
export { Deferred } from "./defer.js";
export { Failure } from "./failure.js";
export { IReactor } from "./interfaces.js";
export { ClientFactory, Factory, Protocol, ServerFactory } from "./protocol/core.js";
export { reactor } from "./reactor.js";
