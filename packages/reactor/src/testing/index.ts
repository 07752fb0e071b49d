/** Doubles for transports, reactors and time: protocols are tested without sockets and without waiting. */
export { Clock } from "../task.js";
export { connectedServerAndClient, connect, FakeTransport, IOPump, makeFakeClient, makeFakeServer } from "./iosim.js";
export { FakeConnector, FakePort, MemoryReactor, MemoryReactorClock, RaisingMemoryReactor } from "./memory-reactor.js";
export { AccumulatingProtocol } from "./protocols.js";
export { StringTransport, type StringTransportOptions, StringTransportWithDisconnection } from "./string-transport.js";
