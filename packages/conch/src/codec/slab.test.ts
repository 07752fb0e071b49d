import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fillRandom, PacketMemory } from "./slab.js";

describe("memory for packets", () => {
  test("is nobody else's until all is written", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 40_000 }), fc.boolean()), { maxLength: 60 }), (steps) => {
        const held: Buffer[] = []; // what the connection below has not written yet, each filled with its own number
        const memories = [0, 1].map(() => new PacketMemory({ allWritten: () => held.length === 0 }));
        for (const [number, [length, written]] of steps.entries()) {
          if (written) held.length = 0;
          const packet = memories[number % 2]!.take(length);
          expect(packet.length).toBe(length);
          held.push(packet.fill(held.length));
        }
        for (const [number, packet] of held.entries()) expect(packet.every((byte) => byte === number)).toBe(true);
      }),
    );
  });

  test("is used again once all is written", () => {
    let written = false;
    const memory = new PacketMemory({ allWritten: () => written });
    const first = memory.take(10_000);
    expect(memory.take(10_000).byteOffset).toBe(first.byteOffset + 10_000);
    written = true;
    const again = memory.take(10_000);
    expect([again.buffer === first.buffer, again.byteOffset]).toEqual([true, first.byteOffset]);
  });

  test("is never used again where nobody knows what is written", () => {
    const memory = new PacketMemory({});
    const [first, second] = [memory.take(10_000), memory.take(10_000)];
    first.fill(1);
    second.fill(2); // Node may cut both from one pool, side by side
    expect(first.every((byte) => byte === 1)).toBe(true);
  });
});

test("random bytes fill what was asked for, and do not repeat", () => {
  const target = Buffer.alloc(64);
  fillRandom(target, 8, 16);
  expect(target.subarray(0, 8).every((byte) => byte === 0)).toBe(true);
  expect(target.subarray(24).every((byte) => byte === 0)).toBe(true);
  const seen = new Set<string>();
  for (let i = 0; i < 2000; i++) {
    fillRandom(target, 0, 16);
    seen.add(target.toString("hex", 0, 16));
  }
  expect(seen.size).toBe(2000);
});
