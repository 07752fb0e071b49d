import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, test } from "vitest";
import {
  CancelledError,
  Deferred,
  NotACoroutineError,
  ensureDeferred,
  execute,
  fail,
  inlineCallbacks,
  logError,
  maybeDeferred,
  passthru,
  succeed,
  whenResult,
} from "../defer.js";
import { ValueError } from "../exceptions.js";
import { Failure } from "../failure.js";
import { LogLevel, capturedLogs } from "../logger.js";

function raise(error: unknown): never {
  throw error;
}

/** What a Deferred has fired with, or the value of its Failure, which counts as handled then. */
function outcomeOf(deferred: Deferred): unknown {
  let outcome: unknown = "nothing yet";
  deferred.addBoth((result) => void (outcome = result instanceof Failure ? result.value : result));
  return outcome;
}

test("execute wraps a result or a throw", () => {
  expect(execute((a: number, b: number) => a + b, 1, 2).result).toBe(3);
  expect(outcomeOf(execute(raise, "it"))).toBe("it");
});

describe("maybeDeferred", () => {
  test("hands on the very Deferred that was returned", () => {
    const deferred = new Deferred<number>();
    expect(maybeDeferred(() => deferred)).toBe(deferred);
  });

  test("is synchronous for a plain value, a throw, a Failure and a generator that does not wait", () => {
    expect(outcomeOf(maybeDeferred((n: number) => n + 1, 1))).toBe(2);
    expect(outcomeOf(maybeDeferred(raise, "it"))).toBe("it");
    expect(outcomeOf(maybeDeferred(() => new Failure("it")))).toBe("it");
    expect(
      outcomeOf(
        maybeDeferred(function* (): Generator<number, number, number> {
          return yield 1;
        }),
      ),
    ).toBe(1);
  });

  test("waits for a Promise", async () => {
    expect(await maybeDeferred(() => Promise.resolve(1))).toBe(1);
    await expect(maybeDeferred(() => Promise.reject(new ValueError("it")))).rejects.toThrow(ValueError);
  });
});

test("ensureDeferred takes Deferreds, generators and Promises only", async () => {
  const deferred = succeed(1);
  expect(ensureDeferred(deferred)).toBe(deferred);
  expect(await ensureDeferred(Promise.resolve(2))).toBe(2);
  expect(() => ensureDeferred(3 as never)).toThrow(NotACoroutineError);
});

describe("whenResult", () => {
  function seenOf(value: unknown): unknown[] {
    const seen: unknown[] = [];
    const onValue = (result: unknown): void => void seen.push(result);
    whenResult(value, onValue, (failure) => void seen.push(["failed", failure.value]));
    return seen;
  }

  test("calls at once for what is at hand", () => {
    expect(seenOf(1)).toEqual([1]);
    expect(seenOf(succeed(2))).toEqual([2]);
    expect(seenOf(fail("it"))).toEqual([["failed", "it"]]);
    expect(seenOf(new Failure("it"))).toEqual([["failed", "it"]]);
  });

  test("calls later for what is pending", async () => {
    const deferred = new Deferred<number>();
    const [seen, promised] = [seenOf(deferred), seenOf(Promise.reject(new Error("it")))];
    deferred.callback(3);
    expect(seen).toEqual([3]);
    await new Promise(setImmediate);
    expect(promised).toEqual([["failed", new Error("it")]]);
  });
});

test("logError logs the failure at critical and hands it on; passthru hands anything on", () => {
  const failure = new Failure(new ValueError("it"));
  const events = capturedLogs(() => expect(logError(failure)).toBe(failure));
  expect(events).toMatchObject([{ log_failure: failure, log_level: LogLevel.critical }]);
  expect(passthru(1)).toBe(1);
});

