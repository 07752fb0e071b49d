/** JavaScript typed into a running program (twisted.conch.manhole). */
export { ColoredManhole, lastColorizedLine, VT102Writer } from "./manhole/colored.js";
export { FileWrapper, ManholeInterpreter, type Namespace, type OutputHandler } from "./manhole/interpreter.js";
export { CTRL_A, CTRL_BACKSLASH, CTRL_C, CTRL_D, CTRL_E, CTRL_L, Manhole } from "./manhole/manhole.js";
export { ReplManhole } from "./manhole/repl.js";
export type { Token, TokenType } from "./manhole/tokens.js";
