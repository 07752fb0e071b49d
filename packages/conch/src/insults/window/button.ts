/** Something to press. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { BOLD, NORMAL } from "../numbers.js";
import type { Surface } from "./surface.js";
import { columnsOf, fitted, shown } from "./text.js";
import { type SizeHint, Widget } from "./widget.js";

/** Bold while it has the focus; Return presses it. */
export class Button extends Widget {
  #label: string;

  constructor(
    label: string,
    readonly onPress: () => MaybeAsync,
  ) {
    super();
    this.#label = label;
  }

  get label(): string {
    return this.#label;
  }

  setLabel(label: string): void {
    this.#label = label;
    this.repaint();
  }

  override sizeHint(): SizeHint {
    return [columnsOf(shown(this.#label)), 1];
  }

  override characterReceived(keyID: string, modifier: string | null): MaybeAsync {
    if (keyID === "\r") return this.onPress();
  }

  override render(width: number, height: number, terminal: Surface): void {
    terminal.cursorPosition(0, 0);
    if (this.focused) terminal.selectGraphicRendition(BOLD);
    terminal.write(fitted(this.#label, width));
    if (this.focused) terminal.selectGraphicRendition(NORMAL);
  }
}
