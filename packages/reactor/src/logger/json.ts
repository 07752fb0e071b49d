/** Log events as JSON, one line each, and back (twisted.logger). */
import { ValueError } from "../exceptions.js";
import { Failure } from "../failure.js";
import { escapeJSON } from "./escape.js";
import type { LogEvent } from "./event.js";
import { flattenEvent } from "./format.js";
import { LogLevel, LogLevelConstant } from "./levels.js";

/** Marks an object as one of ours in JSON. */
const CLASS_KEY = "__class_uuid__";
const LEVEL_UUID = "5e5d8a51-6f0a-4a30-9d8a-8f4b1a0f3c61";
const FAILURE_UUID = "c0b6f2d4-3f0e-4a57-9a3c-2b7f7e6d1a95";
const MAX_PARENTS = 32;

type JSONValue = string | number | boolean | null | JSONValue[] | { [key: string]: JSONValue };

/** One line: the event with the fields of its format as they are now, so that its message can be made again. */
export function eventAsJSON(event: LogEvent): string {
  const flattened = event.log_flattened ?? flattenSafely(event);
  const stored = flattened === null ? event : { ...event, log_flattened: flattened };
  return escapeJSON(JSON.stringify(toJSON(stored, [])));
}

/** The event again: levels and failures are objects, everything else is as JSON has it. @throws SyntaxError, ValueError */
export function eventFromJSON(text: string): LogEvent {
  const event: unknown = JSON.parse(text, (_, value: unknown) => revive(value));
  if (typeof event !== "object" || event === null || Array.isArray(event)) throw new ValueError("not a log event");
  return event as LogEvent;
}

function flattenSafely(event: LogEvent): Record<string, unknown> | null {
  try {
    return flattenEvent(event);
  } catch {
    return null; // the format is wrong, and will be so again
  }
}

/** `above` are the objects that `value` is part of. */
function toJSON(value: unknown, above: readonly object[]): JSONValue {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return value.toString();
    case "object":
      return value === null ? null : objectToJSON(value, above);
    default:
      return value === undefined ? null : { unpersistable: true };
  }
}

function objectToJSON(value: object, above: readonly object[]): JSONValue {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1");
  if (value instanceof LogLevelConstant) return { [CLASS_KEY]: LEVEL_UUID, name: value.name };
  if (value instanceof Failure) return failureToJSON(value);
  if (above.includes(value)) return { unpersistable: true };
  const within = [...above, value];
  if (Array.isArray(value)) return value.map((item) => toJSON(item, within));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return { unpersistable: true };
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJSON(item, within)]));
}

function failureToJSON(failure: Failure): JSONValue {
  return {
    [CLASS_KEY]: FAILURE_UUID,
    parents: [...failure.parents],
    message: failure.getErrorMessage(),
    stack: failure.tb,
  };
}

function revive(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, CLASS_KEY)) return value;
  const stored = value as Record<string, unknown>;
  switch (stored[CLASS_KEY]) {
    case LEVEL_UUID:
      return LogLevel.levelWithName(String(stored["name"]));
    case FAILURE_UUID:
      return reviveFailure(stored);
    default:
      return value;
  }
}

/** A Failure of an Error whose classes have the names they had: it can be checked for by name, and shown. */
function reviveFailure({ parents, message, stack }: Record<string, unknown>): Failure {
  const names = Array.isArray(parents) ? parents.slice(0, MAX_PARENTS).map(String) : [];
  let type: new (message?: string) => Error = Error;
  for (const name of names.filter((each) => each !== "Error" && each !== "Object").reverse()) {
    type = class extends type {
      static {
        Object.defineProperty(this, "name", { value: name });
      }
      override readonly name = name;
    };
  }
  const error = new type(String(message));
  error.stack = typeof stack === "string" ? stack : `${error.name}: ${error.message}`;
  return new Failure(error);
}
