import { describe, expect, test } from "vitest";
import { KeyError, ValueError } from "../exceptions.js";
import { Failure } from "../failure.js";
import {
  type LogEvent,
  LogLevel,
  escapeText,
  eventAsText,
  extractField,
  formatEvent,
  formatEventAsClassicLogText,
  formatTime,
  textFileLogObserver,
} from "../logger.js";

function formatted(log_format: string, fields: object = {}): string {
  return formatEvent({ log_format, ...fields });
}

test("a field may have dots in its name", () => {
  expect(formatted("{client.address} is {client}", { "client.address": "192.0.2.1", client: "bob" })).toBe(
    "192.0.2.1 is bob",
  );
});

class Peer {
  name = "bob";
  ports = [22, 2222];
  greet(): string {
    return `hello ${this.name}`;
  }
  toString(): string {
    return "the peer";
  }
}

// PIN: format, fields, text
const peer = new Peer();
const formats: readonly [format: string, fields: object, text: string][] = [
  ["plain", {}, "plain"],
  ["", {}, ""],
  ["{a} and {b}", { a: 1, b: "two" }, "1 and two"],
  ["{{a}} {a}", { a: 1 }, "{a} 1"],
  ["{peer} {peer.name} {peer.ports[1]}", { peer }, "the peer bob 2222"],
  ["{peer.greet()}", { peer }, "hello bob"],
  ["{make().name}", { make: () => peer }, "bob"],
  ["{now()}", { now: () => 7 }, "7"],
  ["{map[key]}", { map: new Map([["key", "value"]]) }, "value"],
  ["{text!r} {text!s}", { text: "it" }, "'it' it"],
  ["{n:5}|{n:<5}|{n:^5}|{n:05}", { n: 42 }, "   42|42   | 42  |00042"],
  ["{n:05}|{n:d}|{n:x}", { n: -42 }, "-0042|-42|-2a"],
  ["{pi:.2f}|{pi:8.3f}|{pi:f}|{pi:.3}", { pi: 3.14159265 }, "3.14|   3.142|3.141593|3.14"],
  ["{s:5}|{s:>5}|{s:*^5}|{s:.1}|{s:s}", { s: "ab" }, "ab   |   ab|*ab**|a|ab"],
  ["{big:d}", { big: 2n ** 70n }, "1180591620717411303424"],
  ["{nothing} {missing}", { nothing: null, missing: undefined }, "null undefined"],
  [
    "{list} {object} {bytes}",
    { list: [1], object: { a: 1 }, bytes: Buffer.from("hi") },
    "[ 1 ] { a: 1 } <Buffer 68 69>",
  ],
  ["{error}", { error: new ValueError("it") }, "ValueError: it"],
  ["{list.length}", { list: [1, 2] }, "2"],
];
for (const [format, fields, text] of formats) {
  test(`${JSON.stringify(format)} becomes ${JSON.stringify(text)}`, () => expect(formatted(format, fields)).toBe(text));
}

// PIN: what cannot be formatted still gives text.
const broken: readonly [format: string, fields: object][] = [
  ["{missing}", {}],
  ["{constructor}", {}],
  ["{a.b}", { a: 1 }],
  ["{a[0]}", { a: [] }],
  ["{a.b.c}", { a: { b: null } }],
  ["{a()}", { a: 1 }],
  ["{a()}", { a: () => { throw new Error("it"); } }], // prettier-ignore
  ["{a", { a: 1 }],
  ["a}", { a: 1 }],
  ["{}", {}],
  ["{a!x}", { a: 1 }],
  ["{a:d}", { a: "text" }],
  ["{a:d}", { a: 1.5 }],
  ["{a:nonsense}", { a: 1 }],
  ["{a}", { a: { toString() { throw new Error("it"); } } }], // prettier-ignore
];
for (const [format, fields] of broken) {
  test(`${JSON.stringify(format)} of ${Object.keys(fields).join() || "nothing"} is described, not thrown`, () => {
    expect(formatted(format, fields)).toMatch(/^this event cannot be formatted/);
  });
}

test("an event that cannot even be shown still gives text", () => {
  const hostile = new Proxy({}, { get: () => raise(), ownKeys: () => raise() });
  const event = { log_format: { toString: raise }, hostile } as unknown as LogEvent;
  expect(formatEvent(event)).toMatch(/format/);
});

test("an event without a format has no text", () => {
  expect(formatEvent({})).toBe("");
  expect(formatEvent({ log_format: null })).toBe("");
});

test("extractField gives the value behind a field", () => {
  const event: LogEvent = { peer };
  expect(extractField("peer.ports[0]", event)).toBe(22);
  expect(extractField("peer.greet()", event)).toBe("hello bob");
  expect(() => extractField("missing", event)).toThrow(KeyError);
  expect(() => extractField("__proto__", event)).toThrow(KeyError);
});

