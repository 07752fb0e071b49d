/** Limits, timeouts, throttling and logging around any factory (twisted.protocols.policies). */
export { LimitConnectionsByPeer, LimitTotalConnectionsFactory } from "./policies/limits.js";
export { ThrottlingFactory, type ThrottlingOptions, ThrottlingProtocol } from "./policies/throttling.js";
export { TimeoutFactory, TimeoutMixin, TimeoutProtocol, type WithTimeout } from "./policies/timeouts.js";
export { SpewingFactory, TrafficLoggingFactory } from "./policies/traffic.js";
export { ProtocolWrapper, type WrapperSource, WrappingFactory } from "./policies/wrapping.js";
