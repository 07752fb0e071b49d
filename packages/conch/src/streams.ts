/** Channels and sessions as Node's streams: beside Twisted's hooks, for programs that are used to `process.stdin`. */
export { type Exit, ClientSession, type TerminalSize } from "./streams/client-session.js";
export { type Program, type ProgramOptions, type SessionIO, sessionProgram } from "./streams/program.js";
export { StreamChannel } from "./streams/stream-channel.js";
export { TerminalStream, type TerminalSettings } from "./streams/terminal-stream.js";
