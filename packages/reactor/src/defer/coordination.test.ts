import { describe, expect, test } from "vitest";
import {
  CancelledError,
  Deferred,
  DeferredLock,
  DeferredQueue,
  DeferredSemaphore,
  QueueOverflow,
  QueueUnderflow,
} from "../defer.js";
import { AssertionError, ValueError } from "../exceptions.js";

// One suite for both: each is made so that one holder fills it.
for (const make of [() => new DeferredLock(), () => new DeferredSemaphore(1)]) {
  describe(make().constructor.name, () => {
    test("is granted at once when free, else in the order of asking", () => {
      const lock = make();
      const granted: number[] = [];
      for (const n of [1, 2, 3]) (lock.acquire() as Deferred).addCallback((it) => granted.push(it === lock ? n : -1));
      expect(granted).toEqual([1]);
      expect(lock.waiting).toHaveLength(2);
      lock.release();
      lock.release();
      expect(granted).toEqual([1, 2, 3]);
      expect(lock.waiting).toEqual([]);
    });

    test("that nobody holds cannot be released", () => {
      expect(() => make().release()).toThrow(AssertionError);
    });

    test("a cancelled wait is forgotten; cancelling what was granted does nothing", () => {
      const lock = make();
      const first = lock.acquire();
      const second = lock.acquire() as Deferred;
      let error: unknown;
      second.addErrback((failure) => void (error = failure.value));
      second.cancel();
      first.cancel();
      expect(error).toBeInstanceOf(CancelledError);
      expect(lock.waiting).toEqual([]);
      expect(first.result).toBe(lock);
      lock.release();
      expect(() => lock.release()).toThrow(AssertionError);
    });

    test("run holds it until what was called is done, also after an error", () => {
      const lock = make();
      const work = new Deferred<string>();
      const first = lock.run((name: string) => work.addCallback((done) => `${name} ${done}`), "work");
      const second = lock.run((): string => {
        throw new ValueError("it");
      });
      const third = lock.run(() => "third");
      let done = false;
      first.addCallback((result) => ((done = true), result));
      expect([done, second.called]).toEqual([false, false]);
      work.callback("done");
      expect([first.result, third.result]).toEqual(["work done", "third"]);
      let error: unknown;
      second.addErrback((failure) => void (error = failure.value));
      expect(error).toBeInstanceOf(ValueError);
      expect(() => lock.release()).toThrow(AssertionError);
    });

    test("is released at the end of its scope", async () => {
      const lock = make();
      {
        await using held = await lock.acquire();
        expect(held).toBe(lock);
      }
      expect(() => lock.release()).toThrow(AssertionError);
    });
  });
}

test("a lock that is handed over stays locked", () => {
  const lock = new DeferredLock();
  lock.acquire();
  lock.acquire();
  lock.release();
  expect(lock.locked).toBe(true);
  lock.release();
  expect(lock.locked).toBe(false);
});

test("a semaphore is held by as many as it has tokens", () => {
  const semaphore = new DeferredSemaphore(2);
  const held = [semaphore.acquire(), semaphore.acquire(), semaphore.acquire()];
  expect(held.map((each) => each.called)).toEqual([true, true, false]);
  expect([semaphore.tokens, semaphore.limit]).toEqual([0, 2]);
});

test("a semaphore of fewer than one token is a ValueError", () => {
  expect(() => new DeferredSemaphore(0)).toThrow(ValueError);
});

describe("DeferredQueue", () => {
  test("gives objects to those who wait, in order, and stores the rest", () => {
    const queue = new DeferredQueue<number>();
    const [first, second] = [queue.get(), queue.get()];
    for (const n of [1, 2, 3]) queue.put(n);
    expect([first.result, second.result, queue.pending]).toEqual([1, 2, [3]]);
    expect(queue.get().result).toBe(3);
  });

  test("throws beyond its limits, of which 0 is one", () => {
    const queue = new DeferredQueue<number>({ size: 1, backlog: 1 });
    queue.put(1);
    expect(() => queue.put(2)).toThrow(QueueOverflow);
    void queue.get();
    void queue.get();
    expect(() => queue.get()).toThrow(QueueUnderflow);
    expect(() => new DeferredQueue({ size: 0 }).put(1)).toThrow(QueueOverflow);
    expect(() => new DeferredQueue({ backlog: 0 }).get()).toThrow(QueueUnderflow);
  });

  test("a cancelled get is forgotten", () => {
    const queue = new DeferredQueue<number>();
    const cancelled = queue.get().addErrback((failure) => failure.trap(CancelledError));
    cancelled.cancel();
    queue.put(1);
    expect(queue.pending).toEqual([1]);
  });
});
