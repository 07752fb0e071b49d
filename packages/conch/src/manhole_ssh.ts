/** Terminals in SSH sessions (twisted.conch.manhole_ssh): a manhole, or any other terminal protocol. */
export { ConchFactory, type SessionSource, TerminalRealm, type UserSource } from "./manhole/realm.js";
export {
  type ServerSource,
  TerminalSession,
  TerminalSessionTransport,
  type TransportSource,
} from "./manhole/session.js";
export { TerminalUser } from "./manhole/user.js";
