/** Modes, character sets and attributes of VT102 terminals, and of ANSI X3.64. */

const KEYBOARD_ACTION = 2;
const INSERTION_REPLACEMENT = 4;
const LINEFEED_NEWLINE = 20;

/** For `setModes` and `resetModes`. With IRM set, new characters push the rest of the line to the right. */
export const modes = Object.freeze({
  KEYBOARD_ACTION,
  KAM: KEYBOARD_ACTION,
  INSERTION_REPLACEMENT,
  IRM: INSERTION_REPLACEMENT,
  LINEFEED_NEWLINE,
  LNM: LINEFEED_NEWLINE,
} as const);

/** For `setPrivateModes` and `resetPrivateModes`; without CURSOR_MODE the cursor is hidden. */
export const privateModes = Object.freeze({
  ERROR: 0,
  CURSOR_KEY: 1,
  ANSI_VT52: 2,
  COLUMN: 3,
  SCROLL: 4,
  SCREEN: 5,
  ORIGIN: 6,
  AUTO_WRAP: 7,
  AUTO_REPEAT: 8,
  PRINTER_FORM_FEED: 18,
  PRINTER_EXTENT: 19,
  CURSOR_MODE: 25,
} as const);

export const CS_US = "CS_US";
export const CS_UK = "CS_UK";
export const CS_DRAWING = "CS_DRAWING";
export const CS_ALTERNATE = "CS_ALTERNATE";
export const CS_ALTERNATE_SPECIAL = "CS_ALTERNATE_SPECIAL";

/** Character set to the letter that designates it. */
export const DESIGNATORS: ReadonlyMap<string, string> = new Map([
  [CS_UK, "A"],
  [CS_US, "B"],
  [CS_DRAWING, "0"],
  [CS_ALTERNATE, "1"],
  [CS_ALTERNATE_SPECIAL, "2"],
]);

/** A place for a character set: `selectCharacterSet` fills G0 and G1; the others last for one character. */
export type Slot = "G0" | "G1" | "G2" | "G3";
export const G0 = "G0";
export const G1 = "G1";
export const G2 = "G2";
export const G3 = "G3";

export const NORMAL = 0;
export const BOLD = 1;
export const UNDERLINE = 4;
export const BLINK = 5;
export const REVERSE_VIDEO = 7;

/** A place or a size on a screen; columns and rows count from 0. */
export class Vector {
  constructor(
    public x: number,
    public y: number,
  ) {}
}
