/** Text to read. */
import { drawRows } from "./drawing.js";
import type { Surface } from "./surface.js";
import { linesOf, wrapped } from "./text.js";
import { type SizeHint, Widget, YieldFocus } from "./widget.js";

/** One row. Has no focus. */
export class TextOutput extends Widget {
  #text = "";

  constructor(readonly size: SizeHint | null = null) {
    super();
  }

  get text(): string {
    return this.#text;
  }

  setText(text: string): void {
    this.#text = text;
    this.repaint();
  }

  override sizeHint(): SizeHint | null {
    return this.size;
  }

  /** @throws YieldFocus */
  override focusReceived(): void {
    throw new YieldFocus();
  }

  override render(width: number, height: number, terminal: Surface): void {
    drawRows(terminal, width, 1, [this.#text]);
  }
}

export const WRAP = 0;
export const TRUNCATE = 1;
export type LongLines = typeof WRAP | typeof TRUNCATE;

/** Several rows; what is too long is wrapped or cut, and what is below the last row is not shown. */
export class TextOutputArea extends TextOutput {
  static readonly WRAP = WRAP;
  static readonly TRUNCATE = TRUNCATE;

  constructor(
    size: SizeHint | null = null,
    readonly longLines: LongLines = WRAP,
  ) {
    super(size);
  }

  override render(width: number, height: number, terminal: Surface): void {
    const rows = this.longLines === WRAP ? wrapped(this.text, width, height) : linesOf(this.text, height);
    drawRows(terminal, width, height, rows);
  }
}
