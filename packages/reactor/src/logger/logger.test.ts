import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ValueError } from "../exceptions.js";
import { Failure } from "../failure.js";
import {
  InvalidLogLevelError,
  type LogEvent,
  LogLevel,
  type LogLevelConstant,
  LogPublisher,
  Logger,
  capturedLogs,
  formatEvent,
  globalLogPublisher,
} from "../logger.js";
import { assertNoLoggedErrors, captureLoggedErrors, flushLoggedErrors } from "../testing/logged.js";

/** A Logger, and the events it makes. */
function logging(): { events: LogEvent[]; log: Logger } {
  const events: LogEvent[] = [];
  return { events, log: new Logger({ namespace: "here", source: "us", observer: (event) => void events.push(event) }) };
}

describe("levels", () => {
  test("are ordered", () => {
    const levels = [...LogLevel.iterconstants()];
    expect(levels.map((level) => level.name)).toEqual(["debug", "info", "warn", "error", "critical"]);
    expect(levels.toSorted((a, b) => Number(a) - Number(b))).toEqual(levels);
    expect(LogLevel.debug < LogLevel.critical).toBe(true);
  });

  test("are found by name", () => {
    expect(LogLevel.levelWithName("warn")).toBe(LogLevel.warn);
    expect(() => LogLevel.levelWithName("constructor")).toThrow(InvalidLogLevelError);
  });
});

describe("a Logger", () => {
  for (const level of LogLevel.iterconstants()) {
    test(`logs at ${level.name}`, () => {
      const { events, log } = logging();
      log[level.name]("{n} of it", { n: 3 });
      expect(events).toMatchObject([
        { log_logger: log, log_level: level, log_namespace: "here", log_source: "us", log_format: "{n} of it", n: 3 },
      ]);
      expect(events[0]!.log_time).toBeTypeOf("number");
    });
  }

  // PIN
  test("fields named like reserved keys do not win", () => {
    const { events, log } = logging();
    log.info("ours", {
      log_format: "theirs",
      log_level: LogLevel.debug,
      log_namespace: "x",
      log_time: 0,
      log_source: 1,
    });
    expect(events).toMatchObject([
      { log_format: "ours", log_level: LogLevel.info, log_namespace: "here", log_source: "us" },
    ]);
    expect(events[0]!.log_time).toBeGreaterThan(0);
  });

  test("without options has an unknown namespace and logs globally", () => {
    const log = new Logger();
    expect(capturedLogs(() => log.info())).toMatchObject([{ log_namespace: "<unknown>", log_format: null }]);
  });

  test("for a class or an instance has its name and is its source", () => {
    class Server {}
    const server = new Server();
    expect(Logger.for("app", Server)).toMatchObject({ namespace: "app.Server", source: Server });
    expect(Logger.for("app", server)).toMatchObject({ namespace: "app.Server", source: server });
  });

  test("logs a level that does not exist as a critical failure", () => {
    const { events, log } = logging();
    log.emit("loud" as unknown as LogLevelConstant, "hi");
    expect(events).toMatchObject([{ log_level: LogLevel.critical }]);
    expect(events[0]!.log_failure?.value).toBeInstanceOf(InvalidLogLevelError);
    expect(formatEvent(events[0]!)).toContain("'loud'");
  });

  test("logs a failure at critical, or at the level given", () => {
    const { events, log } = logging();
    const failure = new Failure(new ValueError("it"));
    log.failure("a {what}", failure, { what: "thing" });
    log.failure("a {what}", failure, { what: "thing", level: LogLevel.warn });
    expect(events).toMatchObject([
      { log_failure: failure, log_level: LogLevel.critical, what: "thing" },
      { log_failure: failure, log_level: LogLevel.warn },
    ]);
    expect("level" in events[1]!).toBe(false);
  });
});

