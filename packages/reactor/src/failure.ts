/** Failure: an error on its way through callbacks (twisted.python.failure). */
import { inspect } from "node:util";
import { ValueError } from "./exceptions.js";

/** A class whose instances a Failure can be checked for; abstract ones too. */
export type ErrorClass<E = unknown> = abstract new (...args: never[]) => E;

/** A line of a stack: null where the engine does not say. */
export interface Frame {
  readonly function: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
}

/** How much a traceback tells: one line a frame, the engine's own stack, or also properties and causes. */
export type TracebackDetail = "brief" | "default" | "verbose";

/** What a Failure prints itself to. */
export interface TextSink {
  write(text: string): void;
}

let serial = 0;

/** `new Failure()`: JavaScript has no exception in flight that it could take. */
export class NoCurrentExceptionError extends Error {
  override readonly name = "NoCurrentExceptionError";
  readonly code = "ERR_NO_CURRENT_EXCEPTION";
}

/** An error, or any other value that was thrown, with what is known about where it came from. */
export class Failure {
  readonly value: unknown;
  /** Serial number, from 1. */
  readonly count = ++serial;
  #frames: readonly Frame[] | null = null;

  /** Wraps `excValue`; another Failure is copied. Without an argument @throws NoCurrentExceptionError. */
  constructor(...args: [excValue?: unknown]) {
    if (args.length === 0) throw new NoCurrentExceptionError("there is no current exception to wrap");
    const [value] = args;
    this.value = value instanceof Failure ? value.value : value;
  }

  /** The class of `value`, or null when it has none (null, undefined, an object without prototype). */
  get type(): ErrorClass | null {
    const type: unknown = (this.value as { constructor?: unknown } | null | undefined)?.constructor;
    return typeof type === "function" ? (type as unknown as ErrorClass) : null;
  }

  /** The names of the class of `value` and of all it extends, nearest first. */
  get parents(): readonly string[] {
    const names: string[] = [];
    for (let proto = prototypeOf(this.value); proto !== null; proto = prototypeOf(proto, true)) {
      if (Object.hasOwn(proto, "constructor")) names.push((proto.constructor as { name: string }).name);
    }
    return names;
  }

  /** The text of the stack, or null for a value without one. */
  get tb(): string | null {
    const stack = (this.value as { stack?: unknown } | null | undefined)?.stack;
    return typeof stack === "string" ? stack : null;
  }

  /** The stack, innermost call first; empty for a value without one. */
  get frames(): readonly Frame[] {
    return (this.#frames ??= parseFrames(this.tb ?? ""));
  }

  /** The first of `types` that `value` is: a class, or the name of its class or of one above it; else null. */
  check<T extends ErrorClass | string>(...types: readonly T[]): T | null {
    for (const type of types) {
      if (typeof type === "string" ? this.parents.includes(type) : isInstance(this.value, type)) return type;
    }
    return null;
  }

  /** Like `check`, but @throws the value itself when it is none of `types`. */
  trap<T extends ErrorClass | string>(...types: readonly T[]): T {
    const type = this.check(...types);
    if (type === null) this.raiseException();
    return type;
  }

  /** @throws the value, with its own stack. */
  raiseException(): never {
    throw this.value;
  }

  /** Throws the value at the place where the generator waits. */
  throwExceptionIntoGenerator<Y, R, N>(generator: Generator<Y, R, N>): IteratorResult<Y, R> {
    return generator.throw(this.value);
  }

  /** The error's own text. Never throws. */
  getErrorMessage(): string {
    try {
      return this.value instanceof Error ? this.value.message : String(this.value);
    } catch {
      return `<${this.#typeName()} without readable text>`;
    }
  }

  /** The name of the error, its text and its stack. Never throws, but @throws ValueError for an unknown detail. */
  getTraceback({ detail = "default" }: { detail?: TracebackDetail } = {}): string {
    const title = `${this.#typeName()}: ${this.getErrorMessage()}`;
    switch (detail) {
      case "brief":
        return [`Traceback: ${title}`, ...this.frames.map(briefly), ""].join("\n");
      case "default":
        return [`Traceback: ${title}`, ...this.#stackLines(), ...this.#causes(), ""].join("\n");
      case "verbose":
        return `Traceback: ${title}\n${safely(() => inspect(this.value, { depth: 4 }))}\n`;
      default:
        throw new ValueError(`detail is brief, default or verbose, not ${JSON.stringify(detail)}`);
    }
  }

  getBriefTraceback(): string {
    return this.getTraceback({ detail: "brief" });
  }

  /** Writes a traceback to `file`, by default to stderr. */
  printTraceback(file: TextSink = process.stderr, { detail = "default" }: { detail?: TracebackDetail } = {}): void {
    return file.write(this.getTraceback({ detail }));
  }

  printBriefTraceback(file: TextSink = process.stderr): void {
    return this.printTraceback(file, { detail: "brief" });
  }

  printDetailedTraceback(file: TextSink = process.stderr): void {
    return this.printTraceback(file, { detail: "verbose" });
  }

  /** Turns the stack into text now, so that the engine lets go of the functions and objects on it. */
  cleanFailure(): void {
    this.#frames = parseFrames(this.tb ?? "");
  }

  /** The frames, or null for a value without a stack. */
  getTracebackObject(): readonly Frame[] | null {
    return this.tb === null ? null : this.frames;
  }

  toString(): string {
    return `[Failure ${this.#typeName()}: ${this.getErrorMessage()}]`;
  }

  [inspect.custom](): string {
    return this.toString();
  }

  #typeName(): string {
    return safely(() => (this.value instanceof Error ? this.value.name : (this.type?.name ?? String(this.value))));
  }

  // The engine repeats name and message above the frames, over as many lines as the message has.
  #stackLines(): string[] {
    const lines = (this.tb ?? "").split("\n");
    return lines.slice(lines.findIndex((line) => FRAME.test(line))).filter((line) => FRAME.test(line));
  }

  #causes(): string[] {
    const cause = this.value instanceof Error ? this.value.cause : undefined;
    return cause === undefined ? [] : ["caused by:", safely(() => inspect(cause, { depth: 2 }))];
  }
}

const FRAME = /^\s+at /;
const LOCATION = /^\s+at (?:(.*) \()?(.*?)(?::(\d+):(\d+))?\)?$/;

function parseFrames(stack: string): Frame[] {
  const frames: Frame[] = [];
  for (const line of stack.split("\n")) {
    const match = FRAME.test(line) ? LOCATION.exec(line) : null;
    if (match === null) continue;
    const [, name, file, row, column] = match;
    frames.push({
      function: name ?? "<anonymous>",
      file: file === "" ? null : (file ?? null),
      line: row === undefined ? null : Number(row),
      column: column === undefined ? null : Number(column),
    });
  }
  return frames;
}

function briefly(frame: Frame): string {
  return `${frame.file ?? "<unknown>"}:${frame.line ?? "?"}:${frame.function}`;
}

function isInstance(value: unknown, type: ErrorClass): boolean {
  return Object(value) instanceof type;
}

function prototypeOf(value: unknown, ofPrototype = false): object | null {
  if (value === null || value === undefined) return null;
  return Object.getPrototypeOf(ofPrototype ? value : Object(value)) as object | null;
}

function safely(text: () => string): string {
  try {
    return text();
  } catch {
    return "<unreadable>";
  }
}
