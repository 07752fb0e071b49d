import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ValueError } from "../exceptions.js";
import { Failure } from "../failure.js";
import {
  FilteringLogObserver,
  InvalidLogLevelError,
  LimitedHistoryLogObserver,
  LogBeginner,
  type LogEvent,
  LogLevel,
  LogLevelFilterPredicate,
  LogPublisher,
  Logger,
  LoggingFile,
  PredicateResult,
  formatEvent,
} from "../logger.js";

/** An observer that keeps what it gets. */
function keeping(): { events: LogEvent[]; observer: (event: LogEvent) => void } {
  const events: LogEvent[] = [];
  return { events, observer: (event) => void events.push(event) };
}

describe("FilteringLogObserver", () => {
  const { yes, no, maybe } = PredicateResult;
  const cases = [
    [[], true],
    [[maybe], true],
    [[maybe, maybe], true],
    [[yes, no], true],
    [[no, yes], false],
    [[maybe, no], false],
  ] as const;
  for (const [answers, passes] of cases) {
    test(`${answers.join(", ") || "no predicate"}: the event ${passes ? "passes" : "does not pass"}`, () => {
      const [positive, negative] = [keeping(), keeping()];
      const predicates = answers.map((answer) => () => answer);
      new FilteringLogObserver(positive.observer, predicates, { negativeObserver: negative.observer })({});
      expect([positive.events.length, negative.events.length]).toEqual(passes ? [1, 0] : [0, 1]);
    });
  }

  test("an answer that is none is a TypeError", () => {
    const observer = new FilteringLogObserver(() => {}, [() => true as never]);
    expect(() => observer({})).toThrow(TypeError);
  });

  test("notes its hop in log_trace", () => {
    const log_trace: LogEvent["log_trace"] = [];
    const { observer } = keeping();
    const filter = new FilteringLogObserver(observer, []);
    filter({ log_trace });
    expect(log_trace).toEqual([[filter, observer]]);
  });
});

describe("LogLevelFilterPredicate", () => {
  test("drops what is below the level of the namespace, which goes by its dots", () => {
    const predicate = new LogLevelFilterPredicate();
    predicate.setLogLevelForNamespace("a.b", LogLevel.error);
    predicate.setLogLevelForNamespace("a.b.c", LogLevel.debug);
    const level = (namespace: string): string => predicate.logLevelForNamespace(namespace).name;
    expect(["", "a", "a.b", "a.b.x.y", "a.bx", "a.b.c.d"].map(level)).toEqual([
      "info",
      "info",
      "error",
      "error",
      "info",
      "debug",
    ]);
    expect(predicate({ log_level: LogLevel.warn, log_namespace: "a.b" })).toBe("no");
    expect(predicate({ log_level: LogLevel.error, log_namespace: "a.b" })).toBe("maybe");
    predicate.setLogLevelForNamespace("", LogLevel.warn);
    expect(level("z")).toBe("warn");
    predicate.clearLogLevels();
    expect(level("a.b")).toBe("info");
  });

  test("drops events without level or namespace", () => {
    const predicate = new LogLevelFilterPredicate({ defaultLogLevel: LogLevel.debug });
    expect([predicate({ log_level: LogLevel.info }), predicate({ log_namespace: "a" })]).toEqual(["no", "no"]);
  });

  test("takes levels only", () => {
    expect(() => new LogLevelFilterPredicate().setLogLevelForNamespace("a", "info" as never)).toThrow(
      InvalidLogLevelError,
    );
  });
});

describe("LimitedHistoryLogObserver", () => {
  function replayed(size: number | null | undefined, count: number): unknown[] {
    const history = new LimitedHistoryLogObserver(size === undefined ? {} : { size });
    for (let n = 0; n < count; n++) history({ n });
    const { events, observer } = keeping();
    history.replayTo(observer);
    return events.map((event) => event["n"]);
  }

  test("keeps the last events, oldest first", () => {
    expect(replayed(3, 2)).toEqual([0, 1]);
    expect(replayed(3, 5)).toEqual([2, 3, 4]);
    expect(replayed(0, 5)).toEqual([]);
    expect(replayed(null, 5)).toHaveLength(5);
  });

  // PIN
  test("keeps 65,536 by default", () => {
    expect(replayed(undefined, 70_000)).toHaveLength(65_536);
  });
});

