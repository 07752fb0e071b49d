/** Terminal protocols on the terminal that the process itself has, or on that of a child (twisted.conch.stdio). */
export { ConsoleManhole } from "./stdio/console-manhole.js";
export { main } from "./stdio/main.js";
export { type Keyboard, type RunningReactor, type RunWithOptions, runWithProtocol, type Screen } from "./stdio/run.js";
export {
  type TerminalProcessApplication,
  TerminalProcessProtocol,
  UnexpectedOutputError,
} from "./stdio/terminal-process.js";
