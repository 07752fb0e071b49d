/** A screen in memory. */
import { implementer } from "@strombus/reactor/components";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import type { BytesLike, IAddress, MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { toBuffer } from "../wire/writer.js";
import { CharacterAttribute } from "./formatting.js";
import { type CursorReport, ITerminalTransport } from "./interfaces.js";
import { KeyedProtocol } from "./keys.js";
import {
  CS_ALTERNATE,
  CS_ALTERNATE_SPECIAL,
  CS_US,
  G0,
  G1,
  G2,
  G3,
  modes,
  privateModes,
  type Slot,
  Vector,
} from "./numbers.js";
import { changed, PLAIN, type Rendition } from "./rendition.js";

const log = new Logger({ namespace: "strombus.conch.insults" });

/** Modes have numbers of up to four digits; others are not kept. */
const MAX_MODE = 9999;

/** What a cell holds: a character, or `VOID` where none was written. */
export type Cell = readonly [character: string, attribute: CharacterAttribute];

/** Marks cells that were never written; no character is empty. */
export const VOID = "";

/**
 * A screen of `width` by `height` cells, and nothing of what has scrolled away. Set the size before it is connected.
 * `toString()` is its text.
 */
@implementer(ITerminalTransport)
export class TerminalBuffer extends KeyedProtocol implements ITerminalTransport {
  width = 80;
  height = 24;
  /** Shown where nothing was written, to the left of what was. */
  fill = " ";
  readonly void = VOID;
  lines: Cell[][] = [];
  x = 0;
  y = 0;
  home = new Vector(0, 0);
  readonly modes = new Set<number>();
  readonly privateModes = new Set<number>();
  activeCharset: Slot = G0;
  readonly charsets = new Map<Slot, string>();
  graphicRendition: Rendition = PLAIN;
  keypadMode: "app" | "num" = "num";
  /** First and last row that scroll. */
  #region: readonly [top: number, bottom: number] = [0, 0];
  #single: Slot | null = null;
  #saved: { readonly x: number; readonly y: number; readonly rendition: Rendition } | null = null;
  #attribute: CharacterAttribute | null = null;
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  override connectionMade(): MaybeAsync {
    this.reset();
  }

  /** Text in UTF-8; LF goes to the beginning of the next row. */
  write(data: BytesLike): void {
    for (const ch of this.#decoder.decode(toBuffer(data), { stream: true })) {
      if (ch === "\n") this.insertAtCursor("\r");
      this.insertAtCursor(ch);
    }
  }

  /** Puts one character where the cursor is; of control characters only CR and LF do anything. */
  insertAtCursor(ch: string): void {
    if (ch === "\r") this.x = 0;
    else if (ch === "\n") this.index();
    else if (!/^\p{Cc}$/u.test(ch) || /^[\t\v\f]$/.test(ch)) this.#put(ch);
  }

  #put(ch: string): void {
    if (this.x >= this.width) {
      this.x = 0;
      this.index();
    }
    const cell: Cell = [ch, this.#formatting(this.#single ?? this.activeCharset)];
    this.#single = null;
    const row = this.lines[this.y]!;
    if (this.modes.has(modes.IRM)) {
      row.splice(this.x, 0, cell);
      row.length = this.width;
    } else row[this.x] = cell;
    this.x += 1;
  }

  /** Column and row from 0; undefined outside of the screen. */
  getCharacter(x: number, y: number): Cell | undefined {
    return this.lines[y]?.[x];
  }

  cursorUp(n = 1): void {
    this.y = Math.max(0, this.y - n);
  }

  cursorDown(n = 1): void {
    this.y = Math.min(this.height - 1, this.y + n);
  }

  /** As far as behind the last column. */
  cursorForward(n = 1): void {
    this.x = Math.min(this.width, this.x + n);
  }

  cursorBackward(n = 1): void {
    this.x = Math.max(0, this.x - n);
  }

  cursorPosition(column: number, line: number): void {
    this.x = Math.max(0, Math.min(this.width - 1, column));
    this.y = Math.max(0, Math.min(this.height - 1, line));
  }

  cursorHome(): void {
    this.x = this.home.x;
    this.y = this.home.y;
  }

  index(): void {
    if (this.y === this.#region[1]) this.#scroll(this.#region[0], this.#region[1]);
    else this.cursorDown();
  }

  reverseIndex(): void {
    if (this.y === this.#region[0]) this.#scroll(this.#region[1], this.#region[0]);
    else this.cursorUp();
  }

  nextLine(): void {
    this.x = 0;
    this.index();
  }

  /** With the attributes, as terminals do. */
  saveCursor(): void {
    this.#saved = { x: this.x, y: this.y, rendition: this.graphicRendition };
  }

  restoreCursor(): void {
    const { x, y } = this.#saved ?? this.home;
    this.graphicRendition = this.#saved?.rendition ?? this.graphicRendition;
    this.#saved = null;
    this.x = x;
    this.y = y;
    this.#attribute = null;
  }

  setModes(set: readonly number[]): void {
    for (const mode of set) if (mode <= MAX_MODE) this.modes.add(mode);
  }

  resetModes(reset: readonly number[]): void {
    for (const mode of reset) this.modes.delete(mode);
  }

  setPrivateModes(set: readonly number[]): void {
    for (const mode of set) if (mode <= MAX_MODE) this.privateModes.add(mode);
  }

  resetPrivateModes(reset: readonly number[]): void {
    for (const mode of reset) this.privateModes.delete(mode);
  }

  applicationKeypadMode(): void {
    this.keypadMode = "app";
  }

  numericKeypadMode(): void {
    this.keypadMode = "num";
  }

  selectCharacterSet(charSet: string, which: Slot): void {
    this.charsets.set(which, charSet);
  }

  shiftIn(): void {
    this.activeCharset = G0;
  }

  shiftOut(): void {
    this.activeCharset = G1;
  }

  singleShift2(): void {
    this.#single = G2;
  }

  singleShift3(): void {
    this.#single = G3;
  }

  selectGraphicRendition(...attributes: (number | string)[]): void {
    this.graphicRendition = changed(this.graphicRendition, attributes);
    this.#attribute = null;
  }

  eraseToLineEnd(): void {
    this.#erase(this.y, this.x, this.width);
  }

  eraseToLineBeginning(): void {
    this.#erase(this.y, 0, this.x + 1);
  }

  eraseLine(): void {
    this.#erase(this.y, 0, this.width);
  }

  eraseToDisplayEnd(): void {
    this.eraseToLineEnd();
    for (let y = this.y + 1; y < this.height; y++) this.lines[y] = this.#blankRow();
  }

  eraseToDisplayBeginning(): void {
    this.eraseToLineBeginning();
    for (let y = 0; y < this.y; y++) this.lines[y] = this.#blankRow();
  }

  eraseDisplay(): void {
    this.lines = Array.from({ length: this.height }, () => this.#blankRow());
  }

  deleteCharacter(n = 1): void {
    const row = this.lines[this.y]!;
    row.splice(this.x, n);
    while (row.length < this.width) row.push(this.#blank());
  }

  insertLine(n = 1): void {
    for (let left = Math.min(n, this.height); left > 0; left--) this.#scroll(this.#below, this.y);
  }

  deleteLine(n = 1): void {
    for (let left = Math.min(n, this.height); left > 0; left--) this.#scroll(this.y, this.#below);
  }

  /** The cursor stays where it is. */
  setScrollRegion(first: number | null = null, last: number | null = null): void {
    const [top, bottom] = [(first ?? 1) - 1, Math.min(last ?? this.height, this.height) - 1];
    this.#region = top >= 0 && top < bottom ? [top, bottom] : [0, this.height - 1];
  }

  resetScrollRegion(): void {
    this.setScrollRegion();
  }

  reportCursorPosition(): CursorReport {
    return [this.x, this.y];
  }

  reset(): void {
    this.home = new Vector(0, 0);
    this.x = this.y = 0;
    this.modes.clear();
    this.privateModes.clear();
    this.setPrivateModes([privateModes.AUTO_WRAP, privateModes.CURSOR_MODE]);
    this.activeCharset = G0;
    this.charsets.clear();
    this.charsets.set(G0, CS_US).set(G1, CS_US).set(G2, CS_ALTERNATE).set(G3, CS_ALTERNATE_SPECIAL);
    this.keypadMode = "num";
    this.#single = this.#saved = null;
    this.selectGraphicRendition();
    this.resetScrollRegion();
    this.eraseDisplay();
  }

  /** What is not understood is drawn nowhere. */
  unhandledControlSequence(seq: string): MaybeAsync {
    log.debug("a control sequence was not understood: {sequence}", { sequence: JSON.stringify(seq) });
  }

  /** The text: rows without the blanks at their ends, between newlines. */
  override toString(): string {
    return this.lines
      .map((row) => {
        const end = row.findLastIndex(([ch]) => ch !== VOID) + 1;
        return row
          .slice(0, end)
          .map(([ch]) => (ch === VOID ? this.fill : ch))
          .join("");
      })
      .join("\n");
  }

  toBytes(): Buffer {
    return Buffer.from(this.toString());
  }

  getHost(): IAddress {
    throw unable("getHost");
  }

  getPeer(): IAddress {
    throw unable("getPeer");
  }

  loseConnection(): void {
    throw unable("loseConnection");
  }

  writeSequence(data: Iterable<BytesLike>): void {
    throw unable("writeSequence");
  }

  horizontalTabulationSet(): void {
    throw unable("horizontalTabulationSet");
  }

  tabulationClear(): void {
    throw unable("tabulationClear");
  }

  tabulationClearAll(): void {
    throw unable("tabulationClearAll");
  }

  doubleHeightLine(top?: boolean): void {
    throw unable("doubleHeightLine");
  }

  singleWidthLine(): void {
    throw unable("singleWidthLine");
  }

  doubleWidthLine(): void {
    throw unable("doubleWidthLine");
  }

  /** The last row that moves when lines are inserted or deleted at the cursor. */
  get #below(): number {
    return this.y <= this.#region[1] ? this.#region[1] : this.height - 1;
  }

  /** The row at `from` is lost, those up to `to` move by one, and a blank one is at `to`. */
  #scroll(from: number, to: number): void {
    this.lines.splice(from, 1);
    this.lines.splice(to, 0, this.#blankRow());
  }

  #erase(y: number, from: number, to: number): void {
    for (let x = from; x < Math.min(to, this.width); x++) this.lines[y]![x] = this.#blank();
  }

  #blankRow(): Cell[] {
    return new Array<Cell>(this.width).fill(this.#blank());
  }

  #blank(): Cell {
    return [VOID, this.#formatting(this.activeCharset)];
  }

  /** Cells that look alike share what says so. */
  #formatting(charset: Slot): CharacterAttribute {
    if (this.#attribute?.charset !== charset) {
      this.#attribute = new CharacterAttribute({ charset, ...this.graphicRendition });
    }
    return this.#attribute;
  }
}

function unable(what: string): NotImplementedError {
  return new NotImplementedError(`a TerminalBuffer has no ${what}`);
}
