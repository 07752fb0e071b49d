/** Doubles for transports, reactors and time: protocols are tested without sockets and without waiting. */
export { Clock } from "../task.js";
export {
  connect,
  connectedServerAndClient,
  ConnectionCompleter,
  FakeTransport,
  IOPump,
  makeFakeClient,
  makeFakeServer,
} from "./iosim.js";
export { assertNoLoggedErrors, captureLoggedErrors, flushLoggedErrors } from "./logged.js";
export { FakeConnector, FakePort, MemoryReactor, MemoryReactorClock, RaisingMemoryReactor } from "./memory-reactor.js";
export { AccumulatingProtocol } from "./protocols.js";
export { StringTransport, type StringTransportOptions, StringTransportWithDisconnection } from "./string-transport.js";
