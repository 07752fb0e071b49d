import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Deferred, fail, reportUnhandledErrors, setDebugging, succeed } from "../defer.js";
import { Failure } from "../failure.js";
import { collectGarbage } from "../garbage.test.helper.js";
import { LogLevel, capturedLogs, formatEvent } from "../logger.js";
import { assertNoLoggedErrors, captureLoggedErrors, flushLoggedErrors } from "../testing/logged.js";

beforeEach(() => {
  reportUnhandledErrors(); // what other tests left
  captureLoggedErrors();
});
afterEach(assertNoLoggedErrors);

/** The values of the failures reported now. */
function reported(): unknown[] {
  reportUnhandledErrors();
  return flushLoggedErrors().map((failure) => failure.value);
}

test("an unhandled failure is two critical events: a heading and the failure", () => {
  fail("it");
  const events = capturedLogs(reportUnhandledErrors);
  expect(events.map((event) => event.log_level)).toEqual([LogLevel.critical, LogLevel.critical]);
  expect(formatEvent(events[0]!)).toContain("Unhandled error in Deferred");
  expect(events[1]!.log_failure?.value).toBe("it");
  expect(flushLoggedErrors()).toHaveLength(1);
});

test("it is reported once", () => {
  fail("it");
  expect([reported(), reported()]).toEqual([["it"], []]);
});

/** The values of the failures that are reported because their Deferred is collected. */
async function reportedByCollector(): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let turn = 0; turn < 100 && found.length === 0; turn++) {
    collectGarbage();
    await new Promise(setImmediate);
    found.push(...flushLoggedErrors().map((failure) => failure.value));
  }
  return found;
}

test("it is reported when its Deferred is collected", async () => {
  (() => void fail("collected"))();
  expect(await reportedByCollector()).toEqual(["collected"]);
});

test("so is one that comes behind another, which was handled in its turn", async () => {
  await (async () => {
    const deferred = fail("handled").addErrback(() => null);
    await new Promise(setImmediate);
    deferred.addCallback(() => new Failure("collected"));
  })();
  expect(await reportedByCollector()).toEqual(["collected"]);
});

describe("nothing is reported", () => {
  test("when an errback handled it, sooner or later", () => {
    fail("it").addErrback(() => {});
    const late = fail("it");
    late.addErrback(() => {});
    expect(reported()).toEqual([]);
  });

  test("when an errback handles it whose own answer is still to come", () => {
    const answer = new Deferred();
    const asked = fail("it").addErrback(() => answer);
    expect(reported()).toEqual([]);
    answer.errback("its answer");
    expect(reported()).toEqual(["its answer"]);
    expect(asked.result).toBeInstanceOf(Failure);
    const promised = fail("it").addErrback(async () => Promise.resolve());
    expect(reported()).toEqual([]);
    return promised;
  });

  test("when it moved into another Deferred, which alone reports it", () => {
    const inner = new Deferred();
    const outer = succeed(1).addCallback(() => inner);
    inner.errback("moved");
    expect(reported()).toEqual(["moved"]);
    expect(outer.result).toBeInstanceOf(Failure);
  });

  test("when it was awaited", async () => {
    const deferred = fail("it");
    await expect(deferred).rejects.toBe("it");
    expect(reported()).toEqual([]);
    expect(deferred.result).toMatchObject({ value: "it" });
  });

  // PIN
  test("while the Deferred is paused", () => {
    const deferred = new Deferred();
    deferred.pause();
    deferred.errback("paused");
    expect(reported()).toEqual([]);
    deferred.unpause();
    expect(reported()).toEqual(["paused"]);
  });
});

test("a new failure after an awaited one is reported", async () => {
  const deferred = fail("first");
  await expect(deferred).rejects.toBe("first");
  deferred.addErrback(() => new Failure("second"));
  expect(reported()).toEqual(["second"]);
});

test("the report tells where the Deferred was made, while debugging", () => {
  setDebugging(true);
  fail("it");
  setDebugging(false);
  const [, event] = capturedLogs(reportUnhandledErrors);
  expect(formatEvent(event!)).toMatch(/created:\n[^]*unhandled\.test/);
  flushLoggedErrors();
});
