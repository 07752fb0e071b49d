import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { AlreadyCalledError, CancelledError, Deferred, TimeoutError, fail, setDebugging, succeed } from "../defer.js";
import { ValueError } from "../exceptions.js";
import { Failure, NoCurrentExceptionError } from "../failure.js";
import { Clock } from "../task.js";

/** Collects what arrives, values and failures alike. */
function recorder(): { seen: unknown[]; note: (result: unknown) => void } {
  const seen: unknown[] = [];
  return { seen, note: (result) => void seen.push(result instanceof Failure ? result.value : result) };
}

describe("callbacks", () => {
  test("run synchronously, in order, each with the result of the one before", () => {
    const { seen, note } = recorder();
    const deferred = new Deferred<number>();
    deferred
      .addCallback((n) => n + 1)
      .addCallback((n) => `${n}!`)
      .addCallback(note);
    expect(seen).toEqual([]);
    deferred.callback(1);
    expect(seen).toEqual(["2!"]);
    expect(deferred.called).toBe(true);
  });

  test("run at once when added to a Deferred that has fired", () => {
    const { seen, note } = recorder();
    succeed(1).addCallback(note);
    fail(new Error("it")).addErrback(note);
    expect(seen).toEqual([1, new Error("it")]);
  });

  test("get the arguments given with them", () => {
    const { seen } = recorder();
    succeed(1).addCallback((...all: unknown[]) => void seen.push(...all), "a", "b");
    fail(2).addErrback((failure: Failure, extra: string) => void seen.push(failure.value, extra), "c");
    succeed(3).addBoth((result, extra: number) => void seen.push(result, extra), 4);
    succeed(5).addCallbacks((n, extra: string) => void seen.push(n, extra), null, { callbackArgs: ["d"] });
    fail(6).addCallbacks(null, (_, extra: string) => void seen.push(extra), { errbackArgs: ["e"] });
    expect(seen).toEqual([1, "a", "b", 2, "c", 3, 4, 5, "d", "e"]);
  });

  test("a missing half hands the result on", () => {
    const { seen, note } = recorder();
    succeed(1)
      .addErrback(() => 2)
      .addCallback(note);
    fail("it")
      .addCallback(() => 2)
      .addErrback(note);
    expect(seen).toEqual([1, "it"]);
  });

  test("a throw or a returned Failure leads to the errback, and its return value back", () => {
    const { seen, note } = recorder();
    const error = new ValueError("it");
    succeed(1)
      .addCallback((): number => {
        throw error;
      })
      .addErrback((failure) => (note(failure), "back"))
      .addCallback((value) => (note(value), new Failure(error)))
      .addErrback(note);
    expect(seen).toEqual([error, "back", error]);
  });

  test("a thrown Failure counts as the error in it", () => {
    const thrown = new Failure(new ValueError("it"));
    const deferred = succeed(1).addCallback((): void => {
      throw thrown;
    });
    expect(deferred.result).not.toBe(thrown);
    expect(deferred.result).toMatchObject({ value: thrown.value, type: ValueError });
    deferred.addErrback(() => {});
  });

  // PIN: failure sheet, section 10.
  test("trap in an errback hands the original error to the next one", () => {
    const { seen, note } = recorder();
    const error = new ValueError("it");
    fail(error)
      .addErrback((failure) => void failure.trap(TypeError))
      .addErrback(note);
    expect(seen).toEqual([error]);
  });

  test("added by a callback go to the end of the line", () => {
    const { seen, note } = recorder();
    const deferred = new Deferred<string>();
    deferred.addCallback((value) => {
      deferred.addCallback(() => note("added"));
      note("adding");
      return value;
    });
    deferred.addCallback(() => note("second"));
    deferred.callback("go");
    expect(seen).toEqual(["adding", "second", "added"]);
  });

  test("still in line can be read", () => {
    const callback = (): void => {};
    const deferred = new Deferred();
    deferred.addCallback(callback);
    expect(deferred.callbacks).toMatchObject([{ callback, errback: null }]);
    deferred.callback(1);
    expect(deferred.callbacks).toEqual([]);
  });
});

