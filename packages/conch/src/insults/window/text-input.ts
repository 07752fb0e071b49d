/** A line to type. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { cursor } from "./drawing.js";
import type { Surface } from "./surface.js";
import { columnsOf, fitted, shown } from "./text.js";
import { type SizeHint, Widget } from "./widget.js";

/** Up to `maxwidth` characters; Return calls `onSubmit`. Control characters are not text. */
export class TextInput extends Widget {
  #characters: string[] = [];
  #cursor = 0;

  constructor(
    readonly maxwidth: number,
    readonly onSubmit: (text: string) => MaybeAsync,
  ) {
    super();
  }

  /** What is typed. */
  get buffer(): string {
    return this.#characters.join("");
  }

  /** How many characters are left of the cursor. */
  get cursor(): number {
    return this.#cursor;
  }

  /** What is longer is cut; the cursor is at the end. */
  setText(text: string): void {
    this.#characters = Array.from(text.slice(0, 2 * this.maxwidth)).slice(0, this.maxwidth);
    this.#cursor = this.#characters.length;
    this.repaint();
  }

  override sizeHint(): SizeHint {
    return [this.maxwidth + 1, 1];
  }

  func_LEFT_ARROW(): void {
    if (this.#cursor === 0) return;
    this.#cursor -= 1;
    this.repaint();
  }

  func_RIGHT_ARROW(): void {
    if (this.#cursor >= this.#characters.length) return;
    this.#cursor += 1;
    this.repaint();
  }

  override backspaceReceived(): MaybeAsync {
    if (this.#cursor === 0) return;
    this.#cursor -= 1;
    this.#characters.splice(this.#cursor, 1);
    this.repaint();
  }

  override characterReceived(keyID: string, modifier: string | null): MaybeAsync {
    if (keyID === "\r") return this.onSubmit(this.buffer);
    if (this.#characters.length >= this.maxwidth || /^\p{Cc}$/u.test(keyID)) return;
    this.#characters.splice(this.#cursor, 0, keyID);
    this.#cursor += 1;
    this.repaint();
  }

  override render(width: number, height: number, terminal: Surface): void {
    const length = Math.min(width, this.maxwidth + 1);
    const text = this.shownCharacters(this.#characters);
    terminal.cursorPosition(0, 0);
    if (!this.focused) {
      terminal.write(
        length > this.maxwidth ? `${fitted(text.join(""), length - 1, "_")} ` : fitted(text.join(""), length, "_"),
      );
      return;
    }
    const under = cellOf(text[this.#cursor] ?? " ", length);
    let [first, columns] = [this.#cursor, columnsOf(under)];
    while (first > 0 && columns + columnsOf(text[first - 1]!) <= length) columns += columnsOf(text[--first]!);
    terminal.write(text.slice(first, this.#cursor).join(""));
    cursor(terminal, under);
    terminal.write(fitted(text.slice(this.#cursor + 1).join(""), length - columns));
  }

  /** What stands for each character. */
  protected shownCharacters(characters: readonly string[]): string[] {
    return characters.map(shown);
  }
}

/** Shows how many characters there are, not which. */
export class PasswordInput extends TextInput {
  protected override shownCharacters(characters: readonly string[]): string[] {
    return characters.map(() => "*");
  }
}

/** What a cell looks like under the cursor: a mark that combines has a space to combine with. */
function cellOf(ch: string, length: number): string {
  const columns = columnsOf(ch);
  if (columns === 0) return ` ${ch}`;
  return columns > length ? " " : ch;
}