describe("failuresHandled", () => {
  const raise = (): never => {
    throw new ValueError("it");
  };

  test("logs and swallows what is thrown", () => {
    const { events, log } = logging();
    const operation = log.failuresHandled("while {doing}", raise, { doing: "this", level: LogLevel.error });
    expect(operation).toMatchObject({ succeeded: false, failed: true, failure: events[0]!.log_failure });
    expect(events).toMatchObject([
      { log_level: LogLevel.error, doing: "this", log_failure: { value: new ValueError("it") } },
    ]);
  });

  test("tells success", () => {
    const { events, log } = logging();
    expect(log.failuresHandled("x", () => 1)).toEqual({ succeeded: true, failed: false, failure: null });
    expect(events).toEqual([]);
  });

  test("logs the rejection of a Promise", async () => {
    const { events, log } = logging();
    const operation = log.failuresHandled("x", () => Promise.reject(new ValueError("it")));
    expect(operation).toMatchObject({ succeeded: false, failed: false });
    await new Promise(setImmediate);
    expect(operation.failed).toBe(true);
    expect(events).toHaveLength(1);
  });

  test("has a form that can be used again", () => {
    const { events, log } = logging();
    const handled = log.failureHandler("static", { level: LogLevel.warn });
    handled(raise);
    handled(raise);
    handled(() => 1);
    expect(events.map((event) => event.log_level)).toEqual([LogLevel.warn, LogLevel.warn]);
  });
});

describe("a LogPublisher", () => {
  // PIN
  test("calls its observers in order, each once", () => {
    const seen: string[] = [];
    const [a, b] = [(): void => void seen.push("a"), (): void => void seen.push("b")];
    const publisher = new LogPublisher(a, b, a);
    publisher({});
    publisher.removeObserver(a);
    publisher.removeObserver(() => {});
    publisher({});
    expect(seen).toEqual(["a", "b", "b"]);
  });

  test("takes functions only", () => {
    expect(() => new LogPublisher({} as never)).toThrow(TypeError);
  });

  test("reports an observer that throws to the others, each time, and keeps it", () => {
    const seen: LogEvent[] = [];
    const broken = (): never => {
      throw new ValueError("broken");
    };
    const publisher = new LogPublisher((event) => void seen.push(event), broken);
    publisher({ n: 1 });
    publisher({ n: 2 });
    expect(seen).toMatchObject([
      { n: 1 },
      { log_level: LogLevel.critical, log_failure: { value: new ValueError("broken") }, observer: broken },
      { n: 2 },
      { log_level: LogLevel.critical },
    ]);
  });

  test("survives that all observers throw", () => {
    const raise = (): never => {
      throw new Error("it");
    };
    expect(() => new LogPublisher(raise, () => raise())({})).not.toThrow();
  });

  // PIN
  test("log_trace lists every hop", () => {
    const log_trace: LogEvent["log_trace"] = [];
    const observer = (): void => {};
    const inner = new LogPublisher(observer);
    const outer = new LogPublisher(inner);
    const log = new Logger({ observer: outer });
    log.info("x", { log_trace });
    expect(log_trace).toEqual([
      [log, outer],
      [outer, inner],
      [inner, observer],
    ]);
  });
});

test("capturedLogs stops observing, also after an exception", () => {
  const events: LogEvent[] = [];
  const log = new Logger();
  expect(() =>
    capturedLogs(() => {
      throw new ValueError("it");
    }),
  ).toThrow(ValueError);
  events.push(...capturedLogs(() => log.info("seen")));
  log.info("not seen");
  expect(events.map(formatEvent)).toEqual(["seen"]);
});

describe("captured errors of a test", () => {
  const log = new Logger({ namespace: "test" });
  beforeEach(captureLoggedErrors);
  afterEach(() => void flushLoggedErrors());

  test("are flushed by type, name, or all", () => {
    for (const error of [new ValueError("a"), new TypeError("b"), new RangeError("c")]) {
      log.failure("x", new Failure(error), { level: LogLevel.warn });
    }
    expect(flushLoggedErrors(ValueError)).toMatchObject([{ value: new ValueError("a") }]);
    expect(flushLoggedErrors("TypeError")).toHaveLength(1);
    expect(flushLoggedErrors()).toHaveLength(1);
    expect(() => assertNoLoggedErrors()).not.toThrow();
  });

  test("that are left fail the test, and the next begins without them", () => {
    log.failure("x", new Failure(new ValueError("left")), { level: LogLevel.warn });
    expect(() => assertNoLoggedErrors()).toThrow(/left/);
    captureLoggedErrors();
    expect(flushLoggedErrors()).toEqual([]);
  });

  test("are collected only in between", () => {
    assertNoLoggedErrors();
    globalLogPublisher({ log_failure: new Failure("outside") });
    expect(flushLoggedErrors()).toEqual([]);
  });
});
