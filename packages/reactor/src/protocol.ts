/** Protocols and their factories (twisted.internet.protocol). */
export {
  BaseProtocol,
  ClientFactory,
  connectionDone,
  Factory,
  ProcessProtocol,
  Protocol,
  type ProtocolSource,
  ServerFactory,
} from "./protocol/core.js";
export { ReconnectingClientFactory } from "./protocol/reconnecting.js";
export { ClientCreator } from "./protocol/client-creator.js";
export { AbstractDatagramProtocol, ConnectedDatagramProtocol, DatagramProtocol } from "./protocol/datagram.js";
export { ConsumerToProtocolAdapter, ProtocolToConsumerAdapter } from "./protocol/adapters.js";
export { FileWrapper, type WritableFile } from "./protocol/file-wrapper.js";
