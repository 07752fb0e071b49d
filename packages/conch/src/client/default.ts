/** Clients as users of the command line expect them (twisted.conch.client.default). */
export { _KNOWN_HOSTS, getHostKeyAlgorithms, isInKnownHosts, verifyHostKey } from "./known-by-options.js";
export type { OptionedTransport } from "./known-by-options.js";
export { type Questions, TerminalQuestions } from "./questions.js";
export { SSHUserAuthClient, type UserAuthOptions } from "./user-auth.js";
