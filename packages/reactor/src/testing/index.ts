/** Doubles for transports, reactors and time: protocols are tested without sockets and without waiting. */
export { Clock } from "../task.js";
export {
  connect,
  connectableEndpoint,
  connectedServerAndClient,
  ConnectionCompleter,
  FakeTransport,
  IOPump,
  makeFakeClient,
  makeFakeServer,
} from "./iosim.js";
export {
  type CleaningTest,
  EventLoggingObserver,
  FakeDatagramTransport,
  NonStreamingProducer,
  StringIOWithoutClosing,
  waitUntilAllDisconnected,
} from "./doubles.js";
export { FakeProcess } from "./fake-process.js";
export { type Faults, faulty, FaultyTransport } from "./faulty-transport.js";
export { assertAllClosed, captureOpen, type CaptureOptions, type ClosedOptions } from "./leaks.js";
export { type IssueOptions, TestAuthority } from "./certificates.js";
export { assertNoLoggedErrors, captureLoggedErrors, flushLoggedErrors } from "./logged.js";
export { FakeConnector, FakePort, MemoryReactor, MemoryReactorClock, RaisingMemoryReactor } from "./memory-reactor.js";
export { AccumulatingProtocol, LineSendingProtocol } from "./protocols.js";
export { assertNoResult, failureResultOf, successResultOf } from "./results.js";
export { SimulatedReactor } from "./simulated/reactor.js";
export { StringTransport, type StringTransportOptions, StringTransportWithDisconnection } from "./string-transport.js";
