import { describe, expect, test } from "vitest";
import { CancelledError, Deferred } from "../defer.js";
import { AssertionError, ValueError } from "../exceptions.js";
import { Clock, LoopingCall, deferLater } from "../task.js";

/** A loop on a clock of its own that notes the time of each call. */
function looping(work: () => unknown = () => undefined): { clock: Clock; loop: LoopingCall; times: number[] } {
  const [clock, times] = [new Clock(), [] as number[]];
  const loop: LoopingCall = new LoopingCall(() => {
    times.push(clock.seconds());
    return work();
  });
  loop.clock = clock;
  return { clock, loop, times };
}

test("it calls now and then every interval, with its arguments", () => {
  const seen: unknown[] = [];
  const loop = new LoopingCall((...args: string[]) => void seen.push(args), "a", "b");
  const clock = (loop.clock = new Clock());
  void loop.start(2);
  clock.pump([1, 1, 2]);
  expect(seen).toEqual([
    ["a", "b"],
    ["a", "b"],
    ["a", "b"],
  ]);
  expect([loop.running, loop.interval, loop.a]).toEqual([true, 2, ["a", "b"]]);
});

test("without now the first call waits for an interval", () => {
  const { clock, loop, times } = looping();
  void loop.start(2, { now: false });
  clock.pump([1, 1]);
  expect(times).toEqual([2]);
});

test("missed ticks are skipped, and the grid stays", () => {
  const { clock, loop, times } = looping();
  void loop.start(1);
  clock.pump([2.5, 0.25, 0.25, 1]);
  expect(times).toEqual([0, 2.5, 3, 4]);
});

// PIN
test("a slow call skips to the next tick that is still in the future, past one that is exactly now", () => {
  const { clock, loop, times } = looping(() => {
    if (times.length === 2) clock.rightNow += 2; // at work from 1 to 3
  });
  void loop.start(1);
  clock.advance(1);
  expect(clock.getDelayedCalls()[0]!.getTime()).toBe(4);
  clock.advance(1);
  expect(times).toEqual([0, 1, 4]);
});

test("a rounding error on the grid makes no second call at the same time", () => {
  const { clock, loop, times } = looping();
  clock.advance(1e9); // so late, 0.3 seconds more are 5e-8 less than an interval
  void loop.start(0.3);
  clock.advance(0.3);
  expect(times).toEqual([1e9, 1e9 + 0.3]);
});

test("an interval of 0 is every turn", () => {
  const { clock, loop, times } = looping(() => {
    if (times.length === 3) loop.stop();
  });
  void loop.start(0);
  clock.advance(0);
  expect(times).toEqual([0, 0, 0]);
});

describe("stop", () => {
  test("between calls fires the Deferred at once, with the loop", () => {
    const { clock, loop } = looping();
    const deferred = loop.start(1);
    loop.stop();
    expect([deferred.result, loop.running, clock.getDelayedCalls()]).toEqual([loop, false, []]);
  });

  // PIN
  test("before a delayed first tick means no call at all", () => {
    const { clock, loop, times } = looping();
    void loop.start(1, { now: false });
    loop.stop();
    clock.advance(5);
    expect(times).toEqual([]);
  });

  test("inside the call fires when that is done", () => {
    const seen: boolean[] = [];
    const { clock, loop } = looping(() => {
      if (clock.seconds() === 0) return;
      loop.stop();
      seen.push(deferred.called);
    });
    const deferred = loop.start(1);
    clock.advance(1);
    expect([seen, deferred.result]).toEqual([[false], loop]);
  });

  test("while the call's Deferred is pending fires when that has fired", () => {
    const work = new Deferred<void>();
    const { clock, loop } = looping(() => work);
    const deferred = loop.start(1);
    loop.stop();
    expect(deferred.called).toBe(false);
    work.callback();
    expect([deferred.result, clock.getDelayedCalls()]).toEqual([loop, []]);
  });
});

test("the next tick is planned only after the Deferred of the last call has fired", () => {
  let work = new Deferred<void>();
  const { clock, loop, times } = looping(() => (work = new Deferred<void>()));
  void loop.start(1);
  clock.advance(1.5);
  expect(times).toEqual([0]);
  work.callback();
  clock.advance(0.5);
  expect(times).toEqual([0, 2]);
});

