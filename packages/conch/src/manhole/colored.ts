/** A manhole whose lines are in colours as they are typed. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { Manhole } from "./manhole.js";
import { type Open, START, tokens, type TokenType } from "./tokens.js";

/** Writes pieces of source in colours, by the numbers of selectGraphicRendition. */
export class VT102Writer {
  readonly typeToColor: ReadonlyMap<TokenType, string> = new Map([
    ["identifier", "31"],
    ["keyword", "32"],
    ["parameter", "33"],
    ["variable", "1;33"],
    ["string", "35"],
    ["number", "36"],
    ["operator", "37"],
  ]);
  readonly normalColor = "0";
  #written: string[] = [];

  /** Null for what is plain. */
  color(type: TokenType | null): string | null {
    return type === null ? null : (this.typeToColor.get(type) ?? null);
  }

  write(token: string, type: TokenType | null = null): void {
    if (token === "" || token === "\r") return;
    const color = this.color(type);
    this.#written.push(color === null ? token : `\x1b[${color}m${token}\x1b[${this.normalColor}m`);
  }

  /** The last line of what was written. */
  toString(): string {
    return this.#written.join("").split("\n").at(-1)!;
  }
}

function colored(line: string, open: Open): string {
  const writer = new VT102Writer();
  for (const [text, type] of tokens(line, open)[0]) writer.write(text, type);
  return writer.toString();
}

/** The last line of the source, which is text or UTF-8, in colours. */
export function lastColorizedLine(source: string | Uint8Array): string {
  const lines = (typeof source === "string" ? source : Buffer.from(source).toString()).split("\n");
  const last = lines.pop()!;
  return colored(
    last,
    lines.reduce((open, line) => tokens(line, open)[1], START),
  );
}

/** A manhole whose input has colours while it is typed. */
export class ColoredManhole extends Manhole {
  /** What the lines before this one leave open, and how many they are. */
  #before = { lines: 0, open: START };

  override connectionMade(): MaybeAsync {
    const made = super.connectionMade();
    this.interpreter.colors = true;
    return made;
  }

  /** The statement so far. */
  getSource(): string {
    return [...this.interpreter.buffer, this.lineBuffer.join("")].join("\n");
  }

  override characterReceived(ch: string, moreCharactersComing: boolean): MaybeAsync {
    this.insertCharacter(ch);
    if (moreCharactersComing) return;
    if (ch === " " && this.lineBufferIndex === this.lineBuffer.length && this.lineBuffer.at(-2) !== " ") {
      this.terminal.write(ch);
      return;
    }
    this.terminal.eraseLine();
    const before = this.lineBuffer.length + this.prompt.length - 1;
    if (before > 0) this.terminal.cursorBackward(before);
    this.drawInputLine();
  }

  protected override shownLine(): string {
    return colored(this.lineBuffer.join(""), this.#open());
  }

  #open(): Open {
    const { buffer } = this.interpreter;
    if (buffer.length < this.#before.lines) this.#before = { lines: 0, open: START };
    while (this.#before.lines < buffer.length) {
      const line = buffer[this.#before.lines]!;
      this.#before = { lines: this.#before.lines + 1, open: tokens(line, this.#before.open)[1] };
    }
    return this.#before.open;
  }
}
