/** Commands on SSH servers, as endpoints (twisted.conch.endpoints). */
export { SSHCommandAddress } from "./endpoint/address.js";
export { type ICommandTransport, SSHCommandClientEndpoint } from "./endpoint/command.js";
export { ISSHConnectionCreator } from "./endpoint/creator.js";
export { AuthenticationFailed, type NewConnectionOptions } from "./endpoint/new-connection.js";
