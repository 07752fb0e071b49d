/** Text with attributes of ANSI X3.64, taken apart (twisted.conch.ui.ansi). */
import { Logger } from "@strombus/reactor/logger";
import { MAX_SEQUENCE } from "../insults/sequence.js";

const log = new Logger({ namespace: "strombus.conch.ui" });

/** A piece of text that looks alike. Colours are letters of `COLORS`, bold ones of `BOLD_COLORS`. */
export class ColorText {
  static readonly BLACK = 0;
  static readonly RED = 1;
  static readonly GREEN = 2;
  static readonly YELLOW = 3;
  static readonly BLUE = 4;
  static readonly MAGENTA = 5;
  static readonly CYAN = 6;
  static readonly WHITE = 7;
  static readonly COLOR_NAMES = ["Black", "Red", "Green", "Yellow", "Blue", "Magenta", "Cyan", "White"] as const;
  static readonly COLORS = ["b", "r", "g", "y", "l", "m", "c", "w"] as const;
  static readonly BOLD_COLORS = ["B", "R", "G", "Y", "L", "M", "C", "W"] as const;

  readonly fg: string;
  readonly bg: string;

  /** In reverse, the colours change places. `display` is whether it is seen at all. */
  constructor(
    readonly text: string,
    fg: string,
    bg: string,
    readonly display: boolean,
    readonly bold: boolean,
    readonly underline: boolean,
    readonly flash: boolean,
    readonly reverse: boolean,
  ) {
    [this.fg, this.bg] = reverse ? [bg, fg] : [fg, bg];
  }
}

const CURSOR = "HfABCDRsudG";
const ERASE = "JKP";
const MODE = "hl";
const ASSIGN = "p";
const COLOR = "m";

/** What follows `ESC`: parameters, a final character, and the text behind. */
const SEQUENCE = /^\[([ -?]*)([@-~]?)([^]*)$/;
/** From `ESC` to the next final character that is known, or to the end. */
const ESCAPES = new RegExp(`\x1b[^${CURSOR}${ERASE}${MODE}${ASSIGN}${COLOR}]*[^]?`, "g");

/** Override `writeString`, and `parseCursor` and `parseErase` where these matter. Colours are from 0 to 7. */
export class AnsiParser {
  currentFG: number;
  currentBG: number;
  bold = false;
  flash = false;
  underline = false;
  reverse = false;
  display = true;
  /** The beginning of a sequence whose rest has not come; what is longer than 256 characters is dropped. */
  prepend = "";

  constructor(
    readonly defaultFG: number = ColorText.WHITE,
    readonly defaultBG: number = ColorText.BLACK,
  ) {
    this.currentFG = defaultFG;
    this.currentBG = defaultBG;
  }

  /** A piece of text, which can be empty. */
  writeString(text: ColorText): void {}

  /** The parameters and the letter of a sequence that moves the cursor. */
  parseCursor(cursor: string): void {}

  /** The parameters and the letter of a sequence that erases or deletes. */
  parseErase(erase: string): void {}

  /** Text in pieces, however they are cut. */
  parseString(text: string): void {
    const [before = "", ...parts] = (this.prepend + text).split("\x1b");
    this.prepend = "";
    this.#write(before);
    for (const [i, part] of parts.entries()) this.#parse(part, i === parts.length - 1);
  }

  /** The text alone. */
  stripEscapes(text: string): string {
    return text.replace(ESCAPES, "");
  }

  /** The parameters of a sequence that sets colours and attributes, with its `m`. */
  parseColor(sequence: string): void {
    for (const parameter of sequence.slice(0, -1).split(";")) {
      if (/^\d*$/.test(parameter)) this.#setAttribute(Number(parameter));
      else {
        log.debug("colours are reset: {sequence} is no list of numbers", { sequence: JSON.stringify(sequence) });
        this.#setAttribute(0);
      }
    }
  }

  formatText(text: string): ColorText {
    const [fg, bg] = [this.pickColor(this.currentFG, 0), this.pickColor(this.currentBG, 1)];
    return new ColorText(text, fg, bg, this.display, this.bold, this.underline, this.flash, this.reverse);
  }

  /** The letter of a colour; in mode 0, of text, it is the bold one where text is bold. */
  pickColor(value: number, mode: 0 | 1): string {
    const letters = mode === 0 && this.bold ? ColorText.BOLD_COLORS : ColorText.COLORS;
    return letters[value]!;
  }

  /** What follows an `ESC`; `isLast` if more of it may come. */
  #parse(part: string, isLast: boolean): void {
    const match = SEQUENCE.exec(part);
    if (match === null) {
      if (part === "" && isLast) this.prepend = "\x1b";
      else this.#write(part.slice(1));
      return;
    }
    const [, parameters = "", final = "", text = ""] = match;
    if (final !== "") this.#handle(parameters, final);
    else if (text === "" && isLast && part.length < MAX_SEQUENCE) {
      this.prepend = `\x1b${part}`;
      return;
    }
    this.#write(text);
  }

  #handle(parameters: string, final: string): void {
    const sequence = parameters + final;
    if (CURSOR.includes(final)) this.parseCursor(sequence);
    else if (ERASE.includes(final)) this.parseErase(sequence);
    else if (final === COLOR) this.parseColor(sequence);
    else if (!MODE.includes(final)) {
      log.debug("a control sequence has no effect: {sequence}", { sequence: JSON.stringify(sequence) });
    }
  }

  #write(text: string): void {
    this.writeString(this.formatText(text));
  }

  #setAttribute(n: number): void {
    if (n >= 30 && n <= 37) this.currentFG = n - 30;
    else if (n >= 40 && n <= 47) this.currentBG = n - 40;
    else if (n === 39) this.currentFG = this.defaultFG;
    else if (n === 49) this.currentBG = this.defaultBG;
    else if (n === 0) this.#reset();
    else if (n === 1 || n === 22) this.bold = n === 1;
    else if (n === 4 || n === 24) this.underline = n === 4;
    else if (n === 5 || n === 25) this.flash = n === 5;
    else if (n === 7 || n === 27) this.reverse = n === 7;
    else if (n === 8 || n === 28) this.display = n === 28;
    else log.debug("there is no attribute {n}", { n });
  }

  #reset(): void {
    this.currentFG = this.defaultFG;
    this.currentBG = this.defaultBG;
    this.bold = this.flash = this.underline = this.reverse = false;
    this.display = true;
  }
}