describe("firing", () => {
  test("twice throws AlreadyCalledError", () => {
    const deferred = succeed<unknown>(1);
    expect(() => deferred.callback(2)).toThrow(AlreadyCalledError);
    expect(() => deferred.errback(new Error("it"))).toThrow(AlreadyCalledError);
    expect(deferred.result).toBe(1);
  });

  test("with a Failure takes the errback path", () => {
    const { seen, note } = recorder();
    const deferred = new Deferred<number>();
    deferred.addErrback(note);
    deferred.callback(new Failure("it"));
    expect(seen).toEqual(["it"]);
  });

  test("with a Deferred or Promise is a TypeError", () => {
    const deferred = new Deferred<unknown>();
    expect(() => deferred.callback(succeed(1))).toThrow(TypeError);
    expect(() => deferred.callback(Promise.resolve(1))).toThrow(TypeError);
    expect(deferred.called).toBe(false);
  });

  test("errback wraps what is no Failure, and wants an argument", () => {
    const { seen, note } = recorder();
    const deferred = new Deferred();
    deferred.addErrback(note);
    expect(() => deferred.errback()).toThrow(NoCurrentExceptionError);
    deferred.errback("text");
    expect(seen).toEqual(["text"]);
  });

  // PIN
  test("succeed leaves the same state as firing by hand", () => {
    const byHand = new Deferred<number>();
    byHand.callback(1);
    for (const { called, paused, result } of [succeed(1), byHand]) {
      expect({ called, paused, result }).toEqual({ called: true, paused: 0, result: 1 });
    }
  });
});

describe("waiting for another Deferred", () => {
  test("a fired one is read at once and goes on with null", () => {
    const { seen, note } = recorder();
    const inner = succeed("inner");
    succeed(1)
      .addCallback(() => inner)
      .addCallback(note);
    expect(seen).toEqual(["inner"]);
    expect(inner.result).toBeNull();
  });

  test("a pending one makes the outer wait; the outer's callbacks run before those added to the inner later", () => {
    const { seen, note } = recorder();
    const inner = new Deferred<string>();
    const outer = succeed(1).addCallback(() => inner);
    outer.addCallback((value) => note(["outer", value]));
    inner.addCallback((value) => note(["inner", value]));
    inner.callback("result");
    expect(seen).toEqual([
      ["outer", "result"],
      ["inner", null],
    ]);
  });

  test("a failure is moved as well, and the inner one no longer counts as failed", () => {
    const { seen, note } = recorder();
    const inner = new Deferred<string>();
    const outer = succeed(1).addCallback(() => inner);
    inner.errback("it");
    expect(inner.result).toBeNull();
    outer.addErrback(note);
    expect(seen).toEqual(["it"]);
  });

  test("a paused inner one makes the outer wait even if it has a result", () => {
    const { seen, note } = recorder();
    const inner = succeed("inner");
    inner.pause();
    succeed(1)
      .addCallback(() => inner)
      .addCallback(note);
    expect(seen).toEqual([]);
    inner.unpause();
    expect(seen).toEqual(["inner"]);
  });

  test("an inner one that waits itself makes the outer wait: chaining is transitive", () => {
    const { seen, note } = recorder();
    const [first, second, third] = [new Deferred<number>(), new Deferred<number>(), new Deferred<number>()];
    first.addCallback(() => second);
    second.addCallback(() => third);
    first.callback(1);
    second.callback(2);
    first.addCallback(note);
    expect(seen).toEqual([]);
    third.callback(3);
    expect(seen).toEqual([3]);
    expect([first.result, second.result, third.result]).toEqual([undefined, null, null]);
  });

  // PIN
  test("callbacks added to a middle Deferred after the chain is built run once the last one fires", () => {
    const { seen, note } = recorder();
    const [first, middle, last] = [new Deferred<number>(), new Deferred<number>(), new Deferred<number>()];
    first.addCallback(() => middle);
    middle.addCallback(() => last);
    first.callback(1);
    middle.callback(2);
    middle.addCallback(() => note("middle"));
    first.addCallback(() => note("first"));
    last.callback(3);
    expect(seen).toEqual(["first", "middle"]);
  });

  test("deep chains do not grow the stack: each waits for the next", () => {
    const { seen, note } = recorder();
    const last = new Deferred<number>();
    let outer = last;
    for (let depth = 0; depth < 50_000; depth++) {
      const inner = outer;
      outer = succeed(0).addCallback(() => inner);
    }
    outer.addCallback(note);
    last.callback(7);
    expect(seen).toEqual([7]);
  });

  test("deep chains do not grow the stack: each returns one that has fired", () => {
    const deferred = new Deferred<number>();
    for (let depth = 0; depth < 50_000; depth++) deferred.addCallback((n) => succeed(n + 1));
    deferred.callback(0);
    expect(deferred.result).toBe(50_000);
  });

  test("a callback that returns its own Deferred fails it", () => {
    const deferred = new Deferred<unknown>();
    deferred.addCallback(() => deferred);
    deferred.callback(1);
    expect(deferred.result).toMatchObject({ value: expect.any(TypeError) as TypeError });
    deferred.addErrback(() => {});
  });

  test("a Promise that a callback returns is waited for, and its rejection is a failure", async () => {
    const { seen, note } = recorder();
    const fulfilled = succeed(1).addCallback(() => Promise.resolve("value"));
    fulfilled.addCallback(note);
    const rejected = succeed(1).addCallback(() => Promise.reject(new Error("it")));
    rejected.addErrback(note);
    expect(seen).toEqual([]);
    await Promise.all([fulfilled, rejected]);
    expect(seen).toEqual(["value", new Error("it")]);
  });

  test("a thenable that breaks the rules is a failure", () => {
    const broken = {
      then(): never {
        throw new Error("broken");
      },
    };
    const deferred = succeed(1).addCallback(() => broken as PromiseLike<number>);
    expect(deferred.result).toMatchObject({ value: new Error("broken") });
    deferred.addErrback(() => "fine");
    expect(deferred.result).toBe("fine");
  });
});

