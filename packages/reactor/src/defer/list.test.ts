import { describe, expect, test } from "vitest";
import {
  CancelledError,
  Deferred,
  DeferredList,
  FailureGroup,
  FirstError,
  fail,
  gatherResults,
  race,
  reportUnhandledErrors,
  succeed,
} from "../defer.js";
import { Failure } from "../failure.js";
import { LogLevel, capturedLogs } from "../logger.js";

function pending<T>(count: number): Deferred<T>[] {
  return Array.from({ length: count }, () => new Deferred<T>());
}

/** What a Deferred failed with; it counts as handled then. */
function errorOf(deferred: Deferred): unknown {
  let error: unknown = "no failure yet";
  deferred.addErrback((failure) => void (error = failure.value));
  return error;
}

describe("DeferredList", () => {
  test("fires with all outcomes in list order; a failing member does not fail it", () => {
    const [a, b, c] = pending<number>(3);
    const list = new DeferredList([a!, b!, c!]);
    c!.callback(3);
    b!.errback("it");
    expect(list.called).toBe(false);
    a!.callback(1);
    expect(list.result).toEqual([
      [true, 1],
      [false, b!.result],
      [true, 3],
    ]);
    expect(b!.result).toMatchObject({ value: "it" });
    b!.addErrback(() => {});
  });

  test("takes plain values and Promises as members", async () => {
    const list = new DeferredList([1, Promise.resolve(2), succeed(3)]);
    expect(await list).toEqual([
      [true, 1],
      [true, 2],
      [true, 3],
    ]);
  });

  test("with fireOnOneCallback fires with the first success and its place", () => {
    const [a, b] = pending<string>(2);
    const list = new DeferredList([a!, b!], { fireOnOneCallback: true, consumeErrors: true });
    a!.errback("it");
    b!.callback("won");
    expect(list.result).toEqual(["won", 1]);
  });

  test("with fireOnOneErrback fails with the first failure", () => {
    const [a, b] = pending<string>(2);
    const list = new DeferredList([a!, b!], { fireOnOneErrback: true, consumeErrors: true });
    b!.errback("it");
    expect(errorOf(list)).toMatchObject({ subFailure: { value: "it" }, index: 1 });
    a!.errback("too late to matter");
  });

  test("with consumeErrors members go on with null", () => {
    const member = fail("it");
    new DeferredList([member], { consumeErrors: true });
    expect(member.result).toBeNull();
  });

  test("members keep their values", () => {
    const member = succeed(1);
    new DeferredList([member]);
    expect(member.result).toBe(1);
  });

  test("an empty one fires at once, but never with fireOnOneCallback", () => {
    expect(new DeferredList([]).result).toEqual([]);
    expect(new DeferredList([], { fireOnOneCallback: true }).called).toBe(false);
  });

  test("the list is copied", () => {
    const members = pending<number>(1);
    const list = new DeferredList(members);
    members.push(new Deferred());
    members[0]!.callback(1);
    expect(list.called).toBe(true);
  });

  test("cancel cancels every member, and logs what cancellers throw", () => {
    const broken = new Deferred<number>(() => {
      throw new Error("broken");
    });
    const good = new Deferred<number>();
    const list = new DeferredList([broken, good]);
    const events = capturedLogs(() => list.cancel());
    expect(events).toMatchObject([{ log_level: LogLevel.critical, log_failure: { value: new Error("broken") } }]);
    for (const member of [broken, good]) expect(errorOf(member)).toBeInstanceOf(CancelledError);
  });

  test("cancel does nothing once it has fired", () => {
    const [a, b] = pending<number>(2);
    const list = new DeferredList([a!, b!], { fireOnOneCallback: true });
    a!.callback(1);
    list.cancel();
    expect(b!.called).toBe(false);
  });
});

describe("gatherResults", () => {
  test("gives the results in list order, and [] for none", () => {
    const [a, b] = pending<number>(2);
    const all = gatherResults([a!, b!]);
    b!.callback(2);
    a!.callback(1);
    expect(all.result).toEqual([1, 2]);
    expect(gatherResults([]).result).toEqual([]);
  });

  test("fails with FirstError", () => {
    const all = gatherResults([succeed(1), fail("it")], { consumeErrors: true });
    expect(errorOf(all)).toBeInstanceOf(FirstError);
  });

  test("cancelled cancels all members", () => {
    const members = pending<number>(2);
    const all = gatherResults(members, { consumeErrors: true });
    all.cancel();
    expect(errorOf(all)).toMatchObject({ subFailure: { value: new CancelledError("the Deferred was cancelled") } });
    expect(members.every((member) => member.called)).toBe(true);
  });

  // PIN
  test("cancelled gives the results when every canceller succeeds", () => {
    const all = gatherResults([1, 2].map((n) => new Deferred<number>((self) => self.callback(n))));
    all.cancel();
    expect(all.result).toEqual([1, 2]);
  });
});

describe("race", () => {
  test("fires with the first success and its place, and cancels the others, not the winner", () => {
    const cancelled: string[] = [];
    const [a, b, c] = ["a", "b", "c"].map((name) => new Deferred<string>(() => void cancelled.push(name)));
    const winner = race([a!, b!, c!]);
    b!.callback("won");
    expect(winner.result).toEqual([1, "won"]);
    expect(cancelled).toEqual(["a", "c"]);
  });

  test("has one winner, even if a canceller succeeds", () => {
    const [a, b] = [new Deferred<string>(), new Deferred<string>((self) => self.callback("second"))];
    const winner = race([a, b]);
    a.callback("won");
    expect([winner.result, a.result, b.result]).toEqual([[0, "won"], undefined, undefined]);
  });

  test("fails with all failures in list order when all fail", () => {
    const [a, b] = pending<string>(2);
    const winner = race([a!, b!]);
    b!.errback("b");
    a!.errback("a");
    const error = errorOf(winner) as FailureGroup;
    expect(error).toBeInstanceOf(FailureGroup);
    expect(error.failures.map((failure) => failure.value)).toEqual(["a", "b"]);
  });

  test("cancelled cancels all, and ends in FailureGroup", () => {
    const winner = race(pending(2));
    winner.cancel();
    expect(errorOf(winner)).toBeInstanceOf(FailureGroup);
  });

  test("of nothing never fires", () => {
    expect(race([]).called).toBe(false);
  });

  // PIN
  test("a result that arrives after its Deferred was cancelled is not logged as an error", () => {
    const [a, b] = pending<string>(2);
    const winner = race([a!, b!]);
    a!.callback("won");
    b!.callback("late");
    const events = capturedLogs(reportUnhandledErrors);
    expect([winner.result, events]).toEqual([[0, "won"], []]);
    expect(b!.result).not.toBeInstanceOf(Failure);
  });
});
