/** A part of a widget that is larger than its place. */
import { TerminalBuffer } from "../buffer.js";
import type { Cell } from "../buffer.js";
import { CS_DRAWING, CS_US, NORMAL } from "../numbers.js";
import type { Surface } from "./surface.js";
import { columnsOf, fitted } from "./text.js";
import { Widget } from "./widget.js";

const WIDTH = 160;
const HEIGHT = 24;

/** The drawing characters from "`" to "~", as text has them: a cell remembers no character set. */
const DRAWING = Array.from("◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·");

/** What the containee draws on: 160 columns and 24 rows. */
class Whole extends TerminalBuffer {
  override width = WIDTH;
  override height = HEIGHT;

  override insertAtCursor(ch: string): void {
    const isDrawing = (this.charsets.get(this.activeCharset) ?? CS_US) === CS_DRAWING;
    super.insertAtCursor(isDrawing ? (DRAWING[ch.charCodeAt(0) - 0x60] ?? ch) : ch);
  }
}

/** Shows what of its containee lies right of column `xOffset` and below row `yOffset`. */
export class Viewport extends Widget {
  readonly #whole = new Whole();
  #xOffset = 0;
  #yOffset = 0;

  /** @throws AssertionError for a widget that has a parent. */
  constructor(readonly containee: Widget) {
    super();
    this.adopt(containee);
    this.#whole.reset();
  }

  get xOffset(): number {
    return this.#xOffset;
  }

  /** Taken into what the containee has of columns. */
  set xOffset(offset: number) {
    const within = Math.max(0, Math.min(WIDTH - 1, offset));
    if (within === this.#xOffset) return;
    this.#xOffset = within;
    this.repaint();
  }

  get yOffset(): number {
    return this.#yOffset;
  }

  set yOffset(offset: number) {
    const within = Math.max(0, Math.min(HEIGHT - 1, offset));
    if (within === this.#yOffset) return;
    this.#yOffset = within;
    this.repaint();
  }

  override filthy(): void {
    super.filthy();
    this.containee.filthy();
  }

  override render(width: number, height: number, terminal: Surface): void {
    this.containee.draw(WIDTH, HEIGHT, this.#whole);
    for (let y = 0; y < height; y++) {
      const row = this.#whole.lines[this.#yOffset + y] ?? [];
      terminal.cursorPosition(0, y);
      drawCells(row.slice(this.#xOffset, this.#xOffset + width), width, terminal);
    }
  }
}

/** Cells that look alike are written together. */
function drawCells(cells: readonly Cell[], width: number, terminal: Surface): void {
  let left = width;
  for (let from = 0, to = 0; from < cells.length; from = to) {
    const attribute = cells[from]![1];
    while (to < cells.length && cells[to]![1].equals(attribute)) to++;
    const text = cells.slice(from, to).map(([ch]) => ch || " ");
    const kept = fitted(text.join(""), Math.min(left, columnsOf(text.join(""))));
    const attributes = attribute.attributes();
    if (attributes.length > 0) terminal.selectGraphicRendition(...attributes);
    terminal.write(kept);
    if (attributes.length > 0) terminal.selectGraphicRendition(NORMAL);
    left -= columnsOf(kept);
  }
  terminal.write(" ".repeat(left));
}
