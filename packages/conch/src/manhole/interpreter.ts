/** JavaScript by lines, for a terminal. */
import { Console } from "node:console";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Writable } from "node:stream";
import { inspect, types } from "node:util";
import { type Context, createContext, type Script } from "node:vm";
import { Deferred } from "@strombus/reactor/defer";
import { Failure } from "@strombus/reactor/failure";
import { Logger } from "@strombus/reactor/logger";
import { compile, isIncomplete } from "./completeness.js";

const log = new Logger({ namespace: "strombus.conch.manhole" });

/** Who shows what the interpreter says. */
export interface OutputHandler {
  /** `isAsync`: nobody has just asked for it, so that a line may be half typed. */
  addOutput(data: string, isAsync?: boolean): void;
}

/** What code finds by name. */
export type Namespace = Readonly<Record<string, unknown>>;

/** A file, to those who print, whose lines go to the terminal. */
export class FileWrapper {
  readonly #output: OutputHandler;

  constructor(output: OutputHandler) {
    this.#output = output;
  }

  flush(): void {}

  write(data: string): void {
    this.#output.addOutput(data.replaceAll("\r\n", "\n"));
  }

  writelines(lines: Iterable<string>): void {
    this.write([...lines].join(""));
  }
}

/** Statements of more characters than this are given up: each line of one parses all of it. */
const MAX_STATEMENT = 65_536;

/**
 * Runs lines of JavaScript in a context of its own, with the globals of Node and those of `locals`; `console` prints to the
 * handler, and `_` is the last value. It is no sandbox: code that runs here can do all that the process can.
 */
export class ManholeInterpreter {
  /** Lines of a statement that is not at its end. */
  buffer: string[] = [];
  /** So many Deferreds and promises have been shown. */
  numDeferreds = 0;
  readonly context: Context;
  readonly filename: string;
  /** Values are shown in colours. */
  colors = false;
  /** Milliseconds for which one statement may hold up the process; null is for ever. */
  timeout: number | null = 10_000;
  readonly #handler: OutputHandler;
  readonly #pending = new WeakMap<object, number>();
  #isRunning = false;

  constructor(handler: OutputHandler, locals: Namespace | null = null, filename = "<console>") {
    this.#handler = handler;
    this.filename = filename;
    this.context = createContext();
    this.#fillContext(locals ?? {});
  }

  resetBuffer(): void {
    this.buffer = [];
  }

  /** Takes a line without its end. @returns true when it is not the statement's last. */
  push(line: string): boolean {
    this.buffer.push(line);
    this.#isRunning = true;
    try {
      const more = this.runsource(this.buffer.join("\n"));
      if (!more) this.resetBuffer();
      return more;
    } finally {
      this.#isRunning = false;
    }
  }

  /** Runs what is complete, and shows what is wrong. @returns true when more is needed. */
  runsource(source: string): boolean {
    if (source.length > MAX_STATEMENT) {
      this.write(`a statement of more than ${MAX_STATEMENT} characters\n`);
      return false;
    }
    const isObject = /^\s*\{/.test(source) && !/;\s*$/.test(source);
    let code: Script;
    try {
      code = (isObject ? attempt(`(${source}\n)`, this.filename) : null) ?? compile(source, this.filename);
    } catch (error) {
      if (isIncomplete(source) || (isObject && isIncomplete(`(${source}`))) return true;
      this.excepthook(error);
      return false;
    }
    this.runcode(code);
    return false;
  }

  /** Nothing that the code throws leaves it. */
  runcode(code: Script): void {
    try {
      const limit = this.timeout === null ? {} : { timeout: this.timeout };
      this.displayhook(code.runInContext(this.context, { displayErrors: false, ...limit }));
    } catch (error) {
      this.excepthook(error);
    }
  }

  /** Shows a value, of a Deferred or a promise later also what becomes of it. */
  displayhook(value: unknown): void {
    Reflect.set(this.context, "_", value);
    if (value === undefined) return;
    const isWaiting = types.isPromise(value) || (value instanceof Deferred && !value.called);
    this.write(`${isWaiting ? this.#watch(value) : this.#repr(value)}\n`);
  }

  /** Shows an error, without what is ours in its stack. */
  excepthook(error: unknown): void {
    this.write(`Uncaught ${uncaught(error)}\n`);
  }

  write(data: string, isAsync = !this.#isRunning): void {
    this.#handler.addOutput(data, isAsync);
  }

  #fillContext(locals: Namespace): void {
    const { context } = this;
    const own = compile("globalThis", this.filename).runInContext(context) as object;
    const builtIn = new Set(Object.getOwnPropertyNames(own));
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(globalThis))) {
      if (!builtIn.has(name)) Object.defineProperty(context, name, descriptor);
    }
    const stdout = new Writable({
      decodeStrings: false,
      write: (data: string | Buffer, _encoding, done) => {
        this.write(data.toString());
        done();
      },
    });
    const define = (name: string, value: unknown) =>
      Object.defineProperty(context, name, { value, writable: true, configurable: true, enumerable: true });
    define("console", new Console({ stdout, colorMode: false }));
    define("require", createRequire(join(process.cwd(), "<console>")));
    for (const [name, value] of Object.entries(locals)) define(name, value);
  }

  #repr(value: unknown): string {
    return inspect(value, { colors: this.colors, showProxy: true });
  }

  #watch(value: object): string {
    const known = this.#pending.get(value);
    if (known !== undefined) return `<Deferred #${known}>`;
    const number = this.numDeferreds++;
    this.#pending.set(value, number);
    const tell = (text: () => string) => {
      this.#pending.delete(value);
      try {
        this.write(text(), true);
      } catch (error) {
        log.failure("the end of a Deferred could not be shown", new Failure(error));
      }
    };
    const done = (result: unknown) => tell(() => `Deferred #${number} called back: ${this.#repr(result)}\n`);
    const failed = (error: unknown) => tell(() => `Deferred #${number} failed: ${this.#repr(messageOf(error))}\n`);
    if (value instanceof Deferred) {
      value.addCallbacks(
        (result: unknown) => (done(result), result),
        (failure: Failure) => (failed(failure), failure),
      );
    } else {
      void (value as Promise<unknown>).then(done, failed);
    }
    return `<Deferred #${number}>`;
  }
}

function attempt(source: string, filename: string): Script | null {
  try {
    return compile(source, filename);
  } catch {
    return null;
  }
}

/** An error of the context is no instance of our Error. */
function messageOf(error: unknown): string {
  return types.isNativeError(error) ? error.message : new Failure(error).getErrorMessage();
}

function uncaught(error: unknown): string {
  try {
    const lines = inspect(error, { showProxy: true }).split("\n");
    // From where the code was run on, the stack is ours; the first frame that says so may be the code's own last one.
    let isOurs = false;
    const kept = lines.filter((line) => {
      const isFrame = /^\s+at /.test(line);
      if (!isFrame) isOurs = false;
      else if (/\(node:vm:|^\s+at <console>:\d+:\d+$/.test(line)) isOurs = true;
      return !(isFrame && isOurs);
    });
    const text = kept.join("\n");
    return types.isNativeError(error) && error instanceof SyntaxError ? `${error.name}: ${error.message}` : text;
  } catch {
    return "what cannot be shown";
  }
}
