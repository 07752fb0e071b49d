/** The widget around all others. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { ContainerWidget } from "./container.js";
import type { Surface } from "./surface.js";
import { YieldFocus } from "./widget.js";

/** What a client says of its window's size is not believed beyond this. */
const MAX_COLUMNS = 1000;
const MAX_ROWS = 300;

/**
 * Has the focus always, and has itself painted when something in it has changed: `scheduler` is given a function that it
 * calls later, once for all that changes until then, and that calls `painter`, which draws the window.
 *
 * ```ts
 * const window = new TopWindow(
 *   () => window.draw(this.width, this.height, this.terminal),
 *   (paint) => reactor.callLater(0, paint),
 * );
 * ```
 */
export class TopWindow extends ContainerWidget {
  override focused = true;
  #isScheduled = false;

  constructor(
    readonly painter: () => void,
    readonly scheduler: (paint: () => void) => unknown,
  ) {
    super();
  }

  override repaint(): void {
    super.repaint();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.scheduler(() => {
      this.#isScheduled = false;
      this.painter();
    });
  }

  /** Not more than 1,000 columns and 300 rows are drawn. */
  override draw(width: number, height: number, terminal: Surface): void {
    super.draw(Math.min(width, MAX_COLUMNS), Math.min(height, MAX_ROWS), terminal);
  }

  /** Behind the last comes the first. */
  override changeFocus(): void {
    if (!this.#moves()) this.#moves();
  }

  override keystrokeReceived(keyID: string, modifier: string | null): MaybeAsync {
    try {
      return super.keystrokeReceived(keyID, modifier);
    } catch (error) {
      if (!(error instanceof YieldFocus)) throw error;
      this.changeFocus();
    }
  }

  #moves(): boolean {
    try {
      super.changeFocus();
      return true;
    } catch (error) {
      if (!(error instanceof YieldFocus)) throw error;
      return false;
    }
  }
}
