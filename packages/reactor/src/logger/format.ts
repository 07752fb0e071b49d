/** Formats of log events: "{name}", "{name.attr[key]!r:>8}", "{name.method()}" (twisted.logger). */
import { inspect } from "node:util";
import { KeyError, ValueError } from "../exceptions.js";
import { escapeLines, escapeText } from "./escape.js";
import type { LogEvent } from "./event.js";

/** A field of a format: where its value is, and how it is written. */
export interface FormatField {
  readonly path: string;
  readonly conversion: "r" | "s" | null;
  readonly spec: string;
}

/** The message of an event, "" if it has no format. Never throws: what cannot be formatted is described instead. */
export function formatEvent(event: LogEvent): string {
  try {
    const { log_format: format, log_flattened: flattened } = event;
    if (format === null || format === undefined) return "";
    const keys = new FlatKeys();
    return escapeLines(
      parseFormat(format)
        .map((part) => {
          if (typeof part === "string") return part;
          if (flattened === undefined) return escapeText(formatField(part, lookup(part.path, event)));
          return escapeText(flattenedText(part, flattened, keys.next(part)));
        })
        .join(""),
    );
  } catch (error) {
    return unformattable(event, error);
  }
}

/** The value that a format's `{field}` stands for. @throws KeyError if there is none. */
export function extractField(field: string, event: LogEvent): unknown {
  const [part] = parseFormat(`{${field}}`);
  if (typeof part !== "object") throw new KeyError(`not a field: ${JSON.stringify(field)}`);
  const flattened = event.log_flattened;
  const key = new FlatKeys().next(part);
  return flattened !== undefined && Object.hasOwn(flattened, key) ? flattened[key] : lookup(part.path, event);
}

/**
 * What the fields of an event's format are now, by their flat key: enough to format it again, elsewhere and later. Numbers
 * and booleans are kept as such, everything else as the text that it makes.
 */
export function flattenEvent(event: LogEvent): Record<string, unknown> {
  const flattened: [string, unknown][] = [];
  const keys = new FlatKeys();
  for (const part of parseFormat(event.log_format ?? "")) {
    if (typeof part === "string") continue;
    const value = lookup(part.path, event);
    const raw = part.conversion === null && (typeof value === "number" || typeof value === "boolean");
    flattened.push([keys.next(part), raw ? value : formatField(part, value)]);
  }
  return Object.fromEntries(flattened);
}

/** A key for each field of one format, in order: `path!conversion:spec`, and `/2` and so on for repetitions. */
class FlatKeys {
  readonly #seen = new Map<string, number>();

