/** What is done to the terminal of a client, as bytes. */
import { AssertionError, ValueError } from "@strombus/reactor/exceptions";
import type { BytesLike, IAddress, ITransport } from "@strombus/reactor/interfaces";
import { toBuffer } from "../wire/writer.js";
import { KeyedProtocol } from "./keys.js";
import { DESIGNATORS, G0, G1, type Slot, Vector } from "./numbers.js";

/** Each command is one write. Where the cursor is is known from these commands alone, not from text that is written. */
export abstract class TerminalOutput extends KeyedProtocol {
  /** What was last written, before newlines were translated. */
  lastWrite: Buffer = Buffer.alloc(0);
  /** Columns and rows. */
  termSize = new Vector(80, 24);
  cursorPos = new Vector(0, 0);
  /** First and last line that scroll, from 1; null is the screen's own. */
  scrollRegion: readonly [first: number | null, last: number | null] | null = null;
  #saved: Vector | null = null;

  /** Each LF goes out as CR LF. */
  write(data: BytesLike): void {
    const bytes = toBuffer(data);
    if (bytes.length === 0) return;
    this.lastWrite = bytes;
    this.#line.write(withReturns(bytes));
  }

  writeSequence(data: Iterable<BytesLike>): void {
    this.write(Buffer.concat([...data].map(toBuffer)));
  }

  /** Resets the terminal, then closes. */
  loseConnection(): void {
    this.reset();
    this.#line.loseConnection();
  }

  getPeer(): IAddress {
    return this.#line.getPeer();
  }

  getHost(): IAddress {
    return this.#line.getHost();
  }

  cursorUp(n = 1): void {
    positive(n);
    this.#moveTo(this.cursorPos.x, this.cursorPos.y - n);
    this.write(`\x1b[${n}A`);
  }

  cursorDown(n = 1): void {
    positive(n);
    this.#moveTo(this.cursorPos.x, this.cursorPos.y + n);
    this.write(`\x1b[${n}B`);
  }

  cursorForward(n = 1): void {
    positive(n);
    this.#moveTo(this.cursorPos.x + n, this.cursorPos.y);
    this.write(`\x1b[${n}C`);
  }

  cursorBackward(n = 1): void {
    positive(n);
    this.#moveTo(this.cursorPos.x - n, this.cursorPos.y);
    this.write(`\x1b[${n}D`);
  }

  cursorPosition(column: number, line: number): void {
    this.#moveTo(column, line);
    this.write(`\x1b[${line + 1};${column + 1}H`);
  }

  cursorHome(): void {
    this.#moveTo(0, 0);
    this.write("\x1b[H");
  }

  index(): void {
    this.#moveTo(this.cursorPos.x, this.cursorPos.y + 1);
    this.write("\x1bD");
  }

  reverseIndex(): void {
    this.#moveTo(this.cursorPos.x, this.cursorPos.y - 1);
    this.write("\x1bM");
  }

  nextLine(): void {
    this.#moveTo(0, this.cursorPos.y + 1);
    this.write("\n");
  }

  saveCursor(): void {
    this.#saved = new Vector(this.cursorPos.x, this.cursorPos.y);
    this.write("\x1b7");
  }

  restoreCursor(): void {
    this.cursorPos = this.#saved ?? new Vector(0, 0);
    this.#saved = null;
    this.write("\x1b8");
  }

  setModes(modes: readonly number[]): void {
    this.write(`\x1b[${modes.join(";")}h`);
  }

  resetModes(modes: readonly number[]): void {
    this.write(`\x1b[${modes.join(";")}l`);
  }

  setPrivateModes(modes: readonly number[]): void {
    this.write(`\x1b[?${modes.join(";")}h`);
  }

  resetPrivateModes(modes: readonly number[]): void {
    this.write(`\x1b[?${modes.join(";")}l`);
  }

  applicationKeypadMode(): void {
    this.write("\x1b=");
  }

  numericKeypadMode(): void {
    this.write("\x1b>");
  }

  selectCharacterSet(charSet: string, which: Slot): void {
    const letter = DESIGNATORS.get(charSet);
    if (letter === undefined) throw new ValueError("there is no such character set");
    if (which !== G0 && which !== G1) throw new ValueError("only G0 and G1 can be filled");
    this.write(`\x1b${which === G0 ? "(" : ")"}${letter}`);
  }

  shiftIn(): void {
    this.write("\x0f");
  }

  shiftOut(): void {
    this.write("\x0e");
  }

  singleShift2(): void {
    this.write("\x1bN");
  }

  singleShift3(): void {
    this.write("\x1bO");
  }

  selectGraphicRendition(...attributes: (number | string)[]): void {
    this.write(`\x1b[${attributes.join(";")}m`);
  }

  horizontalTabulationSet(): void {
    this.write("\x1bH");
  }

  tabulationClear(): void {
    this.write("\x1b[g");
  }

  tabulationClearAll(): void {
    this.write("\x1b[3g");
  }

  doubleHeightLine(top = true): void {
    this.write(top ? "\x1b#3" : "\x1b#4");
  }

  singleWidthLine(): void {
    this.write("\x1b#5");
  }

  doubleWidthLine(): void {
    this.write("\x1b#6");
  }

  eraseToLineEnd(): void {
    this.write("\x1b[K");
  }

  eraseToLineBeginning(): void {
    this.write("\x1b[1K");
  }

  eraseLine(): void {
    this.write("\x1b[2K");
  }

  eraseToDisplayEnd(): void {
    this.write("\x1b[J");
  }

  eraseToDisplayBeginning(): void {
    this.write("\x1b[1J");
  }

  eraseDisplay(): void {
    this.write("\x1b[2J");
  }

  deleteCharacter(n = 1): void {
    this.write(`\x1b[${n}P`);
  }

  insertLine(n = 1): void {
    this.write(`\x1b[${n}L`);
  }

  deleteLine(n = 1): void {
    this.write(`\x1b[${n}M`);
  }

  setScrollRegion(first: number | null = null, last: number | null = null): void {
    this.scrollRegion = first === null && last === null ? null : [first, last];
    this.write(`\x1b[${first ?? ""};${last ?? ""}r`);
  }

  resetScrollRegion(): void {
    this.setScrollRegion();
  }

  reset(): void {
    this.#moveTo(0, 0);
    this.#saved = null;
    this.scrollRegion = null;
    this.write("\x1bc");
  }

  get #line(): ITransport {
    return this.transport!;
  }

  #moveTo(x: number, y: number): void {
    const { x: width, y: height } = this.termSize;
    this.cursorPos.x = Math.max(0, Math.min(x, width - 1));
    this.cursorPos.y = Math.max(0, Math.min(y, height - 1));
  }
}

function positive(n: number): void {
  if (!(n >= 1)) throw new AssertionError(`the cursor cannot move by ${n}`);
}

function withReturns(bytes: Buffer): Buffer {
  if (!bytes.includes(10)) return bytes;
  return Buffer.from(bytes.toString("latin1").replaceAll("\n", "\r\n"), "latin1");
}
