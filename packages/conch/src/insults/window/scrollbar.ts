/** Bars that show where one is, and by which one goes elsewhere. */
import type { Surface } from "./surface.js";
import { type SizeHint, Widget } from "./widget.js";

const [LEFT, RIGHT, UP, DOWN] = ["\u25c0", "\u25b6", "\u25b2", "\u25bc"] as const;
const TRACK = "\u2591";
const KNOB = "\u2593";

/** Told of one step back or forth, -1 or 1, it says where one is then: 0 at the beginning, 1 at the end. */
export type OnScroll = (step: -1 | 1) => number;

abstract class Scrollbar extends Widget {
  /** Where the knob is: from 0 to 1. */
  percent = 0;

  constructor(readonly onScroll: OnScroll) {
    super();
  }

  /** Shows another place, which is taken into 0 to 1. */
  setPercent(percent: number): void {
    const within = Math.max(0, Math.min(1, Number.isNaN(percent) ? 0 : percent));
    if (within === this.percent) return;
    this.percent = within;
    this.repaint();
  }

  protected scroll(step: -1 | 1): void {
    this.setPercent(this.onScroll(step));
  }
}

/** A knob between a left and a right end. */
export class HorizontalScrollbar extends Scrollbar {
  override sizeHint(): SizeHint {
    return [null, 1];
  }

  func_LEFT_ARROW(): void {
    this.scroll(-1);
  }

  func_RIGHT_ARROW(): void {
    this.scroll(1);
  }

  override render(width: number, height: number, terminal: Surface): void {
    terminal.cursorPosition(0, 0);
    terminal.write(glyphs(width, Math.trunc((width - 3) * this.percent), LEFT, RIGHT).join(""));
  }
}

/** A knob between an upper and a lower end. */
export class VerticalScrollbar extends Scrollbar {
  override sizeHint(): SizeHint {
    return [1, null];
  }

  func_UP_ARROW(): void {
    this.scroll(-1);
  }

  func_DOWN_ARROW(): void {
    this.scroll(1);
  }

  override render(width: number, height: number, terminal: Surface): void {
    const knob = Math.min(height - 3, Math.trunc((height - 2) * this.percent));
    for (const [y, glyph] of glyphs(height, knob, UP, DOWN).entries()) {
      terminal.cursorPosition(0, y);
      terminal.write(glyph);
    }
  }
}

/** A bar that is too short for its knob is its ends. */
function glyphs(length: number, knob: number, begin: string, end: string): string[] {
  if (length < 3) return [begin, end].slice(0, length);
  const track = Array.from({ length: length - 2 }, (_, i) => (i === knob ? KNOB : TRACK));
  return [begin, ...track, end];
}