describe("chainDeferred", () => {
  test("fires the other with the outcome and goes on with null", () => {
    const [source, target] = [new Deferred<number>(), new Deferred<number>()];
    source.chainDeferred(target);
    source.callback(1);
    expect([source.result, target.result]).toEqual([null, 1]);
  });

  test("hands on failures", () => {
    const { seen, note } = recorder();
    const target = new Deferred<number>();
    target.addErrback(note);
    const source = fail("it").chainDeferred(target);
    expect(seen).toEqual(["it"]);
    expect(source.result).toBeNull();
  });

  test("cancelling the other does not affect this one", () => {
    const [source, target] = [new Deferred<number>(), new Deferred<number>()];
    source.chainDeferred(target);
    target.addErrback(() => {});
    target.cancel();
    expect(source.called).toBe(false);
    source.callback(1); // the one firing that a cancelled Deferred swallows
  });
});

describe("pausing", () => {
  test("nests, and holds callbacks back", () => {
    const { seen, note } = recorder();
    const deferred = new Deferred<number>();
    deferred.addCallback(note);
    deferred.pause();
    deferred.pause();
    deferred.callback(1);
    deferred.unpause();
    expect([seen, deferred.paused]).toEqual([[], 1]);
    deferred.unpause();
    expect([seen, deferred.paused]).toEqual([[1], 0]);
  });

  test("by a callback stops the line there", () => {
    const { seen, note } = recorder();
    const deferred = new Deferred<number>();
    deferred.addCallback((n) => (deferred.pause(), n)).addCallback(note);
    deferred.callback(1);
    expect(seen).toEqual([]);
    deferred.unpause();
    expect(seen).toEqual([1]);
  });

  test("of an outer Deferred does not keep the inner one's own callbacks back", () => {
    const { seen, note } = recorder();
    const inner = new Deferred<number>();
    const outer = succeed(0).addCallback(() => inner);
    outer.addCallback((value) => note(["outer", value]));
    inner.addCallback(() => note("inner"));
    outer.pause();
    inner.callback(1);
    expect(seen).toEqual(["inner"]);
    outer.unpause();
    expect(seen).toEqual(["inner", ["outer", 1]]);
  });
});

