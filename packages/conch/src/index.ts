/** Twisted Conch for Node.js: what most SSH servers and clients begin with. The rest stands in the modules named as Conch's. */
export { ConchUser } from "./avatar.js";
export { ConchError } from "./error.js";
export { IConchUser, ISession } from "./interfaces.js";
export { SSHChannel } from "./ssh/channel.js";
export { SSHConnection } from "./ssh/connection.js";
export { SSHFactory } from "./ssh/factory.js";
export { Key } from "./ssh/keys.js";
export { SSHSession } from "./ssh/session.js";
export { SSHClientTransport, SSHServerTransport } from "./ssh/transport.js";
export { SSHUserAuthClient, SSHUserAuthServer } from "./ssh/userauth.js";
