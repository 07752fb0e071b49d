/** A list to choose from. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { BOLD, NORMAL, REVERSE_VIDEO } from "../numbers.js";
import type { Surface } from "./surface.js";
import { columnsOf, fitted, shown } from "./text.js";
import { type SizeHint, Widget } from "./widget.js";

/** The one that is chosen is in reverse, and bold while the list has the focus; Return calls `onSelect` with it. */
export class Selection extends Widget {
  /** The one that is chosen. */
  focusedIndex = 0;
  /** In which row it is shown. */
  renderOffset = 0;

  /** `minVisible` is how many rows it asks for; null leaves its size to others. */
  constructor(
    readonly sequence: readonly string[],
    readonly onSelect: (selected: string) => MaybeAsync,
    readonly minVisible: number | null = null,
  ) {
    super();
  }

  override sizeHint(): SizeHint | null {
    if (this.minVisible === null) return null;
    return [this.sequence.reduce((most, each) => Math.max(most, columnsOf(shown(each))), 0), this.minVisible];
  }

  func_UP_ARROW(): void {
    this.#choose(this.focusedIndex - 1, this.renderOffset - 1);
  }

  func_DOWN_ARROW(): void {
    this.#choose(this.focusedIndex + 1, this.renderOffset + 1);
  }

  /** The first that is shown; from there, those before. */
  func_PGUP(): void {
    this.#stayWithin();
    this.#choose(this.focusedIndex - (this.renderOffset || this.#rows), 0);
  }

  /** The last that is shown; from there, those behind. */
  func_PGDN(): void {
    this.#stayWithin();
    const last = this.#rows - 1;
    this.#choose(this.focusedIndex + (last - this.renderOffset || this.#rows), last);
  }

  override characterReceived(keyID: string, modifier: string | null): MaybeAsync {
    const selected = this.sequence[this.focusedIndex];
    if (keyID === "\r" && selected !== undefined) return this.onSelect(selected);
  }

  override render(width: number, height: number, terminal: Surface): void {
    this.#stayWithin();
    const first = this.focusedIndex - this.renderOffset;
    for (let y = 0; y < height; y++) {
      terminal.cursorPosition(0, y);
      const isChosen = y === this.renderOffset && this.sequence.length > 0;
      if (isChosen) terminal.selectGraphicRendition(...(this.focused ? [REVERSE_VIDEO, BOLD] : [REVERSE_VIDEO]));
      terminal.write(fitted(this.sequence[first + y] ?? "", width));
      if (isChosen) terminal.selectGraphicRendition(NORMAL);
    }
  }

  get #rows(): number {
    return Math.max(1, this.height ?? this.sequence.length);
  }

  #choose(index: number, row: number): void {
    this.focusedIndex = index;
    this.renderOffset = row;
    this.#stayWithin();
    this.repaint();
  }

  #stayWithin(): void {
    this.focusedIndex = Math.max(0, Math.min(this.focusedIndex, this.sequence.length - 1));
    const rows = this.#rows;
    const atLeast = rows - (this.sequence.length - this.focusedIndex); // so that the last row is not empty
    this.renderOffset = Math.min(Math.max(this.renderOffset, atLeast, 0), rows - 1, this.focusedIndex);
  }
}
