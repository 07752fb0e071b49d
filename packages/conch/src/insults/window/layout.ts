/** Where children are: side by side, one below the other, in a grid, or anywhere. */
import { ValueError } from "@strombus/reactor/exceptions";
import { ContainerWidget, type Place } from "./container.js";
import type { SizeHint, Widget } from "./widget.js";

/** For boxes. */
export const TOP = 0;
export const CENTER = 1;
export const BOTTOM = 2;
export type Gravity = typeof TOP | typeof CENTER | typeof BOTTOM;

/** Each child where it was put, with all the room to its right and below. */
export class AbsoluteBox extends ContainerWidget {
  readonly #corners = new Map<Widget, readonly [x: number, y: number]>();

  override addChild(child: Widget, x = 0, y = 0): void {
    super.addChild(child);
    this.#put(child, x, y);
  }

  override remChild(child: Widget): void {
    super.remChild(child);
    this.#corners.delete(child);
  }

  /** @throws ValueError unless it is a child. */
  moveChild(child: Widget, x: number, y: number): void {
    if (!this.#corners.has(child)) throw new ValueError("the widget is no child of this one");
    this.#put(child, x, y);
    this.repaint();
  }

  protected override places(width: number, height: number): Place[] {
    return this.children.map((child) => {
      const [x, y] = this.#corners.get(child) ?? [0, 0];
      return { child, x, y, width: width - x, height: height - y };
    });
  }

  #put(child: Widget, x: number, y: number): void {
    this.#corners.set(child, [Math.max(0, x), Math.max(0, y)]);
  }
}

const WIDTH = 0;
const HEIGHT = 1;
type Axis = typeof WIDTH | typeof HEIGHT;

/** Children in a row, which have what they ask for, or an equal share of the rest. What does not fit is not drawn. */
abstract class Box extends ContainerWidget {
  static readonly TOP = TOP;
  static readonly CENTER = CENTER;
  static readonly BOTTOM = BOTTOM;
  protected abstract readonly axis: Axis;

  /** `gravity` has no effect, as in Twisted. */
  constructor(readonly gravity: Gravity = CENTER) {
    super();
  }

  override sizeHint(): SizeHint {
    return hintOf(
      this.children.map((child) => child.sizeHint()),
      this.axis,
    );
  }

  protected override places(width: number, height: number): Place[] {
    return inARow(this.children, this.axis, { x: 0, y: 0, width, height });
  }
}

/** Its children side by side. */
export class HBox extends Box {
  protected override readonly axis = WIDTH;
}

/** Its children one below the other. */
export class VBox extends Box {
  protected override readonly axis = HEIGHT;
}

/** Children in about as many columns as rows, from left to right. */
export class Packer extends ContainerWidget {
  override sizeHint(): SizeHint {
    return hintOf(this.#columns().map(columnHint), WIDTH);
  }

  protected override places(width: number, height: number): Place[] {
    const columns = this.#columns();
    const widths = shares(columns.map(columnHint), WIDTH, width);
    let x = 0;
    return columns.flatMap((column, i) => {
      const left = x;
      x += widths[i]!;
      return inARow(column, HEIGHT, { x: left, y: 0, width: widths[i]!, height });
    });
  }

  #columns(): Widget[][] {
    const columns = Array.from({ length: Math.round(Math.sqrt(this.children.length)) }, (): Widget[] => []);
    for (const [i, child] of this.children.entries()) columns[i % columns.length]!.push(child);
    return columns;
  }
}

function columnHint(column: readonly Widget[]): SizeHint {
  return hintOf(
    column.map((child) => child.sizeHint()),
    HEIGHT,
  );
}

/** What those in a row want together: the sum along the axis, the most across. */
function hintOf(hints: readonly (SizeHint | null)[], axis: Axis): SizeHint {
  const together = (each: Axis): number | null => {
    const wanted = hints.map((hint) => hint?.[each] ?? null);
    if (!wanted.every((n) => n !== null)) return null;
    return each === axis ? wanted.reduce((a, b) => a + b, 0) : Math.max(0, ...wanted);
  };
  return [together(WIDTH), together(HEIGHT)];
}

function inARow(children: readonly Widget[], axis: Axis, { x, y, width, height }: Omit<Place, "child">): Place[] {
  const hints = children.map((child) => child.sizeHint());
  const lengths = shares(hints, axis, axis === WIDTH ? width : height);
  let at = 0;
  return children.map((child, i) => {
    const [before, length] = [at, lengths[i]!];
    at += length;
    return axis === WIDTH
      ? { child, x: x + before, y, width: length, height }
      : { child, x, y: y + before, width, height: length };
  });
}

/** The length of each; together they are not longer than there is room. */
function shares(hints: readonly (SizeHint | null)[], axis: Axis, length: number): number[] {
  const wanted = hints.map((hint) => hint?.[axis] ?? null);
  const fixed = wanted.reduce<number>((sum, n) => sum + (n ?? 0), 0);
  const share = Math.max(0, Math.trunc((length - fixed) / wanted.filter((n) => n === null).length));
  let left = length;
  return wanted.map((n) => {
    const given = Math.max(0, Math.min(n ?? share, left));
    left -= given;
    return given;
  });
}