  next({ path, conversion, spec }: FormatField): string {
    const key = `${path}!${conversion ?? "s"}:${spec}`;
    const count = (this.#seen.get(key) ?? 0) + 1;
    this.#seen.set(key, count);
    return count === 1 ? key : `${key}/${count}`;
  }
}

const FIELD = /^([^!:{}]+)(?:!([rs]))?(?::([^{}]*))?$/;

/** The texts and fields of a format in order. @throws ValueError if a brace does not match or a field is wrong. */
function parseFormat(format: string): (string | FormatField)[] {
  const parts: (string | FormatField)[] = [];
  for (const [token] of format.matchAll(/\{\{|\}\}|\{[^{}]*\}|[^{}]+|[{}]/g)) {
    if (token === "{{" || token === "}}") parts.push(token.charAt(0));
    else if (token === "{" || token === "}") throw new ValueError("a single brace in the format");
    else if (token.startsWith("{")) parts.push(parseField(token.slice(1, -1)));
    else parts.push(token);
  }
  return parts;
}

function parseField(text: string): FormatField {
  const match = FIELD.exec(text);
  if (match === null) throw new ValueError(`not a field: ${JSON.stringify(text)}`);
  const [, path, conversion, spec] = match;
  return { path: path!, conversion: (conversion as "r" | "s" | undefined) ?? null, spec: spec ?? "" };
}

/** Follows `name`, `.attr`, `[key]` and `()`; a field of the whole name comes first. @throws KeyError where it leads nowhere. */
function lookup(path: string, event: LogEvent): unknown {
  if (Object.hasOwn(event, path)) return event[path];
  const name = /^[^.[(]+/.exec(path)?.[0] ?? "";
  if (!Object.hasOwn(event, name)) throw new KeyError(`the event has no field ${JSON.stringify(name)}`);
  let owner: unknown = event;
  let value = event[name];
  const steps = /\.([^.[(]+)|\[([^\]]*)\]|(\(\))/y;
  steps.lastIndex = name.length;
  while (steps.lastIndex < path.length) {
    const match = steps.exec(path);
    if (match === null) throw new KeyError(`not a field: ${JSON.stringify(path)}`);
    const [, attribute, key, call] = match;
    if (call !== undefined) {
      if (typeof value !== "function") throw new TypeError(`${path} is not a function`);
      [owner, value] = [undefined, (value as (this: unknown) => unknown).call(owner)];
    } else [owner, value] = [value, attribute === undefined ? item(value, key!) : member(value, attribute)];
  }
  return value;
}

function member(value: unknown, name: string): unknown {
  const object = value === null || value === undefined ? {} : (Object(value) as Record<string, unknown>);
  if (!(name in object)) throw new KeyError(`there is no attribute ${JSON.stringify(name)}`);
  return object[name];
}

function item(value: unknown, key: string): unknown {
  if (value instanceof Map) {
    if (value.has(key)) return (value as Map<unknown, unknown>).get(key);
  } else if (value !== null && value !== undefined && Object.hasOwn(Object(value) as object, key)) {
    return (value as Record<string, unknown>)[key];
  }
  throw new KeyError(`there is no item ${JSON.stringify(key)}`);
}

function flattenedText(part: FormatField, flattened: Readonly<Record<string, unknown>>, key: string): string {
  if (!Object.hasOwn(flattened, key)) throw new KeyError(`the event was stored without ${JSON.stringify(key)}`);
  const value = flattened[key];
  return typeof value === "string" ? value : formatField(part, value);
}

const SPEC = /^(?:(.)?([<>^]))?(0)?(\d+)?(?:\.(\d+))?([dfxs])?$/u;

/** A value under its conversion and Python's format specification: fill, alignment, zero padding, width, precision, type. */
function formatField(field: FormatField, value: unknown): string {
  const match = SPEC.exec(field.spec);
  if (match === null) throw new ValueError(`not a format specification: ${JSON.stringify(field.spec)}`);
  const [, fill, alignment, zero, width, precision, type] = match;
  const numeric = field.conversion === null && (typeof value === "number" || typeof value === "bigint");
  const text = numeric
    ? numberText(value, type, precision === undefined ? null : Number(precision))
    : stringText(field, value, type).slice(0, precision === undefined ? undefined : Number(precision));
  const missing = Math.max(0, Number(width ?? 0) - text.length);
  if (missing === 0) return text;
  if (zero !== undefined && alignment === undefined && numeric) {
    const sign = text.startsWith("-") ? "-" : "";
    return sign + "0".repeat(missing) + text.slice(sign.length);
  }
  const padding = fill ?? (zero === undefined ? " " : "0");
  const before = { "<": 0, ">": missing, "^": missing >> 1 }[(alignment ?? (numeric ? ">" : "<")) as "<" | ">" | "^"];
  return padding.repeat(before) + text + padding.repeat(missing - before);
}

function numberText(value: number | bigint, type: string | undefined, precision: number | null): string {
  switch (type) {
    case "d":
    case "x":
      if (precision !== null || (typeof value === "number" && !Number.isInteger(value))) {
        throw new ValueError(`format ${type} takes an integer and no precision`);
      }
      return value.toString(type === "x" ? 16 : 10);
    case "f":
      return Number(value).toFixed(precision ?? 6);
    case "s":
      throw new ValueError("format s takes a string");
    default:
      return precision === null ? String(value) : String(Number(Number(value).toPrecision(precision)));
  }
}

function stringText(field: FormatField, value: unknown, type: string | undefined): string {
  if (type !== undefined && type !== "s") throw new ValueError(`format ${type} takes a number`);
  return converted(field, value);
}

/** Text as Python's str and repr have it: bytes and plain objects in full, others in their own words. */
function converted({ conversion }: FormatField, value: unknown): string {
  if (conversion === "r") return inspected(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  const own = (value as { toString?: unknown }).toString;
  const plain =
    own === Object.prototype.toString || own === undefined || Array.isArray(value) || ArrayBuffer.isView(value);
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- it has a toString of its own
  return plain ? inspected(value) : String(value);
}

function inspected(value: unknown): string {
  return inspect(value, { depth: 2, breakLength: Infinity });
}

function unformattable(event: LogEvent, error: unknown): string {
  try {
    return escapeText(
      `this event cannot be formatted (${String(error)}): ${inspect(event, { depth: 0, breakLength: Infinity })}`,
    );
  } catch {
    return "an event was lost: neither it nor the reason can be formatted";
  }
}
