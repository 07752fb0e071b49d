import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ConnectionClosed, ConnectionLost } from "../error.js";
import { ValueError } from "../exceptions.js";
import { Failure } from "../failure.js";
import {
  type LogEvent,
  LogLevel,
  Logger,
  capturedLogs,
  eventAsJSON,
  eventFromJSON,
  eventsFromJSONLogFile,
  extractField,
  formatEvent,
  jsonFileLogObserver,
} from "../logger.js";

/** The event as it comes back. */
function roundTrip(event: LogEvent): LogEvent {
  return eventFromJSON(eventAsJSON(event));
}

// PIN
describe("the round trip through JSON", () => {
  test("keeps the message, whatever its fields were", () => {
    let calls = 0;
    const event: LogEvent = {
      log_format: "{a.b[0]!r:>8} {n:04d} {next()} {next()} {next()} {{}} {list}",
      a: { b: ["text"] },
      n: 7,
      next: () => ++calls,
      list: [1, 2],
    };
    const stored = eventAsJSON(event);
    expect(formatEvent(eventFromJSON(stored))).toBe("  'text' 0007 1 2 3 {} [ 1, 2 ]");
    expect(calls).toBe(3);
    expect(extractField("n:04d", eventFromJSON(stored))).toBe(7);
    expect(formatEvent(roundTrip(eventFromJSON(stored)))).toBe("  'text' 0007 1 2 3 {} [ 1, 2 ]");
  });

  test("keeps level and failure type", () => {
    const log_failure = new Failure(new ConnectionLost("it"));
    const event = roundTrip({ log_level: LogLevel.warn, log_failure });
    expect(event.log_level).toBe(LogLevel.warn);
    const back = event.log_failure!;
    expect(back).toBeInstanceOf(Failure);
    expect(back.check("ConnectionClosed")).toBe("ConnectionClosed");
    expect(back.check(ConnectionClosed)).toBeNull();
    expect(back.parents).toEqual(log_failure.parents);
    expect(back.getErrorMessage()).toBe(log_failure.getErrorMessage());
    expect(back.getTraceback()).toBe(log_failure.getTraceback());
  });

  test("of an event that cannot be formatted works", () => {
    expect(formatEvent(roundTrip({ log_format: "{missing}" }))).toMatch(/cannot be formatted/);
  });
});

test("an event of a Logger is one line of JSON", () => {
  const [event] = capturedLogs(() => new Logger({ namespace: "app" }).info("a\nb {c}", { c: 1 }));
  const json = eventAsJSON(event!);
  expect(json).not.toContain("\n");
  expect(eventFromJSON(json)).toMatchObject({ log_namespace: "app", log_logger: { unpersistable: true }, c: 1 });
});

test("values that JSON does not have become text or are marked", () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  const event = roundTrip({
    bytes: Buffer.from([0x68, 0xff]),
    big: 12n,
    infinite: Infinity,
    nothing: undefined,
    object: new Map(),
    call: () => 1,
    circular,
    nested: [{ a: null }],
    [Symbol("dropped")]: 1,
  });
  expect(event).toMatchObject({
    bytes: "h\u00ff",
    big: "12",
    infinite: "Infinity",
    nothing: null,
    object: { unpersistable: true },
    call: { unpersistable: true },
    circular: { self: { unpersistable: true } },
    nested: [{ a: null }],
  });
});

test("L1: JSON holds no raw control or direction characters, and means the same", () => {
  const text = "\x9b31m\u202e\x7f\u2028\n";
  const json = eventAsJSON({ text });
  expect(json).toMatch(/^[\x20-\x7e]+$/);
  expect(eventFromJSON(json)["text"]).toBe(text);
});

test("what is no event is refused", () => {
  expect(() => eventFromJSON("{")).toThrow(SyntaxError);
  expect(() => eventFromJSON("[1]")).toThrow(ValueError);
  expect(() => eventFromJSON("null")).toThrow(ValueError);
});

test("R12: a stored __proto__ is a field like any other", () => {
  const event = eventFromJSON('{"__proto__": {"log_format": "stolen"}}');
  expect(formatEvent({ ...event })).toBe("");
});

/** What observers of these settings write for `events`. */
function written(events: LogEvent[], options?: { recordSeparator?: string }): string {
  let text = "";
  const observer = jsonFileLogObserver({ write: (more) => (text += more) }, options);
  for (const event of events) observer(event);
  return text;
}

/** A file to read from memory. */
function reading(text: string): { read(size: number): Buffer } {
  let bytes = Buffer.from(text);
  return {
    read(size) {
      const chunk = bytes.subarray(0, size);
      bytes = bytes.subarray(size);
      return chunk;
    },
  };
}

describe("a JSON log file", () => {
  const events: LogEvent[] = [{ n: 1 }, { text: "\u00fcml\u00e4ut" }, { n: 3 }];

  test("is separators, JSON and newlines", () => {
    expect(written([{ n: 1 }])).toBe('\x1e{"n":1,"log_flattened":{}}\n');
    expect(written([{ n: 1 }], { recordSeparator: "" })).toBe('{"n":1,"log_flattened":{}}\n');
  });

  // PIN
  for (const recordSeparator of ["\x1e", ""]) {
    for (const bufferSize of [1, 2, 3, 7, 50, 4096]) {
      test(`with separator ${JSON.stringify(recordSeparator)} reads the same by ${bufferSize} bytes`, () => {
        const text = written(events, { recordSeparator });
        expect([...eventsFromJSONLogFile(reading(text), { bufferSize })]).toMatchObject(events);
        expect([...eventsFromJSONLogFile(reading(text), { bufferSize, recordSeparator })]).toMatchObject(events);
      });
    }
  }

  test("unreadable and truncated records are logged and left out", () => {
    const text = '\x1e{"n":1}\n\x1e{"n":\n\x1e[]\n\x1e{"n":2}\x1e{"n":3}\n\x1e{"n":4';
    let read: LogEvent[] = [];
    const logged = capturedLogs(() => (read = [...eventsFromJSONLogFile(reading(text))]));
    expect(read).toEqual([{ n: 1 }, { n: 3 }]);
    expect(logged.map((event) => event.log_level?.name)).toEqual(["error", "error", "error", "error"]);
  });

  test("is read from a descriptor", () => {
    const directory = mkdtempSync(join(tmpdir(), "strombus-log-"));
    try {
      writeFileSync(join(directory, "log"), written(events));
      const descriptor = openSync(join(directory, "log"), "r");
      expect([...eventsFromJSONLogFile(descriptor, { bufferSize: 5 })]).toMatchObject(events);
      closeSync(descriptor);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("that is empty has no events", () => {
    expect([...eventsFromJSONLogFile(reading(""))]).toEqual([]);
  });
});
