/** Services that listen, connect and tick (twisted.application.internet). */
export { backoffPolicy, type BackoffOptions, type RetryPolicy } from "./internet/backoff.js";
export { ClientService, type ClientServiceOptions, type WhenConnectedOptions } from "./internet/client-service.js";
export { StreamServerEndpointService } from "./internet/endpoint-service.js";
export {
  MulticastServer,
  SSLClient,
  SSLServer,
  TCPClient,
  TCPServer,
  UDPServer,
  UNIXClient,
  UNIXServer,
} from "./internet/ports.js";
export { CooperatorService, TimerService } from "./internet/timer.js";
