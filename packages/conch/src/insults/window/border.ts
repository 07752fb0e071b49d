/** A frame around a widget. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { FOREGROUND, RED } from "../formatting.js";
import { NORMAL } from "../numbers.js";
import { rectangle } from "./drawing.js";
import { BoundedTerminalWrapper, type Surface } from "./surface.js";
import { type SizeHint, Widget } from "./widget.js";

/** Red while what is in it has the focus. */
export class Border extends Widget {
  /** @throws AssertionError for a widget that has a parent. */
  constructor(readonly containee: Widget) {
    super();
    this.adopt(containee);
  }

  override focusReceived(): void {
    this.containee.focusReceived();
  }

  override focusLost(): void {
    this.containee.focusLost();
  }

  override keystrokeReceived(keyID: string, modifier: string | null): MaybeAsync {
    return this.containee.keystrokeReceived(keyID, modifier);
  }

  override sizeHint(): SizeHint {
    const [width, height] = this.containee.sizeHint() ?? [null, null];
    return [width === null ? null : width + 2, height === null ? null : height + 2];
  }

  override filthy(): void {
    super.filthy();
    this.containee.filthy();
  }

  override render(width: number, height: number, terminal: Surface): void {
    if (this.containee.focused) terminal.selectGraphicRendition(FOREGROUND + RED);
    rectangle(terminal, [0, 0], [width, height]);
    terminal.selectGraphicRendition(NORMAL);
    const inside = new BoundedTerminalWrapper(terminal, width - 2, height - 2, 1, 1);
    this.containee.draw(width - 2, height - 2, inside);
  }
}
