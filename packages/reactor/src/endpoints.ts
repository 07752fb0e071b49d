/** Places to listen at and to connect to, as objects or described by text (twisted.internet.endpoints). */
export {
  connectProtocol,
  SSL4ClientEndpoint,
  TCP4ClientEndpoint,
  TCP6ClientEndpoint,
  UNIXClientEndpoint,
  wrapClientTLS,
} from "./endpoints/client.js";
export { quoteStringArgument } from "./endpoints/description.js";
export { HostnameEndpoint, type HostnameOptions, type HostnameReactor } from "./endpoints/hostname.js";
export {
  ProcessEndpoint,
  type ProcessEndpointOptions,
  type ProcessOptions,
  type SpawningReactor,
  StandardErrorBehavior,
} from "./endpoints/process.js";
export {
  AdoptedStreamServerEndpoint,
  SSL4ServerEndpoint,
  TCP4ServerEndpoint,
  TCP6ServerEndpoint,
  UNIXServerEndpoint,
} from "./endpoints/server.js";
export { StandardIOEndpoint } from "./endpoints/standard-io.js";
export {
  clientFromString,
  type ClientParser,
  registerClientParser,
  registerServerParser,
  serverFromString,
  type ServerParser,
} from "./endpoints/strings.js";
export { ListenFDs } from "./endpoints/systemd.js";
