/** Terminals, as servers and clients see them (twisted.conch.insults.insults): VT102 and what xterm adds. */
export { type ClientState, type ClientTerminal, ClientProtocol, type ReportOrder } from "./client.js";
export type { ControlSequenceHandler, ControlSequenceParser } from "./control-sequences.js";
export { type CursorReport, ITerminalProtocol, ITerminalTransport } from "./interfaces.js";
export { FUNCTION_KEYS, type KeyName, type KeyNames } from "./keys.js";
export {
  BLINK,
  BOLD,
  CS_ALTERNATE,
  CS_ALTERNATE_SPECIAL,
  CS_DRAWING,
  CS_UK,
  CS_US,
  G0,
  G1,
  G2,
  G3,
  modes,
  NORMAL,
  privateModes,
  REVERSE_VIDEO,
  type Slot,
  UNDERLINE,
  Vector,
} from "./numbers.js";
export { ServerProtocol, type ServerState } from "./server.js";
export { TerminalProtocol } from "./terminal-protocol.js";
