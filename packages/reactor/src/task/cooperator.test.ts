import { describe, expect, test } from "vitest";
import { Deferred, fail, succeed } from "../defer.js";
import {
  Clock,
  CooperativeTask,
  Cooperator,
  NotPaused,
  SchedulerStopped,
  TaskDone,
  TaskFailed,
  TaskStopped,
  coiterate,
  cooperate,
} from "../task.js";

/** A Cooperator whose slices are one round of `steps` long and run on a clock. */
function onClock(steps = 1): { clock: Clock; cooperator: Cooperator; turn: () => void } {
  const clock = new Clock();
  const cooperator = new Cooperator({
    terminationPredicateFactory: () => {
      let left = steps;
      return () => --left <= 0;
    },
    scheduler: (slice) => clock.callLater(1, slice),
  });
  return { clock, cooperator, turn: () => clock.advance(1) };
}

function* counting(seen: unknown[], name: string, end: number): Generator<undefined, void> {
  for (let n = 1; n <= end; n++) {
    seen.push(`${name}${n}`);
    yield undefined;
  }
}

function errorOf(deferred: Deferred): unknown {
  let error: unknown = "no failure yet";
  deferred.addErrback((failure) => void (error = failure.value));
  return error;
}

test("tasks take turns, one step each", () => {
  const seen: unknown[] = [];
  const { cooperator, turn } = onClock(3);
  cooperator.cooperate(counting(seen, "a", 3));
  cooperator.cooperate(counting(seen, "b", 3));
  turn();
  expect(seen).toEqual(["a1", "b1", "a2"]);
  turn();
  expect(seen).toEqual(["a1", "b1", "a2", "b2", "a3", "b3"]);
});

test("coiterate fires with the iterator at its end", () => {
  const { cooperator, turn } = onClock(10);
  const iterator = counting([], "a", 2);
  const doneDeferred = new Deferred<Iterator<unknown>>();
  expect(cooperator.coiterate(iterator, { doneDeferred })).toBe(doneDeferred);
  turn();
  expect(doneDeferred.result).toBe(iterator);
});

test("an iterator that throws fails its task, and no other", () => {
  const { cooperator, turn } = onClock(10);
  const task = cooperator.cooperate(
    (function* (): Generator<undefined> {
      yield undefined;
      throw new Error("it");
    })(),
  );
  const other = cooperator.coiterate(counting([], "a", 3));
  turn();
  expect(errorOf(task.whenDone())).toEqual(new Error("it"));
  expect(other.called).toBe(true);
  expect(() => task.pause()).toThrow(TaskFailed);
});

describe("whenDone", () => {
  test("gives a new Deferred each time, also after the end", () => {
    const { cooperator, turn } = onClock(10);
    const iterator = counting([], "a", 1);
    const task = cooperator.cooperate(iterator);
    const before = [task.whenDone(), task.whenDone()];
    turn();
    for (const deferred of [...before, task.whenDone()]) expect(deferred.result).toBe(iterator);
    expect(before[0]).not.toBe(before[1]);
    expect(() => task.stop()).toThrow(TaskDone);
  });

  // PIN
  test("a task that was stopped is removed already when its callbacks run", () => {
    const { clock, cooperator } = onClock();
    const task = cooperator.cooperate(counting([], "a", 5));
    const pending: number[] = [];
    task.whenDone().addErrback(() => void pending.push(clock.getDelayedCalls().length));
    task.stop();
    expect(pending).toEqual([0]);
    expect(() => task.stop()).toThrow(TaskStopped);
  });
});

