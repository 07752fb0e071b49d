/** What every widget does: it knows whether it has to be drawn again, and finds the method for a key. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { AssertionError } from "@strombus/reactor/exceptions";
import { FUNCTION_KEYS, KEYS } from "../keys.js";
import type { Surface } from "./surface.js";

/** Thrown to refuse the focus, or to give it up: by whatever is called for a key, the callbacks of widgets too. */
export class YieldFocus extends Error {
  override readonly name = "YieldFocus";
  readonly code = "ERR_YIELD_FOCUS";
}

/** Columns and rows that a widget would like; null is as many as there are. */
export type SizeHint = readonly [width: number | null, height: number | null];

const FUNCTIONS: ReadonlySet<string> = new Set(FUNCTION_KEYS);

/**
 * A part of a window. Override `render`, and what is to be done with keys: `characterReceived`, `backspaceReceived`,
 * `tabReceived`, and `func_UP_ARROW` and the like for keys with names. What these give back is given back to whoever
 * called `keystrokeReceived`.
 */
export class Widget {
  focused = false;
  parent: Widget | null = null;
  /** It is to be drawn even where its size is what it was. */
  dirty = false;
  /** As it was last drawn. */
  width: number | null = null;
  height: number | null = null;

  /** Something that shows has changed: the window is painted again, soon. */
  repaint(): void {
    this.dirty = true;
    this.parent?.repaint();
  }

  /** All of it is to be drawn. */
  filthy(): void {
    this.dirty = true;
  }

  /** Draws all of it. */
  redraw(width: number, height: number, terminal: Surface): void {
    this.filthy();
    this.draw(width, height, terminal);
  }

  /** Draws what is not there yet, in columns and rows from the top left. */
  draw(width: number, height: number, terminal: Surface): void {
    if (width === this.width && height === this.height && !this.dirty) return;
    this.dirty = false;
    this.width = width;
    this.height = height;
    if (width > 0 && height > 0) this.render(width, height, terminal);
  }

  /** Draws within these columns and rows, at least one of each; what is drawn outside of them is another's. */
  render(width: number, height: number, terminal: Surface): void {}

  /** Null is as much as there is. */
  sizeHint(): SizeHint | null {
    return null;
  }

  keystrokeReceived(keyID: string, modifier: string | null): MaybeAsync {
    if (keyID === KEYS.TAB) return this.tabReceived(modifier);
    if (keyID === KEYS.BACKSPACE || keyID === "\b") return this.backspaceReceived();
    if (FUNCTIONS.has(keyID)) return this.functionKeyReceived(keyID, modifier);
    return this.characterReceived(keyID, modifier);
  }

  /** @throws YieldFocus */
  tabReceived(modifier: string | null): MaybeAsync {
    throw new YieldFocus();
  }

  backspaceReceived(): MaybeAsync {}

  characterReceived(keyID: string, modifier: string | null): MaybeAsync {}

  /** Calls `func_HOME(modifier)` for `"[HOME]"`, where there is such a method. */
  functionKeyReceived(keyID: string, modifier: string | null): MaybeAsync {
    const method = (this as unknown as Record<string, unknown>)[`func_${keyID.slice(1, -1)}`];
    if (typeof method === "function") return method.call(this, modifier) as MaybeAsync;
  }

  /** @throws YieldFocus from a widget that does not want it. */
  focusReceived(): void {
    this.focused = true;
    this.repaint();
  }

  focusLost(): void {
    this.focused = false;
    this.repaint();
  }

  /** There is something within `child` that would take the focus, and was not there before. @internal */
  focusWanted(child: Widget): void {
    this.parent?.focusWanted(this);
  }

  /** @throws AssertionError for a widget that has a parent, or that this one is a part of. @internal */
  protected adopt(child: Widget): void {
    if (child.parent !== null) throw new AssertionError("the widget has a parent already");
    let outermost = this.parent;
    while (outermost !== null && outermost.parent !== null) outermost = outermost.parent;
    if (child === this || child === outermost) throw new AssertionError("a widget cannot be a part of itself");
    child.parent = this;
  }
}
