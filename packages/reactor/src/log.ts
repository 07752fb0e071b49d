/**
 * The older way to log (twisted.python.log), for programs that know it: what it logs goes where `logger`'s events go, and its
 * observers see those, too.
 */
import { Failure } from "./failure.js";
import {
  type FileLogObserver,
  formatEvent,
  globalLogBeginner,
  globalLogPublisher,
  type LogEvent,
  type LogFile,
  type LogObserver,
  Logger,
  LogLevel,
  textFileLogObserver,
} from "./logger.js";
import { systemOf } from "./logger/text.js";

const logger = new Logger({ namespace: "log_legacy" });
const CLASSIC_TIME = "%Y-%m-%d %H:%M:%S%z";

/** An event as observers of `addObserver` get it. */
export interface LegacyEvent extends LogEvent {
  /** Text; empty for a failure. */
  readonly message: readonly string[];
  readonly isError: boolean;
  /** What failed, and what was said of it. */
  readonly failure?: Failure;
  readonly why?: string;
  /** Seconds since 1970. */
  readonly time: number;
  readonly system: string;
}

export type LegacyObserver = (event: LegacyEvent) => void;

export interface StartLoggingOptions {
  /** Make what is printed by `console` log, too. Default true. */
  readonly setStdout?: boolean;
}

/** Logs values of any kind at info, with spaces between; bytes are text. What a peer sent is escaped where it is shown. */
export function msg(...values: unknown[]): void {
  const format = values.map((_, at) => `{message[${at}]}`).join(" ");
  const message = values.map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString() : value));
  logger.emit(LogLevel.info, format, { message, log_system: "-" });
}

/** Logs an error of any kind, or a Failure, at critical; it can be given to `addErrback`. */
export function err(error: unknown, why: string | null = null): void {
  const failure = error instanceof Failure ? error : new Failure(error);
  logger.failure("{why}", failure, { why: why ?? "Unhandled Error", log_system: "-" });
}

/** Logs to a file, or a stream such as `process.stdout`, from now on, beginning with the last 200 events until now. */
export function startLogging(file: LogFile, options: StartLoggingOptions = {}): FileLogObserver {
  const observer = textFileLogObserver(file, { timeFormat: CLASSIC_TIME });
  begin(observer, options);
  return observer;
}

/** The same, for an observer. */
export function startLoggingWithObserver(observer: LegacyObserver, options: StartLoggingOptions = {}): void {
  begin(adapted(observer), options);
}

function begin(observer: LogObserver, { setStdout = true }: StartLoggingOptions): void {
  globalLogBeginner.beginLoggingTo([observer], { redirectStandardIO: setStdout });
  msg("Log opened.");
}

/** Tells `observer` of whatever is logged from now on, by whichever way. */
export function addObserver(observer: LegacyObserver): void {
  globalLogPublisher.addObserver(adapted(observer));
}

/** One that was not added is no error. */
export function removeObserver(observer: LegacyObserver): void {
  const known = observers.get(observer);
  if (known !== undefined) globalLogPublisher.removeObserver(known);
}

/** What stands for each in the list of observers. */
const observers = new WeakMap<LegacyObserver, LogObserver>();

/** @throws TypeError for what cannot be called. */
function adapted(observer: LegacyObserver): LogObserver {
  if (typeof observer !== "function") throw new TypeError("a log observer is a function");
  const known = observers.get(observer);
  if (known !== undefined) return known;
  const made: LogObserver = (event) => observer(legacyEvent(event));
  observers.set(observer, made);
  return made;
}

function legacyEvent(event: LogEvent): LegacyEvent {
  const text = formatEvent(event);
  const failure = event.log_failure;
  return {
    ...event,
    message: failure === undefined ? [text] : [],
    isError: failure !== undefined,
    ...(failure !== undefined && { failure, why: text }),
    time: event.log_time ?? 0,
    system: systemOf(event),
  };
}
