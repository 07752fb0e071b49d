/** A place to draw on, cell by cell. */
import { IndexError } from "@strombus/reactor/exceptions";
import { drawRows } from "./drawing.js";
import type { Surface } from "./surface.js";
import { Widget } from "./widget.js";

/** As large as it is drawn; `x` and `y` are for a cursor of a subclass. A cell holds a character of one column. */
export class Canvas extends Widget {
  x = 0;
  y = 0;
  #rows: string[][] = [[" "]];

  /** What is within both sizes stays, and the cursor stays within. */
  resize(width: number, height: number): void {
    this.#resize(width, height);
    this.repaint();
  }

  /** @throws IndexError outside of it. */
  get(x: number, y: number): string {
    const cell = this.#rows[y]?.[x];
    if (cell === undefined) throw new IndexError("the canvas is smaller");
    return cell;
  }

  /** Repaint it when all is set. @throws IndexError outside of it. */
  set(x: number, y: number, ch: string): void {
    this.get(x, y);
    this.#rows[y]![x] = ch;
  }

  clear(): void {
    for (const row of this.#rows) row.fill(" ");
    this.repaint();
  }

  override render(width: number, height: number, terminal: Surface): void {
    if (width !== this.#rows[0]?.length || height !== this.#rows.length) this.#resize(width, height);
    const rows = this.#rows.map((row) => row.join(""));
    drawRows(terminal, width, height, rows);
  }

  #resize(width: number, height: number): void {
    this.#rows = Array.from({ length: height }, (_, y) =>
      Array.from({ length: width }, (_, x) => this.#rows[y]?.[x] ?? " "),
    );
    this.x = Math.max(0, Math.min(this.x, width - 1));
    this.y = Math.max(0, Math.min(this.y, height - 1));
  }
}
