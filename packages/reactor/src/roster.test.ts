import { expect, test } from "vitest";
import { Roster } from "./roster.js";

test("tells who is there, in the order in which they came", () => {
  const [first, second, third] = [{ n: 1 }, { n: 2 }, { n: 3 }];
  const roster = new Roster<object>();
  expect([roster.size, [...roster]]).toEqual([0, []]);
  roster.add(first).add(second).add(third).add(first);
  expect([roster.size, [...roster]]).toEqual([3, [first, second, third]]);
  expect([roster.delete(second), roster.delete(second), roster.has(second), roster.has(third)]).toEqual([
    true,
    false,
    false,
    true,
  ]);
  expect([roster.size, [...roster]]).toEqual([2, [first, third]]);
  roster.add(second);
  expect([...roster]).toEqual([first, third, second]);
  roster.clear();
  expect([roster.size, [...roster], roster.has(first)]).toEqual([0, [], false]);
});

test("one may be in several rosters, and leaves each by itself", () => {
  const one = {};
  const rosters = [new Roster<object>(), new Roster<object>()] as const;
  for (const roster of rosters) roster.add(one);
  rosters[0].delete(one);
  expect(rosters.map((roster) => roster.has(one))).toEqual([false, true]);
});

test("others may come and go while somebody looks", () => {
  const [first, second, third] = [{ n: 1 }, { n: 2 }, { n: 3 }];
  const roster = new Roster<object>().add(first).add(second);
  const seen: object[] = [];
  for (const one of roster) {
    seen.push(one);
    if (one !== first) continue;
    roster.delete(first);
    roster.delete(second);
    roster.add(third);
  }
  expect(seen).toEqual([first, third]);
});
