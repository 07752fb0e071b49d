/** Widgets in widgets: one of them has the focus, and the keys. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { AssertionError } from "@strombus/reactor/exceptions";
import { drawRows } from "./drawing.js";
import { BoundedTerminalWrapper, type Surface } from "./surface.js";
import { Widget, YieldFocus } from "./widget.js";

/** Where a child is drawn: columns and rows from the top left of its parent. */
export interface Place {
  readonly child: Widget;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Draws its children one over the other. */
export class ContainerWidget extends Widget {
  readonly children: Widget[] = [];
  focusedChild: Widget | null = null;
  #places: readonly Place[] = [];

  /** The first child that will have it gets the focus, if the container has it. @throws AssertionError if it has a parent. */
  addChild(child: Widget): void {
    this.adopt(child);
    this.children.push(child);
    this.focusWanted(child);
    this.repaint();
  }

  /** The focus goes to another. @throws AssertionError unless it is a child. */
  remChild(child: Widget): void {
    const index = this.children.indexOf(child);
    if (index === -1) throw new AssertionError("the widget is no child of this one");
    this.children.splice(index, 1);
    child.parent = null;
    if (this.focusedChild === child) {
      this.focusedChild = null;
      child.focusLost();
      this.#focusOneOf([...this.children.slice(index), ...this.children.slice(0, index)]);
    }
    this.repaint();
  }

  /** The focus goes to the next child that will have it. @throws YieldFocus behind the last. */
  changeFocus(): void {
    this.repaint();
    const before = this.focusedChild;
    this.focusedChild = null;
    before?.focusLost();
    const next = before === null ? 0 : this.children.indexOf(before) + 1;
    if (!this.#focusOneOf(this.children.slice(next))) throw new YieldFocus();
  }

  override focusReceived(): void {
    this.changeFocus();
    super.focusReceived();
  }

  override focusLost(): void {
    const before = this.focusedChild;
    this.focusedChild = null;
    before?.focusLost();
    super.focusLost();
  }

  override focusWanted(child: Widget): void {
    if (this.focusedChild !== null) return;
    if (this.focused) this.#focusOneOf([child]);
    else super.focusWanted(child);
  }

  override keystrokeReceived(keyID: string, modifier: string | null): MaybeAsync {
    if (this.focusedChild === null) return super.keystrokeReceived(keyID, modifier);
    try {
      return this.focusedChild.keystrokeReceived(keyID, modifier);
    } catch (error) {
      if (!(error instanceof YieldFocus)) throw error;
      this.changeFocus();
      this.repaint();
    }
  }

  override filthy(): void {
    super.filthy();
    for (const child of this.children) child.filthy();
  }

  override render(width: number, height: number, terminal: Surface): void {
    const places = this.places(width, height);
    if (this.#places.length > 0 && !areSame(places, this.#places)) {
      drawRows(terminal, width, height, []);
      for (const { child } of places) child.filthy();
    }
    this.#places = places;
    for (const { child, x, y, width, height } of places) {
      child.draw(width, height, new BoundedTerminalWrapper(terminal, width, height, x, y));
    }
  }

  /** When one of them changes, everything is drawn anew. */
  protected places(width: number, height: number): Place[] {
    return this.children.map((child) => ({ child, x: 0, y: 0, width, height }));
  }

  #focusOneOf(children: readonly Widget[]): boolean {
    for (const child of children) {
      try {
        child.focusReceived();
        this.focusedChild = child;
        return true;
      } catch (error) {
        if (!(error instanceof YieldFocus)) throw error;
      }
    }
    return false;
  }
}

function areSame(some: readonly Place[], others: readonly Place[]): boolean {
  return some.length === others.length && some.every((place, i) => isSame(place, others[i]!));
}

function isSame(one: Place, other: Place): boolean {
  const isAt = one.x === other.x && one.y === other.y;
  return one.child === other.child && isAt && one.width === other.width && one.height === other.height;
}
