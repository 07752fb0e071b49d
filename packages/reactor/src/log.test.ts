import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Deferred } from "./defer.js";
import { ValueError } from "./exceptions.js";
import { Failure } from "./failure.js";
import { addObserver, err, type LegacyEvent, msg, removeObserver } from "./log.js";
import { capturedLogs, formatEvent, formatEventAsClassicLogText, Logger, type LogEvent } from "./logger.js";
import { assertNoLoggedErrors, captureLoggedErrors, flushLoggedErrors } from "./testing/logged.js";

const logged = (events: readonly LogEvent[]): unknown[] =>
  events.map((event) => [event.log_level?.name, event.log_namespace, formatEvent(event)]);

describe("msg", () => {
  test("logs its parts at info, with spaces between", () => {
    const events = capturedLogs(() => msg("client", 7, Buffer.from("abc"), null));
    expect(logged(events)).toEqual([["info", "log_legacy", "client 7 abc null"]]);
  });

  test("shows what a peer sent on one line, and braces as they are", () => {
    const [event] = capturedLogs(() => msg("{0} said", "a\n\x1b[31m{message}"));
    expect(formatEventAsClassicLogText({ ...event, log_time: 0 })).toMatch(
      /^\S+ \[-\] \{0\} said a\\n\\x1b\[31m\{message\}\n$/,
    );
  });
});

describe("err", () => {
  beforeEach(captureLoggedErrors);
  afterEach(assertNoLoggedErrors);

  test("logs an error at critical, and what is said of it", () => {
    const failure = new Failure(new ValueError("it"));
    const events = capturedLogs(() => {
      err(failure, "counting");
      err(new ValueError("it"));
      err("no error at all");
    });
    expect(logged(events)).toEqual([
      ["critical", "log_legacy", "counting"],
      ["critical", "log_legacy", "Unhandled Error"],
      ["critical", "log_legacy", "Unhandled Error"],
    ]);
    expect(events[0]!.log_failure).toBe(failure);
    expect(events[1]!.log_failure?.check(ValueError)).toBe(ValueError);
    expect(events[2]!.log_failure?.value).toBe("no error at all");
    expect(flushLoggedErrors()).toHaveLength(3);
  });

  test("ends a chain of errbacks, and a test that expects it takes it from the log", () => {
    const deferred = new Deferred<number>();
    const results: unknown[] = [];
    deferred.addErrback(err).addBoth((result: unknown) => results.push(result));
    deferred.errback(new ValueError("it"));
    expect(results).toEqual([undefined]);
    expect(flushLoggedErrors(ValueError)).toHaveLength(1);
  });
});

describe("observers", () => {
  test("see what is logged by either way, until they are removed", () => {
    const seen: LegacyEvent[] = [];
    const observer = (event: LegacyEvent): number => seen.push(event);
    const failure = new Failure(new ValueError("it"));
    addObserver(observer);
    addObserver(observer);
    try {
      msg("hello");
      new Logger({ namespace: "door" }).info("{who} came in", { who: "ann" });
      err(failure, "counting");
    } finally {
      removeObserver(observer);
    }
    msg("nobody hears");
    expect(seen).toMatchObject([
      { message: ["hello"], isError: false, system: "-" },
      { message: ["ann came in"], isError: false, system: "door#info", who: "ann" },
      { message: [], isError: true, system: "-", failure, why: "counting" },
    ]);
    for (const { time } of seen) expect(time).toBeGreaterThan(1.7e9);
  });

  test("that cannot be called are a TypeError; that were never added are none to remove", () => {
    expect(() => addObserver("print" as never)).toThrow(TypeError);
    removeObserver(() => {});
  });
});
