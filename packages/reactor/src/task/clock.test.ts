import { describe, expect, test } from "vitest";
import { AlreadyCalled, AlreadyCancelled } from "../error.js";
import { AssertionError } from "../exceptions.js";
import { Clock } from "../task.js";

/** A clock, and a way to see what ran. */
function setUp(): { clock: Clock; ran: unknown[]; run: (...args: unknown[]) => void } {
  const ran: unknown[] = [];
  return { clock: new Clock(), ran, run: (...args) => void ran.push(...args) };
}

test("time moves only when told to", () => {
  const clock = new Clock();
  expect(clock.seconds()).toBe(0);
  clock.advance(1.5);
  clock.pump([1, 1]);
  expect([clock.seconds(), clock.rightNow]).toEqual([3.5, 3.5]);
});

test("calls run in the order of their times, equal times in the order of calling, with their arguments", () => {
  const { clock, ran, run } = setUp();
  clock.callLater(3, run, "late");
  clock.callLater(1, run, "first", "!");
  clock.callLater(1, run, "second");
  expect(clock.getDelayedCalls().map((call) => call.getTime())).toEqual([1, 1, 3]);
  clock.advance(0.9);
  expect(ran).toEqual([]);
  clock.advance(2.1);
  expect(ran).toEqual(["first", "!", "second", "late"]);
  expect(clock.getDelayedCalls()).toEqual([]);
});

test("time moves before the calls run", () => {
  const { clock, ran } = setUp();
  clock.callLater(1, () => ran.push(clock.seconds()));
  clock.advance(5);
  expect(ran).toEqual([5]);
});

test("a call for now that a call makes runs in the same advance", () => {
  const { clock, ran, run } = setUp();
  clock.callLater(1, () => clock.callLater(0, run, "chained"));
  clock.advance(1);
  expect(ran).toEqual(["chained"]);
});

test("an exception leaves advance, and the rest runs at the next one", () => {
  const { clock, ran, run } = setUp();
  clock.callLater(1, () => {
    throw new Error("it");
  });
  clock.callLater(1, run, "rest");
  expect(() => clock.advance(1)).toThrow("it");
  expect(ran).toEqual([]);
  clock.advance(0);
  expect(ran).toEqual(["rest"]);
});

test("a negative delay is an AssertionError", () => {
  expect(() => new Clock().callLater(-1, () => {})).toThrow(AssertionError);
  expect(() => new Clock().callLater(NaN, () => {})).toThrow(AssertionError);
});

describe("a delayed call", () => {
  test("is active until it runs or is cancelled", () => {
    const { clock, ran, run } = setUp();
    const [called, cancelled] = [clock.callLater(1, run, "called"), clock.callLater(1, run, "cancelled")];
    expect([called.active(), cancelled.active()]).toEqual([true, true]);
    cancelled.cancel();
    clock.advance(1);
    expect([called.active(), cancelled.active(), ran]).toEqual([false, false, ["called"]]);
    for (const change of ["cancel", "reset", "delay"] as const) {
      expect(() => called[change](1)).toThrow(AlreadyCalled);
      expect(() => cancelled[change](1)).toThrow(AlreadyCancelled);
    }
  });

  test("that runs counts as called", () => {
    const { clock, ran } = setUp();
    const call = clock.callLater(1, () => {
      ran.push(call.active());
      expect(() => call.cancel()).toThrow(AlreadyCalled);
    });
    clock.advance(1);
    expect(ran).toEqual([false]);
  });

  test("can be moved, and the order stays right", () => {
    const { clock, ran, run } = setUp();
    const [a, b, c] = [clock.callLater(1, run, "a"), clock.callLater(2, run, "b"), clock.callLater(3, run, "c")];
    clock.advance(0.5);
    a.reset(3);
    b.delay(2);
    c.delay(-1);
    expect([a.getTime(), b.getTime(), c.getTime()]).toEqual([3.5, 4, 2]);
    clock.advance(10);
    expect(ran).toEqual(["c", "a", "b"]);
  });
});
