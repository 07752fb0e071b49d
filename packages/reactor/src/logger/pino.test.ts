/** Events reach pino with their level, namespace, fields and failure. */
import { pino } from "pino";
import { expect, test } from "vitest";
import { Failure } from "../failure.js";
import { Logger, LogLevel, LogPublisher } from "../logger.js";
import { pinoLogObserver } from "./pino.js";

function logging(): { log: Logger; records: () => Record<string, unknown>[] } {
  const lines: string[] = [];
  const logger = pino({ level: "trace" }, { write: (line) => void lines.push(line) });
  const log = new Logger({ namespace: "app.door", observer: new LogPublisher(pinoLogObserver(logger)) });
  return { log, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test("levels are pino's: critical is fatal", () => {
  const { log, records } = logging();
  for (const level of LogLevel.iterconstants()) log.emit(level, "at {name}", { name: level.name });
  expect(records().map(({ level, msg }) => [level, msg])).toEqual([
    [20, "at debug"],
    [30, "at info"],
    [40, "at warn"],
    [50, "at error"],
    [60, "at critical"],
  ]);
});

test("fields that are text, numbers or booleans come along, others do not", () => {
  const { log, records } = logging();
  log.info("{user} is {age}", { user: "ann", age: 7, ok: true, socket: { secret: 1 }, call: () => 1 });
  expect(records()[0]).toMatchObject({ msg: "ann is 7", namespace: "app.door", user: "ann", age: 7, ok: true });
  expect(Object.keys(records()[0]!)).not.toContain("socket");
});

test("a failure is pino's err", () => {
  const { log, records } = logging();
  log.failure("it broke", new Failure(new RangeError("too far")));
  const { err } = records()[0] as { err: { type: string; message: string; stack: string } };
  expect([err.type, err.message]).toEqual(["RangeError", "too far"]);
  expect(err.stack).toMatch(/pino\.test\.ts/);
});

test("L1: what a peer sent is escaped, in the message and in the fields", () => {
  const { log, records } = logging();
  log.info("{peer} says {text}", { peer: "p", text: "a\n\x1b[2J\u202e" });
  const { msg, text } = records()[0]!;
  expect([msg, text]).toEqual(["p says a\\n\\x1b[2J\\u202e", "a\\n\\x1b[2J\\u202e"]);
});

test("R12: a field with the name of a prototype is a field", () => {
  const { log, records } = logging();
  log.info("x", JSON.parse('{"__proto__": "own"}') as Record<string, unknown>);
  expect(Object.hasOwn(records()[0]!, "__proto__")).toBe(true);
});