describe("pausing", () => {
  test("nests", () => {
    const seen: unknown[] = [];
    const { cooperator, turn } = onClock();
    const task = cooperator.cooperate(counting(seen, "a", 5));
    task.pause();
    task.pause();
    turn();
    task.resume();
    turn();
    expect(seen).toEqual([]);
    task.resume();
    turn();
    expect(seen).toEqual(["a1"]);
    expect(() => task.resume()).toThrow(NotPaused);
  });

  test("resuming a task that was stopped while paused is silent", () => {
    const { clock, cooperator } = onClock();
    const task = cooperator.cooperate(counting([], "a", 5));
    task.whenDone().addErrback(() => {});
    task.pause();
    task.stop();
    task.resume();
    expect(clock.getDelayedCalls()).toEqual([]);
    expect(() => task.pause()).toThrow(TaskStopped);
  });

  test("a yielded Deferred or Promise pauses until it has fired", async () => {
    const { cooperator, turn } = onClock(10);
    const [first, second] = [new Deferred<void>(), Promise.resolve()];
    const done = cooperator.coiterate([first, second][Symbol.iterator]());
    turn();
    first.callback();
    turn();
    expect(done.called).toBe(false);
    await second;
    turn();
    expect(done.called).toBe(true);
  });

  test("a yielded Deferred that has fired already costs no turn", () => {
    const { cooperator, turn } = onClock(10);
    const done = cooperator.coiterate([succeed(1), succeed(2)][Symbol.iterator]());
    turn();
    expect(done.called).toBe(true);
  });

  test("the failure of a yielded Deferred fails the task", () => {
    const { cooperator, turn } = onClock(10);
    const task = cooperator.cooperate([fail("it")][Symbol.iterator]());
    turn();
    expect(errorOf(task.whenDone())).toBe("it");
    expect(() => task.pause()).toThrow(TaskFailed);
  });

  // PIN
  test("while waiting for a Deferred needs both that Deferred and a resume", () => {
    for (const order of [
      ["fire", "resume"],
      ["resume", "fire"],
    ]) {
      const { cooperator, turn } = onClock(10);
      const waited = new Deferred<void>();
      const task = cooperator.cooperate([waited][Symbol.iterator]());
      const done = task.whenDone();
      turn();
      task.pause();
      for (const step of order) {
        turn();
        expect(done.called).toBe(false);
        if (step === "fire") waited.callback();
        else task.resume();
      }
      turn();
      expect(done.called).toBe(true);
    }
  });
});

describe("a Cooperator", () => {
  test("schedules a slice only while there are tasks", () => {
    const { clock, cooperator } = onClock();
    expect(clock.getDelayedCalls()).toEqual([]);
    const task = cooperator.cooperate(counting([], "a", 5));
    task.whenDone().addErrback(() => {});
    expect(clock.getDelayedCalls()).toHaveLength(1);
    task.stop();
    expect(clock.getDelayedCalls()).toEqual([]);
  });

  test("stopped fails every task, and new ones, with SchedulerStopped", () => {
    const { clock, cooperator } = onClock();
    const before = cooperator.coiterate(counting([], "a", 5));
    cooperator.stop();
    const after = cooperator.coiterate(counting([], "b", 5));
    expect([errorOf(before), errorOf(after)]).toEqual([expect.any(SchedulerStopped), expect.any(SchedulerStopped)]);
    expect([cooperator.running, clock.getDelayedCalls()]).toEqual([false, []]);
  });

  test("that is not started waits for start", () => {
    const slices: (() => void)[] = [];
    const scheduler = (slice: () => void): { cancel(): void } => (slices.push(slice), { cancel: () => {} });
    const cooperator = new Cooperator({ started: false, scheduler });
    const done = cooperator.coiterate(counting([], "a", 1));
    expect([cooperator.running, slices]).toEqual([false, []]);
    cooperator.start();
    slices[0]!();
    expect([cooperator.running, done.called]).toEqual([true, true]);
  });
});

test("the process's Cooperator runs on the reactor", async () => {
  const seen: unknown[] = [];
  const task = cooperate(counting(seen, "a", 3));
  expect(task).toBeInstanceOf(CooperativeTask);
  await Promise.all([task.whenDone(), coiterate(counting(seen, "b", 3))]);
  expect(seen.toSorted()).toEqual(["a1", "a2", "a3", "b1", "b2", "b3"]);
});
