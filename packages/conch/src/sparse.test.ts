import { expect, test } from "vitest";
import { SparseMap, SparseSet } from "./sparse.js";

test("a sparse set holds what a Set would hold, and is as empty after the last entry as before the first", () => {
  const set = new SparseSet<string>();
  expect([set.size, set.has("a"), set.delete("a"), [...set]]).toEqual([0, false, false, []]);
  set.add("a").add("b").add("a");
  expect([set.size, set.has("a"), [...set]]).toEqual([2, true, ["a", "b"]]);
  expect([set.delete("a"), set.delete("b"), set.size, [...set]]).toEqual([true, true, 0, []]);
  set.add("c");
  set.clear();
  expect([...set]).toEqual([]);
});

test("a set that is iterated over may lose what comes later", () => {
  const set = new SparseSet<number>().add(1).add(2);
  const seen: number[] = [];
  for (const each of set) {
    seen.push(each);
    set.delete(2);
  }
  expect(seen).toEqual([1]);
});

test("a sparse map holds what a Map would hold", () => {
  const map = new SparseMap<string, number>();
  expect([map.size, map.has("a"), map.get("a"), map.delete("a")]).toEqual([0, false, undefined, false]);
  map.set("a", 1).set("a", 2).set("b", 3);
  expect([map.size, map.has("b"), map.get("a"), map.get("b")]).toEqual([2, true, 2, 3]);
  expect([map.delete("a"), map.delete("b"), map.size, map.get("b")]).toEqual([true, true, 0, undefined]);
});

test("a sparse map is a Map: with no entry, with one, and with more", () => {
  const map: Map<string, number> = new SparseMap();
  const same = new Map<string, number>();
  const both = [map, same];
  const shown = (): unknown[] =>
    both.map((each) => {
      const seen: unknown[] = [];
      each.forEach((value, key, whole) => seen.push([key, value, whole === each]));
      return [
        each.size,
        [...each],
        [...each.keys()],
        [...each.values()],
        [...each.entries()],
        seen,
        Object.prototype.toString.call(each),
      ];
    });
  const steps: ((each: Map<string, number>) => unknown)[] = [
    (each) => each.set("a", 1),
    (each) => each.set("a", 2),
    (each) => each.delete("b"),
    (each) => each.delete("a"),
    (each) => each.set("c", 3).set("d", 4).set("e", 5),
    (each) => each.delete("c"),
    (each) => each.delete("e"),
    (each) => each.get("d"),
    (each) => each.delete("d"),
    (each) => each.set("f", 6),
    (each) => each.clear(),
  ];
  for (const step of steps) {
    for (const each of both) step(each);
    const [ours, theirs] = shown();
    expect(ours).toEqual(theirs);
  }
});

test("a sparse map that is iterated over may lose what comes later", () => {
  const map = new SparseMap<number, string>().set(1, "").set(2, "").set(3, "");
  const seen: number[] = [];
  for (const key of map.keys()) {
    seen.push(key);
    map.delete(2);
    map.delete(3);
    map.delete(1);
  }
  expect(seen).toEqual([1]);
});
