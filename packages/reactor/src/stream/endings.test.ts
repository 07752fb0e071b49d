import { expect, test } from "vitest";
import { Endings } from "./endings.js";

test("ends that fill a turn leave the others to the next ones, in their order", () => {
  let now = 0;
  const turns: (() => void)[] = [];
  const told: string[] = [];
  const endings = new Endings(
    () => now,
    (call) => turns.push(call),
  );
  const end = (name: string): void =>
    endings.add(() => {
      now += 3; // milliseconds; two fill a turn
      told.push(name);
      if (name === "c") end("late");
    });
  const turn = (): string[] => {
    told.length = 0;
    turns.shift()?.();
    return [...told];
  };
  for (const name of ["a", "b", "c", "d", "e"]) end(name);
  expect(told).toEqual(["a", "b"]);
  expect(turn()).toEqual(["c", "d"]);
  end("f");
  expect(told).toEqual(["c", "d"]);
  expect(turn()).toEqual(["e", "late"]);
  expect(turn()).toEqual(["f"]);
  expect(turns).toEqual([]);
  end("g");
  expect(told).toEqual(["f", "g"]);
});

test("an end that throws takes no other with it", () => {
  const turns: (() => void)[] = [];
  const told: string[] = [];
  const endings = new Endings(
    () => 10 * told.length,
    (call) => turns.push(call),
  );
  endings.add(() => told.push("a"));
  endings.add(() => {
    throw new Error("b");
  });
  endings.add(() => told.push("c"));
  expect(turns.shift()).toThrow("b");
  turns.shift()!();
  expect(told).toEqual(["a", "c"]);
});
