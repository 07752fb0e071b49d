/** Screens in memory, for programs that draw and for their tests (twisted.conch.insults.helper). */
export { type Cell, TerminalBuffer, VOID } from "./buffer.js";
export { ExpectableBuffer, ExpectationTimeout, type ExpectOptions } from "./expectable.js";
export {
  BACKGROUND,
  BLACK,
  BLUE,
  CharacterAttribute,
  CYAN,
  FOREGROUND,
  type Formatting,
  GREEN,
  MAGENTA,
  N_COLORS,
  RED,
  WHITE,
  YELLOW,
} from "./formatting.js";
export type { Rendition } from "./rendition.js";
