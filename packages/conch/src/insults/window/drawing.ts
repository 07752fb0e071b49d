/** Lines and boxes in the drawing characters of VT100, and a cell that looks like a cursor. */
import { CS_DRAWING, CS_US, G0, REVERSE_VIDEO } from "../numbers.js";
import type { Surface } from "./surface.js";
import { columnsOf, fitted } from "./text.js";

const [TOP_LEFT, TOP_RIGHT, BOTTOM_LEFT, BOTTOM_RIGHT, HORIZONTAL, VERTICAL] = ["l", "k", "m", "j", "q", "x"] as const;

/** From column `left` to before column `right`. */
export function horizontalLine(terminal: Surface, y: number, left: number, right: number): void {
  if (right <= left) return;
  terminal.selectCharacterSet(CS_DRAWING, G0);
  terminal.cursorPosition(left, y);
  terminal.write(HORIZONTAL.repeat(right - left));
  terminal.selectCharacterSet(CS_US, G0);
}

/** From row `top` to before row `bottom`. */
export function verticalLine(terminal: Surface, x: number, top: number, bottom: number): void {
  if (bottom <= top) return;
  terminal.selectCharacterSet(CS_DRAWING, G0);
  for (let y = top; y < bottom; y++) {
    terminal.cursorPosition(x, y);
    terminal.write(VERTICAL);
  }
  terminal.selectCharacterSet(CS_US, G0);
}

/** The outline of a box; one that is less than two columns wide or two rows high has none. */
export function rectangle(
  terminal: Surface,
  [top, left]: readonly [top: number, left: number],
  [width, height]: readonly [width: number, height: number],
): void {
  if (width < 2 || height < 2) return;
  const edge = HORIZONTAL.repeat(width - 2);
  terminal.selectCharacterSet(CS_DRAWING, G0);
  terminal.cursorPosition(left, top);
  terminal.write(TOP_LEFT + edge + TOP_RIGHT);
  for (let y = top + 1; y < top + height - 1; y++) {
    terminal.cursorPosition(left, y);
    terminal.write(VERTICAL);
    if (width > 2) terminal.cursorForward(width - 2);
    terminal.write(VERTICAL);
  }
  terminal.cursorPosition(left, top + height - 1);
  terminal.write(BOTTOM_LEFT + edge + BOTTOM_RIGHT);
  terminal.selectCharacterSet(CS_US, G0);
}

/** One character in reverse, behind which drawing goes on. */
export function cursor(terminal: Surface, ch: string): void {
  terminal.saveCursor();
  terminal.selectGraphicRendition(REVERSE_VIDEO);
  terminal.write(ch);
  terminal.restoreCursor();
  terminal.cursorForward(Math.max(1, columnsOf(ch)));
}

/** Rows of text from the top: each is cut or filled up to the width, and those that are missing are blank. */
export function drawRows(terminal: Surface, width: number, height: number, rows: readonly string[]): void {
  for (let y = 0; y < height; y++) {
    terminal.cursorPosition(0, y);
    terminal.write(fitted(rows[y] ?? "", width));
  }
}
