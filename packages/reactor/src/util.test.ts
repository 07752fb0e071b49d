import { afterEach, expect, test, vi } from "vitest";
import { runAsEffectiveUser } from "./util.js";

/** A process with these ids, whose changes are written down. */
function processOf(uid: number, gid: number): string[] {
  const changes: string[] = [];
  vi.spyOn(process, "geteuid").mockReturnValue(uid);
  vi.spyOn(process, "getegid").mockReturnValue(gid);
  vi.spyOn(process, "seteuid").mockImplementation((id) => void changes.push(`user ${id}`));
  vi.spyOn(process, "setegid").mockImplementation((id) => void changes.push(`group ${id}`));
  return changes;
}
afterEach(() => vi.restoreAllMocks());

test("nothing is changed for the present ids", () => {
  for (const [uid, gid] of [
    [2345, 1234],
    [0, 0],
  ] as const) {
    const changes = processOf(uid, gid);
    expect(runAsEffectiveUser(uid, gid, (a: number, b: number) => a + b, 1, 2)).toBe(3);
    expect(changes).toEqual([]);
  }
});

test("ids change by way of root, and back in reverse", () => {
  let changes = processOf(2345, 1234);
  runAsEffectiveUser(0, 0, () => changes.push("called"));
  expect(changes).toEqual(["user 0", "group 0", "called", "group 1234", "user 2345"]);
  changes = processOf(2345, 1234);
  runAsEffectiveUser(1, 2, () => changes.push("called"));
  expect(changes).toEqual(["user 0", "group 2", "user 1", "called", "user 0", "group 1234", "user 2345"]);
  changes = processOf(0, 0);
  runAsEffectiveUser(1, 2, () => changes.push("called"));
  expect(changes).toEqual(["group 2", "user 1", "called", "user 0", "group 0"]);
});

test("only what differs changes", () => {
  let changes = processOf(2345, 0);
  runAsEffectiveUser(0, 0, () => changes.push("called"));
  expect(changes).toEqual(["user 0", "called", "user 2345"]);
  changes = processOf(2345, 1234);
  runAsEffectiveUser(2345, 2, () => changes.push("called"));
  expect(changes).toEqual(["user 0", "group 2", "user 2345", "called", "user 0", "group 1234", "user 2345"]);
});

test("an error goes up, and the ids go back all the same", () => {
  const changes = processOf(2345, 1234);
  const broken = new Error("broken");
  expect(() =>
    runAsEffectiveUser(0, 0, () => {
      throw broken;
    }),
  ).toThrow(broken);
  expect(changes).toEqual(["user 0", "group 0", "group 1234", "user 2345"]);
});