describe("LoggingFile", () => {
  function open(): { file: LoggingFile; lines: unknown[] } {
    const lines: unknown[] = [];
    const logger = new Logger({ observer: (event) => void lines.push([event.log_level?.name, event["log_io"]]) });
    return { file: new LoggingFile({ logger, level: LogLevel.warn }), lines };
  }

  test("logs whole lines; partial ones wait", () => {
    const { file, lines } = open();
    file.write("one\ntw");
    expect(lines).toEqual([["warn", "one"]]);
    file.write(Buffer.from("o\n\nthr\u00e9".slice(0, -1)));
    const accented = Buffer.from("\u00e9\n");
    file.write(accented.subarray(0, 1));
    file.writelines([accented.subarray(1), "four\n"]);
    expect(lines.map((line) => (line as string[])[1])).toEqual(["one", "two", "", "thr\u00e9", "four"]);
  });

  test("closed takes no more", () => {
    const { file } = open();
    file.flush();
    file.close();
    expect(file.closed).toBe(true);
    expect(() => file.write("x")).toThrow(ValueError);
  });
});

describe("before logging begins", () => {
  let publisher: LogPublisher;
  let errors: string;
  let standardIO: { console: typeof console };
  let beginner: LogBeginner;
  let log: Logger;

  beforeEach(() => {
    publisher = new LogPublisher();
    errors = "";
    standardIO = { console };
    beginner = new LogBeginner(publisher, { errorStream: { write: (text) => (errors += text) }, standardIO });
    log = new Logger({ namespace: "app", observer: publisher });
  });
  afterEach(() => expect(standardIO).not.toBe(globalThis));

  test("only critical events reach stderr", () => {
    log.error("quiet");
    log.critical("loud");
    log.failure("failed", new Failure(new ValueError("it")));
    expect(errors).toMatch(/^loud\nfailed\nTraceback: ValueError: it\n/);
  });

  // PIN
  test("the last 200 events are kept, and replayed when it begins; then stderr is quiet", () => {
    for (let n = 0; n < 205; n++) log.info("{n}", { n });
    const { events, observer } = keeping();
    beginner.beginLoggingTo([observer], { redirectStandardIO: false });
    log.critical("after");
    expect(events.map(formatEvent)).toEqual([...Array.from({ length: 200 }, (_, n) => String(n + 5)), "after"]);
    expect([errors, standardIO.console]).toEqual(["", console]);
  });

  test("what was kept can be discarded", () => {
    log.info("before");
    const { events, observer } = keeping();
    beginner.beginLoggingTo([observer], { redirectStandardIO: false, discardBuffer: true });
    expect(events).toEqual([]);
  });

  test("beginning again adds observers, and warns", () => {
    const [first, second] = [keeping(), keeping()];
    beginner.beginLoggingTo([first.observer], { redirectStandardIO: false });
    beginner.beginLoggingTo([second.observer], { redirectStandardIO: false });
    log.info("to both");
    expect(first.events.map((event) => event.log_level?.name)).toEqual(["warn", "info"]);
    expect(second.events.map(formatEvent)).toEqual(["to both"]);
  });

  test("the console becomes log events: output at info, errors at error", () => {
    const { events, observer } = keeping();
    beginner.beginLoggingTo([observer]);
    standardIO.console.log("out %d", 1);
    standardIO.console.error("err");
    const shown = events.map((event) => [event.log_namespace, event.log_level?.name, event["log_io"]]);
    expect(shown).toEqual([
      ["stdout", "info", "out 1"],
      ["stderr", "error", "err"],
    ]);
  });

  test("an observer that prints does not feed on itself", () => {
    let calls = 0;
    const write = process.stdout.write.bind(process.stdout);
    let printed = "";
    process.stdout.write = (text: string | Uint8Array) => ((printed += String(text)), true);
    try {
      beginner.beginLoggingTo([
        (event) => {
          calls++;
          standardIO.console.log(`seen: ${formatEvent(event)}`);
        },
      ]);
      log.info("once");
    } finally {
      process.stdout.write = write;
    }
    expect([calls, printed]).toEqual([2, "seen: seen: once\n"]);
  });
});