describe("inlineCallbacks", () => {
  test("runs to the first wait synchronously and is sent results, also of Promises and generators", async () => {
    const steps: unknown[] = [];
    const pending = new Deferred<string>();
    const adding = inlineCallbacks(function* (
      this: { base: number },
      extra: number,
    ): Generator<unknown, string, unknown> {
      steps.push(yield 1, yield succeed(2));
      steps.push(yield pending, yield Promise.resolve("promised"));
      return `${this.base}${extra}${String(yield nested())}`;
    });
    function* nested(): Generator<unknown, string, never> {
      return yield succeed("nested");
    }
    const result = adding.call({ base: 7 }, 8);
    expect(steps).toEqual([1, 2]);
    pending.callback("waited");
    expect(await result).toBe("78nested");
    expect(steps).toEqual([1, 2, "waited", "promised"]);
  });

  test("throws errors in, and fails with what is not caught", () => {
    const catching = inlineCallbacks(function* () {
      try {
        yield fail(new ValueError("it"));
        return "not thrown";
      } catch (error) {
        return (error as Error).name;
      }
    });
    expect(catching().result).toBe("ValueError");
    const throwing = inlineCallbacks(function* (): Generator<unknown, void> {
      yield 1;
      throw new ValueError("it");
    });
    expect(outcomeOf(throwing())).toBeInstanceOf(ValueError);
  });

  test("consumes the result that was waited for", () => {
    const waited = succeed(1);
    inlineCallbacks(function* () {
      yield waited;
    })();
    expect(waited.result).toBeNull();
  });

  test("many ready values do not grow the stack", () => {
    const counting = inlineCallbacks(function* (): Generator<Deferred<number>, number, number> {
      let sum = 0;
      for (let turn = 0; turn < 50_000; turn++) sum += yield succeed(1);
      return sum;
    });
    expect(counting().result).toBe(50_000);
  });

  test("of what is no generator function is a TypeError at the call", () => {
    expect(() => inlineCallbacks((() => 1) as never)()).toThrow(TypeError);
  });

  test("keeps the asynchronous context of the call", () => {
    const context = new AsyncLocalStorage<string>();
    const pending = new Deferred<void>();
    const seen: unknown[] = [];
    const looking = inlineCallbacks(function* () {
      seen.push(context.getStore());
      yield pending;
      seen.push(context.getStore());
    });
    context.run("mine", looking);
    context.run("another", () => pending.callback());
    expect(seen).toEqual(["mine", "mine"]);
  });

  describe("cancelled", () => {
    test("cancels what is waited for, and fails with CancelledError", () => {
      let cancelled = 0;
      const waiting = new Deferred(() => (cancelled += 1));
      const result = inlineCallbacks(function* () {
        yield waiting;
      })();
      result.cancel();
      expect(cancelled).toBe(1);
      expect(outcomeOf(result)).toBeInstanceOf(CancelledError);
    });

    test("goes through nested ones to the innermost wait", () => {
      let cancelled = 0;
      const inner = inlineCallbacks(function* () {
        yield new Deferred(() => (cancelled += 1));
      });
      const outer = inlineCallbacks(function* () {
        yield inner();
      });
      const result = outer();
      result.cancel();
      expect(cancelled).toBe(1);
      expect(outcomeOf(result)).toBeInstanceOf(CancelledError);
    });

    test("a generator that catches decides the outcome", () => {
      const result = inlineCallbacks(function* () {
        try {
          yield new Deferred();
        } catch {
          return "caught";
        }
        return "not thrown";
      })();
      result.cancel();
      expect(result.result).toBe("caught");
    });

    test("a generator may wait for something else, and be cancelled again", () => {
      const second = new Deferred<string>();
      const result = inlineCallbacks(function* (): Generator<Deferred<string>, string, string> {
        try {
          return yield new Deferred<string>();
        } catch {
          return yield second;
        }
      })();
      result.cancel();
      expect(result.called).toBe(false);
      result.cancel();
      expect(outcomeOf(result)).toBeInstanceOf(CancelledError);
    });

    test("while it waits for a Promise ends that wait now", () => {
      const result = inlineCallbacks(function* () {
        yield new Promise(() => {});
      })();
      result.cancel();
      expect(outcomeOf(result)).toBeInstanceOf(CancelledError);
    });
  });
});
