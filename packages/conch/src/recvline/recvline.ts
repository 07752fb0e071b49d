/** Lines that are edited on a terminal. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { KEYS } from "../insults/keys.js";
import { modes } from "../insults/numbers.js";
import { collected } from "../insults/sequence.js";
import { TerminalProtocol } from "../insults/terminal-protocol.js";

const log = new Logger({ namespace: "strombus.conch.recvline" });

export type KeyHandler = () => MaybeAsync;

/** A line editor. Override `lineReceived`. Every character is taken for one column wide, and a line for one row. */
export class RecvLine extends TerminalProtocol {
  width = 80;
  height = 24;
  TABSTOP = 4;
  /** The prompts: of a line, and of one that continues it. */
  ps: readonly string[] = [">>> ", "... "];
  /** Which of them. */
  pn = 0;
  /** The characters of the line. */
  lineBuffer: string[] = [];
  /** Where in the line the cursor is. */
  lineBufferIndex = 0;
  /** What is typed beyond so many characters is refused with a beep. */
  maxLineLength = 4096;
  mode: "insert" | "typeover" = "insert";
  /** What keys do: filled by `connectionMade`. */
  readonly keyHandlers = new Map<string, KeyHandler>();

  override connectionMade(): MaybeAsync {
    this.lineBuffer = [];
    this.lineBufferIndex = 0;
    for (const [key, handler] of [
      [KEYS.LEFT_ARROW, () => this.handle_LEFT()],
      [KEYS.RIGHT_ARROW, () => this.handle_RIGHT()],
      [KEYS.TAB, () => this.handle_TAB()],
      ["\r", () => this.handle_RETURN()],
      ["\n", () => this.handle_RETURN()],
      [KEYS.BACKSPACE, () => this.handle_BACKSPACE()],
      ["\b", () => this.handle_BACKSPACE()],
      [KEYS.DELETE, () => this.handle_DELETE()],
      [KEYS.INSERT, () => this.handle_INSERT()],
      [KEYS.HOME, () => this.handle_HOME()],
      [KEYS.END, () => this.handle_END()],
    ] as const) {
      this.keyHandlers.set(key, handler);
    }
    this.initializeScreen();
  }

  initializeScreen(): void {
    this.terminal.reset();
    this.terminal.write(this.prompt);
    this.setInsertMode();
  }

  get prompt(): string {
    return this.ps[this.pn] ?? "";
  }

  /** What is left and right of the cursor. */
  currentLineBuffer(): [left: string, right: string] {
    const { lineBuffer, lineBufferIndex } = this;
    return [lineBuffer.slice(0, lineBufferIndex).join(""), lineBuffer.slice(lineBufferIndex).join("")];
  }

  setInsertMode(): void {
    this.mode = "insert";
    this.terminal.setModes([modes.IRM]);
  }

  setTypeoverMode(): void {
    this.mode = "typeover";
    this.terminal.resetModes([modes.IRM]);
  }

  /** Writes prompt and line where the cursor is, and puts the cursor where it is in the line. */
  drawInputLine(): void {
    this.terminal.write(this.prompt + this.shownLine());
    const right = this.lineBuffer.length - this.lineBufferIndex;
    if (right > 0) this.terminal.cursorBackward(right);
  }

  /** The line as it is drawn; what shows it in colours overrides this. */
  protected shownLine(): string {
    return this.lineBuffer.join("");
  }

  override terminalSize(width: number, height: number): MaybeAsync {
    this.terminal.eraseDisplay();
    this.terminal.cursorHome();
    this.width = width;
    this.height = height;
    this.drawInputLine();
  }

  override unhandledControlSequence(seq: string): MaybeAsync {}

  override keystrokeReceived(keyID: string, modifier: string | null): MaybeAsync {
    const handler = this.keyHandlers.get(keyID);
    if (handler !== undefined) return handler();
    if (/^[^\p{Cc}\p{Cs}]$/u.test(keyID) || keyID === "\v" || keyID === "\f") return this.#typed(keyID);
    log.debug("received unhandled key {key}", { key: JSON.stringify(keyID) });
  }

  #typed(ch: string): MaybeAsync {
    if (this.lineBuffer.length >= this.maxLineLength) {
      this.terminal.write("\x07");
      return;
    }
    return this.characterReceived(ch, false);
  }

  /** A character of the line. `moreCharactersComing` is true within a row of them. */
  characterReceived(ch: string, moreCharactersComing: boolean): MaybeAsync {
    this.insertCharacter(ch);
    this.terminal.write(ch);
  }

  protected insertCharacter(ch: string): void {
    this.lineBuffer.splice(this.lineBufferIndex, this.mode === "insert" ? 0 : 1, ch);
    this.lineBufferIndex += 1;
  }

  /** As if it were typed. */
  _deliverBuffer(text: string): MaybeAsync {
    const characters = Array.from(text).slice(0, Math.max(0, this.maxLineLength - this.lineBuffer.length));
    return collected((result) => {
      for (const [i, ch] of characters.entries()) result(this.characterReceived(ch, i < characters.length - 1));
    });
  }

  handle_LEFT(): MaybeAsync {
    if (this.lineBufferIndex === 0) return;
    this.lineBufferIndex -= 1;
    this.terminal.cursorBackward();
  }

  handle_RIGHT(): MaybeAsync {
    if (this.lineBufferIndex >= this.lineBuffer.length) return;
    this.lineBufferIndex += 1;
    this.terminal.cursorForward();
  }

  handle_HOME(): MaybeAsync {
    if (this.lineBufferIndex === 0) return;
    this.terminal.cursorBackward(this.lineBufferIndex);
    this.lineBufferIndex = 0;
  }

  handle_END(): MaybeAsync {
    const right = this.lineBuffer.length - this.lineBufferIndex;
    if (right === 0) return;
    this.terminal.cursorForward(right);
    this.lineBufferIndex = this.lineBuffer.length;
  }

  handle_TAB(): MaybeAsync {
    return this._deliverBuffer(" ".repeat(this.TABSTOP - (this.lineBufferIndex % this.TABSTOP)));
  }

  handle_BACKSPACE(): MaybeAsync {
    if (this.lineBufferIndex === 0) return;
    this.lineBufferIndex -= 1;
    this.lineBuffer.splice(this.lineBufferIndex, 1);
    this.terminal.cursorBackward();
    this.terminal.deleteCharacter();
  }

  handle_DELETE(): MaybeAsync {
    if (this.lineBufferIndex >= this.lineBuffer.length) return;
    this.lineBuffer.splice(this.lineBufferIndex, 1);
    this.terminal.deleteCharacter();
  }

  handle_INSERT(): MaybeAsync {
    if (this.mode === "insert") this.setTypeoverMode();
    else this.setInsertMode();
  }

  handle_RETURN(): MaybeAsync {
    const line = this.lineBuffer.join("");
    this.lineBuffer = [];
    this.lineBufferIndex = 0;
    this.terminal.nextLine();
    return this.lineReceived(line);
  }

  /** A line, without its end. Write the prompt again when it is dealt with. */
  lineReceived(line: string): MaybeAsync {}
}