describe("cancel", () => {
  test("without a canceller fails at once, swallows one firing, and no second", () => {
    const { seen, note } = recorder();
    const deferred = new Deferred<number>();
    deferred.addErrback(note);
    deferred.cancel();
    expect(seen).toEqual([expect.any(CancelledError)]);
    deferred.callback(1);
    expect(() => deferred.callback(2)).toThrow(AlreadyCalledError);
    deferred.cancel();
    expect(seen).toHaveLength(1);
  });

  test("asks the canceller, and fails with CancelledError if that does not fire; later firings are not swallowed", () => {
    const { seen, note } = recorder();
    const deferred = new Deferred<number>((self) => note(self === deferred));
    deferred.addErrback(note);
    deferred.cancel();
    expect(seen).toEqual([true, expect.any(CancelledError)]);
    expect(() => deferred.callback(1)).toThrow(AlreadyCalledError);
  });

  // PIN
  test("succeeds if the canceller says so", () => {
    const deferred = new Deferred<string>((self) => self.callback("anyway"));
    deferred.cancel();
    expect(deferred.result).toBe("anyway");
  });

  test("hands what the canceller throws to its caller", () => {
    const deferred = new Deferred(() => {
      throw new ValueError("stuck");
    });
    expect(() => deferred.cancel()).toThrow(ValueError);
  });

  // PIN
  test("of one that waits cancels the inner one, and leaves its own canceller uncalled", () => {
    const { seen, note } = recorder();
    const inner = new Deferred<number>(() => note("inner"));
    const outer = new Deferred<number>(() => note("outer"));
    outer.addCallback(() => inner).addErrback(note);
    outer.callback(1);
    outer.cancel();
    expect(seen).toEqual(["inner", expect.any(CancelledError)]);
  });

  test("reaches the innermost of a deep chain", () => {
    const { seen, note } = recorder();
    const last = new Deferred<number>(() => note("last"));
    let outer = last;
    for (let depth = 0; depth < 50_000; depth++) {
      const inner = outer;
      outer = succeed(0).addCallback(() => inner);
    }
    outer.addErrback(note);
    outer.cancel();
    expect(seen).toEqual(["last", expect.any(CancelledError)]);
  });

  test("of one that waits for a Promise fails now, and ignores how that settles", async () => {
    const { seen, note } = recorder();
    const { promise, resolve } = promiseWithResolvers<number>();
    const deferred = succeed(1).addCallback(() => promise);
    deferred.addBoth(note);
    deferred.cancel();
    expect(seen).toEqual([expect.any(CancelledError)]);
    resolve(2);
    await promise;
    expect([seen.length, deferred.result]).toEqual([1, undefined]);
  });

  test("of one that is done does nothing", () => {
    const deferred = succeed(1);
    deferred.cancel();
    expect(deferred.result).toBe(1);
  });
});

describe("addTimeout", () => {
  test("fails with TimeoutError when the time is over", () => {
    const clock = new Clock();
    const { seen, note } = recorder();
    new Deferred<number>().addTimeout(10, clock).addErrback(note);
    clock.advance(9);
    expect(seen).toEqual([]);
    clock.advance(1);
    expect(seen).toEqual([expect.any(TimeoutError)]);
    expect(seen[0]).toMatchObject({ value: 10 });
  });

  test("cancels its delayed call when the result comes in time, also at once", () => {
    const clock = new Clock();
    const deferred = new Deferred<number>();
    deferred.addTimeout(10, clock);
    deferred.callback(1);
    succeed(2).addTimeout(10, clock);
    expect(clock.getDelayedCalls()).toEqual([]);
    expect(deferred.result).toBe(1);
  });

  test("counts only callbacks added before it as part of the work", () => {
    const clock = new Clock();
    const { seen, note } = recorder();
    const later = new Deferred<number>();
    const deferred = new Deferred<number>();
    deferred.addTimeout(10, clock);
    deferred.addCallback(() => later).addCallback(note);
    deferred.callback(1);
    clock.advance(20);
    later.callback(2);
    expect(seen).toEqual([2]);
  });

  test("a value that the canceller or an earlier errback gave wins", () => {
    const clock = new Clock();
    const cancelled = new Deferred<string>((self) => self.callback("canceller"));
    cancelled.addTimeout(1, clock);
    const handled = new Deferred<string>().addErrback(() => "errback");
    handled.addTimeout(1, clock);
    clock.advance(1);
    expect([cancelled.result, handled.result]).toEqual(["canceller", "errback"]);
  });

  test("another failure than CancelledError stays as it is", () => {
    const clock = new Clock();
    const { seen, note } = recorder();
    new Deferred<string>((self) => self.errback("other")).addTimeout(1, clock).addErrback(note);
    clock.advance(1);
    expect(seen).toEqual(["other"]);
  });

  test("onTimeoutCancel is called on timeout, also for a normal value, with the timeout", () => {
    const clock = new Clock();
    const { seen, note } = recorder();
    const onTimeoutCancel = (value: unknown, timeout: number): string => (note([value, timeout]), "custom");
    const deferred = new Deferred<string>((self) => self.callback("normal"));
    deferred.addTimeout(3, clock, { onTimeoutCancel });
    clock.advance(3);
    expect([seen, deferred.result]).toEqual([[["normal", 3]], "custom"]);
  });

  test("onTimeoutCancel is not called for a cancel by hand", () => {
    const clock = new Clock();
    const { seen, note } = recorder();
    const deferred = new Deferred<string>();
    deferred.addTimeout(3, clock, { onTimeoutCancel: () => "custom" }).addErrback(note);
    deferred.cancel();
    expect(seen).toEqual([expect.any(CancelledError)]);
    expect(clock.getDelayedCalls()).toEqual([]);
  });
});

