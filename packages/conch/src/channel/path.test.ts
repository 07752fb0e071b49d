import { expect, test } from "vitest";
import { MAX_GROWTH, MAX_WINDOW, isRefillDue, PathWindow } from "./path.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const PACKET = 32 * KIB;

interface Path {
  /** seconds until the peer hears of more window */
  rtt?: number;
  /** bytes a second */
  rate?: number;
  /** seconds by which data comes late that leaves the peer 1.5 MiB to send */
  hiccup?: number;
}

/** One channel over a path, whose peer sends whatever it may. */
class Upload {
  readonly #reserve;
  now = 0;
  #received = 0;
  #left = 2 * MIB;
  #limit = 2 * MIB; // that the peer knows of
  readonly #grants: { at: number; limit: number }[] = [];
  window: PathWindow | null = null;
  size = 2 * MIB;

  constructor(reserve = { windowReserve: MAX_GROWTH }) {
    this.#reserve = reserve;
  }

  /** The size of the window after so many bytes. */
  run(bytes: number, path: Path): number {
    const end = this.#received + bytes;
    while (this.#received < end) {
      while (this.#grants.length > 0 && this.#grants[0]!.at <= this.now) this.#limit = this.#grants.shift()!.limit;
      if (this.#limit === this.#received) this.now = this.#grants[0]!.at;
      else this.#receive(Math.min(PACKET, this.#limit - this.#received), path);
    }
    return this.size;
  }

  #receive(length: number, { rtt = 0, rate = 200 * MIB, hiccup = 0 }: Path): void {
    this.now += length / rate;
    if (this.#left - length === 1.5 * MIB) this.now += hiccup;
    this.#received += length;
    this.#left -= length;
    this.window?.heard(this.#left, this.now);
    if (!isRefillDue(this.#left, this.size)) return;
    if (this.window === null) this.window = new PathWindow(this.#reserve, this.size, PACKET, this.#left, this.now);
    else this.size = this.window.refill(this.#left, this.now);
    this.#left = Math.max(this.#left, this.size);
    this.#grants.push({ at: this.now + rtt, limit: this.#received + this.#left });
  }
}

test.each([0.05, 0.2])("where a round trip takes %f s, the window doubles up to its limit", (rtt) => {
  const upload = new Upload();
  expect(upload.run(2.5 * MIB, { rtt })).toBe(4 * MIB);
  expect(upload.run(64 * MIB, { rtt, rate: 2000 * MIB })).toBe(MAX_WINDOW);
});

test("far away, nearly a whole window comes in each round trip", () => {
  const upload = new Upload();
  upload.run(64 * MIB, { rtt: 0.2, rate: 2000 * MIB });
  const from = upload.now;
  upload.run(160 * MIB, { rtt: 0.2, rate: 2000 * MIB });
  expect((upload.now - from) / 0.2).toBeLessThan(11);
});

test("near by, and where data comes evenly, the window stays", () => {
  expect(new Upload().run(64 * MIB, { rtt: 0.005 })).toBe(2 * MIB);
  expect(new Upload().run(64 * MIB, { rtt: 0.2, rate: 2 * MIB })).toBe(2 * MIB);
});

test("silences that begin where the peer might send more grow nothing: the machine is busy, not the path long", () => {
  expect(new Upload().run(20 * MIB, { hiccup: 0.05 })).toBe(2 * MIB);
});

test("a silence that we make ourselves grows nothing", () => {
  const upload = new Upload();
  const held = { rtt: 0.2 };
  upload.run(1.5 * MIB, held);
  upload.window!.hold();
  expect(upload.run(1 * MIB, held)).toBe(2 * MIB);
  expect(upload.run(1 * MIB, held)).toBe(4 * MIB);
});

test("a window shrinks to what it was when half of it takes seconds", () => {
  const upload = new Upload();
  expect(upload.run(2.5 * MIB, { rtt: 0.2 })).toBe(4 * MIB);
  expect(upload.run(8 * MIB, { rtt: 0.2, rate: 0.25 * MIB })).toBe(2 * MIB);
});

test("the windows of a connection grow by so much together; who shrinks gives back", () => {
  const reserve = { windowReserve: 3 * MIB };
  const [one, two] = [new Upload(reserve), new Upload(reserve)];
  expect(one.run(2.5 * MIB, { rtt: 0.2 })).toBe(4 * MIB);
  expect(two.run(32 * MIB, { rtt: 0.2 })).toBe(3 * MIB);
  one.window!.shrink();
  one.window!.shrink();
  expect(reserve.windowReserve).toBe(2 * MIB);
});
