import { expect, test } from "vitest";
import { OutputQueue, Run } from "./output.js";

const bytes = (text: string) => Buffer.from(text);

function takeAll(queue: OutputQueue, count: number): string[] {
  const taken: string[] = [];
  for (let next = queue.first; next !== undefined; next = queue.first) {
    if (next instanceof Run) {
      taken.push(`${next.type ?? ""}${queue.take(next, count).toString()}`);
    } else {
      queue.takeMessage();
      next();
      taken.push("message");
    }
  }
  return taken;
}

test("what is taken is in the order of the calls, whatever its type", () => {
  const queue = new OutputQueue();
  queue.add(null, bytes("one"));
  queue.add(1, bytes("two"));
  queue.addMessage(() => undefined);
  queue.add(null, bytes("three"));
  expect(takeAll(queue, 10)).toEqual(["one", "1two", "message", "three"]);
  expect([queue.empty, queue.bytes]).toEqual([true, 0]);
});

test("pieces go across the writes that made them, but not across types or messages", () => {
  const queue = new OutputQueue();
  for (const text of ["ab", "c", "def", "g"]) queue.add(null, bytes(text));
  queue.add(1, bytes("hi"));
  expect(takeAll(queue, 3)).toEqual(["abc", "def", "g", "1hi"]);
});

test("many small chunks are let go of as they are sent", () => {
  const queue = new OutputQueue();
  for (let i = 0; i < 5000; i++) queue.add(null, bytes(String(i % 10)));
  const all = takeAll(queue, 7).join("");
  expect(all).toBe("0123456789".repeat(500));
});

test("C4: short pieces wait side by side, in memory of their own", () => {
  const run = new Run(null, bytes("0"));
  const piece = Buffer.alloc(1);
  for (let i = 1; i < 5000; i++) {
    piece.write(String(i % 10));
    run.push(piece);
  }
  expect(run.chunks.length).toBeLessThan(20);
  const long = Buffer.alloc(10_000, "x");
  run.push(long);
  run.push(piece);
  expect(run.chunks.at(-2)).toBe(long);
  expect(Buffer.concat(run.chunks).toString()).toBe(`${"0123456789".repeat(500)}${"x".repeat(10_000)}9`);
});

test("a short piece does not touch what is taken and not sent yet", () => {
  const run = new Run(null, bytes("ab"));
  run.push(bytes("cd"));
  const taken = run.take(3);
  run.push(bytes("ef"));
  const rest = run.take(10);
  run.push(bytes("g"));
  expect([taken, rest, run.take(1)].map(String)).toEqual(["abc", "def", "g"]);
  expect(run.length).toBe(0);
});

test("what waits can be looked at, by kind", () => {
  const queue = new OutputQueue();
  queue.add(1, bytes("a"));
  queue.add(null, bytes("x"));
  queue.add(1, bytes("b"));
  queue.add(2, bytes("c"));
  queue.add(null, bytes("y"));
  expect(queue.data.toString()).toBe("xy");
  expect(queue.extended).toEqual([
    [1, bytes("ab")],
    [2, bytes("c")],
  ]);
  expect(queue.bytes).toBe(5);
});