describe("as a thenable", () => {
  test("several awaiters agree, and the value stays", async () => {
    const deferred = new Deferred<number>();
    const awaited = [deferred.then(), deferred.then((n) => n + 1)];
    deferred.callback(1);
    expect(await Promise.all(awaited)).toEqual([1, 2]);
    expect(await deferred).toBe(1);
    expect(deferred.result).toBe(1);
  });

  test("rejects with the value of the Failure", async () => {
    const error = new ValueError("it");
    await expect(fail(error)).rejects.toBe(error);
    await expect(fail("text").then(null, (reason: unknown) => `got ${String(reason)}`)).resolves.toBe("got text");
  });

  test("an async function that returns one gives its outcome", async () => {
    const getOne = async (): Promise<number> => succeed(1);
    expect(await getOne()).toBe(1);
  });

  test("a callback sees the value that an awaiter saw", async () => {
    const { seen, note } = recorder();
    const deferred = new Deferred<number>();
    const awaited = deferred.then();
    deferred.addCallback(note);
    deferred.callback(1);
    expect(seen).toEqual([1]);
    expect(await awaited).toBe(1);
  });
});

describe("Promises and generators", () => {
  test("asFuture takes the outcome and leaves null", async () => {
    const [good, bad] = [succeed(1), fail("it")];
    await expect(good.asFuture()).resolves.toBe(1);
    await expect(bad.asPromise()).rejects.toBe("it");
    expect([good.result, bad.result]).toEqual([null, null]);
  });

  test("fromFuture fires with what a Promise settles to", async () => {
    expect(await Deferred.fromFuture(Promise.resolve(1))).toBe(1);
    await expect(Deferred.fromPromise(Promise.reject(new Error("it")))).rejects.toThrow("it");
  });

  test("cancelling aborts the controller given to fromFuture", async () => {
    const { seen, note } = recorder();
    const controller = new AbortController();
    const { promise, resolve } = promiseWithResolvers<number>();
    const deferred = Deferred.fromFuture(promise, controller);
    deferred.addErrback(note);
    deferred.cancel();
    expect([seen, controller.signal.aborted]).toEqual([[expect.any(CancelledError)], true]);
    resolve(1);
    await promise;
  });

  test("fromCoroutine takes a generator or Promise and nothing else", async () => {
    function* adding(): Generator<Deferred<number>, number, number> {
      return (yield succeed(1)) + (yield succeed(2));
    }
    expect(Deferred.fromCoroutine(adding()).result).toBe(3);
    expect(await Deferred.fromCoroutine(Promise.resolve(4))).toBe(4);
    expect(() => Deferred.fromCoroutine(5 as never)).toThrow(TypeError);
  });
});

describe("printing", () => {
  test("shows the result or what is waited for", () => {
    expect(String(new Deferred())).toBe("<Deferred>");
    expect(String(succeed("x"))).toBe("<Deferred 'x'>");
    const waiting = succeed(1).addCallback(() => new Deferred());
    expect(inspect(waiting)).toBe("<Deferred waiting for <Deferred>>");
  });
});

describe("debugging", () => {
  afterEach(() => setDebugging(false));

  test("tells where a Deferred was made and fired when it is fired again", () => {
    Deferred.debug = true;
    const deferred = succeed(1);
    expect(() => deferred.callback(2)).toThrow(/created:[^]*deferred\.test[^]*fired:[^]*deferred\.test/);
  });
});

function promiseWithResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
