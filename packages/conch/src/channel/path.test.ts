import { expect, test } from "vitest";
import { MAX_GROWTH, MAX_WINDOW, PathWindow } from "./path.js";

const MIB = 1024 * 1024;
let now = 0;
const begin = (reserve = { windowReserve: MAX_GROWTH }): PathWindow => new PathWindow(reserve, 2 * MIB, now);

/** A silence, then data that comes for so long without another; the size that the window is refilled to. */
function round(window: PathWindow, silence: number, flow = 0): number {
  window.heard((now += silence));
  for (let i = 0; i < 100; i++) window.heard((now += flow / 100));
  return window.refill(now);
}

test("where the peer is silent for a round trip before each burst, the window doubles up to its limit", () => {
  const window = begin();
  const sizes = Array.from({ length: 4 }, () => round(window, 0.2, 0.05));
  expect(sizes).toEqual([4 * MIB, 8 * MIB, MAX_WINDOW, MAX_WINDOW]);
});

test("near by, and where data comes evenly, the window stays", () => {
  const near = begin();
  expect([round(near, 0.004, 0.001), round(near, 0.002, 0.01)]).toEqual([2 * MIB, 2 * MIB]);
  const even = begin();
  expect([round(even, 0.1, 0.5), round(even, 0.02, 2)]).toEqual([2 * MIB, 2 * MIB]);
});

test("a silence that we make ourselves grows nothing", () => {
  const window = begin();
  window.hold();
  expect(round(window, 0.5)).toBe(2 * MIB);
  expect(round(window, 0.5)).toBe(4 * MIB);
});

test("a window shrinks to what it was when half of it takes seconds", () => {
  const window = begin();
  expect([round(window, 0.2), round(window, 4), round(window, 0.001)]).toEqual([4 * MIB, 2 * MIB, 2 * MIB]);
});

test("the windows of a connection grow by so much together; who shrinks gives back", () => {
  const reserve = { windowReserve: 3 * MIB };
  const [one, two] = [begin(reserve), begin(reserve)];
  expect(round(one, 0.2)).toBe(4 * MIB);
  expect([round(two, 0.2), round(two, 0.2)]).toEqual([3 * MIB, 3 * MIB]);
  one.shrink();
  one.shrink();
  expect(reserve.windowReserve).toBe(2 * MIB);
});
