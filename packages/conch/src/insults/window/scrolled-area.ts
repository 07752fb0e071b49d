/** A viewport that the arrow keys move, between bars that show where it is. */
import { FOREGROUND, RED } from "../formatting.js";
import { NORMAL } from "../numbers.js";
import { horizontalLine, verticalLine } from "./drawing.js";
import { HorizontalScrollbar, VerticalScrollbar } from "./scrollbar.js";
import { BoundedTerminalWrapper, type Surface } from "./surface.js";
import { Viewport } from "./viewport.js";
import { Widget } from "./widget.js";

/** Rows and columns after which the bars show the end. */
const END = 25;

/** Red while it has the focus. Keys are its own: those to its containee are not passed on. */
export class ScrolledArea extends Widget {
  readonly #viewport: Viewport;
  readonly #horizontal = new HorizontalScrollbar((step) => this.#scrollX(step));
  readonly #vertical = new VerticalScrollbar((step) => this.#scrollY(step));

  /** @throws AssertionError for a widget that has a parent. */
  constructor(containee: Widget) {
    super();
    this.#viewport = new Viewport(containee);
    this.adopt(this.#viewport);
    this.adopt(this.#horizontal);
    this.adopt(this.#vertical);
  }

  func_UP_ARROW(): void {
    this.#vertical.func_UP_ARROW();
  }

  func_DOWN_ARROW(): void {
    this.#vertical.func_DOWN_ARROW();
  }

  func_LEFT_ARROW(): void {
    this.#horizontal.func_LEFT_ARROW();
  }

  func_RIGHT_ARROW(): void {
    this.#horizontal.func_RIGHT_ARROW();
  }

  override filthy(): void {
    super.filthy();
    for (const part of [this.#viewport, this.#horizontal, this.#vertical]) part.filthy();
  }

  override render(width: number, height: number, terminal: Surface): void {
    const part = (widget: Widget, columns: number, rows: number, x: number, y: number): void =>
      widget.draw(columns, rows, new BoundedTerminalWrapper(terminal, columns, rows, x, y));
    part(this.#viewport, width - 2, height - 2, 1, 1);
    if (this.focused) terminal.selectGraphicRendition(FOREGROUND + RED);
    horizontalLine(terminal, 0, 0, width - 1);
    verticalLine(terminal, 0, 1, height - 1);
    // The bars have its colour: they are drawn whenever it is.
    for (const bar of [this.#horizontal, this.#vertical]) bar.filthy();
    part(this.#vertical, 1, height - 1, width - 1, 0);
    part(this.#horizontal, width, 1, 0, height - 1);
    terminal.selectGraphicRendition(NORMAL);
  }

  #scrollX(step: number): number {
    this.#viewport.xOffset += step;
    return this.#viewport.xOffset / END;
  }

  #scrollY(step: number): number {
    this.#viewport.yOffset += step;
    return this.#viewport.yOffset / END;
  }
}
