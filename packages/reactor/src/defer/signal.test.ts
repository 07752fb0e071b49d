/** Deferreds and AbortSignals. */
import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { CancelledError, Deferred, race } from "../defer.js";
import { failureResultOf, successResultOf } from "../testing/results.js";

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

test("a Deferred made from a signal fails with the signal's reason, at once if it is aborted already", () => {
  const controller = new AbortController();
  const deferred = Deferred.fromSignal(controller.signal);
  expect(deferred.called).toBe(false);
  const reason = new Error("enough");
  controller.abort(reason);
  expect(failureResultOf(deferred).value).toBe(reason);
  expect(failureResultOf(Deferred.fromSignal(controller.signal)).value).toBe(reason);
});

test("cancelled, it has let the signal go: so it can race with work", () => {
  const { signal } = new AbortController();
  const work = new Deferred<string>();
  const first = race([work, Deferred.fromSignal(signal)]);
  expect(listeners(signal)).toBe(1);
  work.callback("done");
  expect(successResultOf(first)).toEqual([0, "done"]);
  expect(listeners(signal)).toBe(0);
});

test("addSignal cancels the work when the signal is aborted, also one that was aborted before", () => {
  for (const early of [true, false]) {
    const controller = new AbortController();
    let cancelled = 0;
    const work = new Deferred<string>(() => (cancelled += 1));
    if (early) controller.abort();
    work.addSignal(controller.signal);
    controller.abort();
    expect(failureResultOf(work, CancelledError).value).toBeInstanceOf(CancelledError);
    expect(cancelled).toBe(1);
  }
});

test("addSignal forgets the signal with the result, which stays what it is", () => {
  const controller = new AbortController();
  const work = new Deferred<string>().addSignal(controller.signal);
  work.callback("done");
  expect(listeners(controller.signal)).toBe(0);
  controller.abort();
  expect(successResultOf(work)).toBe("done");
});