describe("L1: what a peer wrote is made harmless", () => {
  const hostile = "a\nb\r\x00\x1b[31m\x7f\x9b\u2028\u202e\ud800z\tq";
  const harmless = String.raw`a\nb\r\x00\x1b[31m\x7f\x9b\u2028\u202e\ud800z\tq`;

  test("in a field", () => {
    expect(formatted("{text}", { text: hostile })).toBe(harmless);
    expect(formatted("{error}", { error: new Error(hostile) })).toBe(`Error: ${harmless}`);
  });

  test("in what was formatted before it came here, but for newlines", () => {
    expect(formatted("x\x1by\nz")).toBe("x\\x1by\nz");
  });

  test("in log_system and the text of a failure", () => {
    const event = { log_format: "x", log_system: "a\nb", log_failure: new Failure(new Error("evil \x1b[2J")) };
    const text = eventAsText(event, { includeTimestamp: false });
    expect(text.split("\n")[0]).toBe("[a\\nb] x");
    expect(text).not.toContain("\x1b");
  });

  test("and is cut", () => {
    expect(formatted("{text}", { text: "x".repeat(5000) })).toMatch(/^x{1024}\.\.\. \(3976 more\)$/);
    expect(escapeText("abcdef", 3)).toBe("abc... (3 more)");
  });

  test("a record of a log file cannot be forged", () => {
    const record = formatEventAsClassicLogText({ log_format: `user said\n1970 [system] forged` });
    expect(record).toBe("- [-#-] user said\n\t1970 [system] forged\n");
  });
});

describe("eventAsText", () => {
  const event: LogEvent = { log_format: "hello", log_time: 0, log_namespace: "here", log_level: LogLevel.info };
  const time = (): string => "NOW";

  test("has time, system and message", () => {
    expect(eventAsText(event, { formatTime: time })).toBe("NOW [here#info] hello");
    expect(eventAsText(event, { includeTimestamp: false, includeSystem: false })).toBe("hello");
    expect(eventAsText({ log_format: "x", log_system: "sys" })).toBe("- [sys] x");
    expect(eventAsText({ log_format: "x" })).toBe("- [-#-] x");
  });

  test("has the traceback of a failure on the next lines, also without a message", () => {
    const log_failure = new Failure(new ValueError("it"));
    expect(eventAsText({ ...event, log_failure })).toMatch(/hello\nTraceback: ValueError: it\n/);
    expect(eventAsText({ ...event, log_failure }, { includeTraceback: false })).not.toContain("Traceback");
    expect(eventAsText({ log_failure }, { includeTimestamp: false, includeSystem: false })).toMatch(/^Traceback/);
  });

  test("is empty when there is nothing to say", () => {
    expect(eventAsText({ log_time: 0 })).toBe("");
  });
});

describe("classic log text", () => {
  test("is one record: further lines begin with a tab", () => {
    const event: LogEvent = { log_format: "one\ntwo", log_time: 0 };
    expect(formatEventAsClassicLogText(event, { formatTime: () => "T" })).toBe("T [-#-] one\n\ttwo\n");
  });

  test("is null when there is nothing to say", () => {
    expect(formatEventAsClassicLogText({})).toBeNull();
  });

  test("is what a text file observer writes, and flushes", () => {
    const written: string[] = [];
    const file = { write: (text: string) => written.push(text), flush: () => written.push("flush") };
    const observer = textFileLogObserver(file, { timeFormat: null });
    observer({ log_format: "hi", log_time: 0 });
    observer({});
    expect(written).toEqual(["- [-#-] hi\n", "flush"]);
  });
});

describe("formatTime", () => {
  // Local time: the offset is part of the text, so that any zone gives the same instant.
  test("is RFC 3339 with the offset as +hhmm", () => {
    const text = formatTime(1_000_000_000);
    expect(text).toMatch(/^2001-09-0\dT\d\d:\d\d:40[+-]\d{4}$/);
    expect(Date.parse(text.replace(/(\d\d)$/, ":$1"))).toBe(1_000_000_000_000);
  });

  test("takes another format, and has a text for no time", () => {
    expect(formatTime(1_000_000_000.25, { timeFormat: "%S.%f %%" })).toBe("40.250000 %");
    expect(formatTime(null)).toBe("-");
    expect(formatTime(undefined, { default: "never" })).toBe("never");
    expect(formatTime(1, { timeFormat: null, default: "?" })).toBe("?");
    expect(formatTime(NaN)).toBe("-");
  });
});

function raise(): never {
  throw new Error("it");
}