test("an error ends the loop, thrown or asynchronous, also after stop", async () => {
  for (const fail of [
    () => Promise.reject(new Error("it")),
    (loop: LoopingCall) => {
      loop.stop();
      throw new Error("it");
    },
    () => {
      throw new Error("it");
    },
  ]) {
    const { clock, loop, times } = looping(() => (times.length === 2 ? fail(loop) : undefined));
    const ended = loop.start(1);
    clock.pump([1, 1]);
    await expect(ended).rejects.toThrow("it");
    expect([times, loop.running]).toEqual([[0, 1], false]);
  }
});

test("wrong use is told", () => {
  const { loop } = looping();
  expect(() => loop.start(-1)).toThrow(ValueError);
  expect(() => loop.stop()).toThrow(AssertionError);
  expect(() => loop.reset()).toThrow(AssertionError);
  void loop.start(1);
  expect(() => loop.start(1)).toThrow(AssertionError);
});

describe("reset", () => {
  test("begins the interval anew", () => {
    const { clock, loop, times } = looping();
    void loop.start(2);
    clock.advance(1.5);
    loop.reset();
    clock.pump([1.5, 0.5, 2]);
    expect(times).toEqual([0, 3.5, 5.5]);
  });

  test("has no effect while the call is at work", () => {
    const work = new Deferred<void>();
    const { clock, loop, times } = looping(() => (times.length === 1 ? work : undefined));
    void loop.start(2);
    clock.advance(1.5);
    loop.reset();
    work.callback();
    clock.advance(0.5);
    expect(times).toEqual([0, 2]);
  });
});

describe("withCount", () => {
  function counting(): { clock: Clock; loop: LoopingCall; counts: number[] } {
    const counts: number[] = [];
    const loop = LoopingCall.withCount((count) => void counts.push(count));
    const clock = (loop.clock = new Clock());
    return { clock, loop, counts };
  }

  test("counts 1 for the first call, and skipped intervals with the next", () => {
    const { clock, loop, counts } = counting();
    void loop.start(0.5);
    clock.pump([0.5, 1.7, 0.3]);
    expect(counts).toEqual([1, 1, 3, 1]);
  });

  test("without now the first call counts the intervals since the start", () => {
    const { clock, loop, counts } = counting();
    void loop.start(1, { now: false });
    clock.pump([2.5, 0.5]);
    expect(counts).toEqual([2, 1]);
  });

  test("adds up to the whole intervals, and is never 0, for intervals that floating point cannot hold", () => {
    const { clock, loop, counts } = counting();
    clock.advance(1e9);
    void loop.start(0.1, { now: false });
    for (let n = 0; n < 1000; n++) clock.advance(0.033);
    const sum = counts.reduce((total, count) => total + count, 0);
    expect(counts.every((count) => count > 0)).toBe(true);
    expect(sum).toBe(Math.floor((clock.seconds() - 1e9) / 0.1));
  });

  test("counts 1 with an interval of 0", () => {
    const counts: number[] = [];
    const loop = LoopingCall.withCount((count) => {
      counts.push(count);
      if (counts.length === 3) loop.stop();
    });
    const clock = (loop.clock = new Clock());
    void loop.start(0);
    clock.advance(0);
    expect(counts).toEqual([1, 1, 1]);
  });
});

describe("deferLater", () => {
  test("fires with the result of the call, or with null", () => {
    const clock = new Clock();
    const sum = deferLater(clock, 2, (a: number, b: number) => a + b, 1, 2);
    const nothing = deferLater(clock, 2);
    clock.advance(1);
    expect([sum.called, nothing.called]).toEqual([false, false]);
    clock.advance(1);
    expect([sum.result, nothing.result]).toEqual([3, null]);
  });

  test("cancelled cancels the timer and fails with CancelledError", async () => {
    const clock = new Clock();
    const deferred = deferLater(clock, 2, () => expect.unreachable());
    deferred.cancel();
    expect(clock.getDelayedCalls()).toEqual([]);
    await expect(deferred).rejects.toThrow(CancelledError);
  });
});
