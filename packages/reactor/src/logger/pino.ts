/** Log events for pino, the logger of many Node programs: an observer, for a logger that the application has made. */
import { escapeLines, escapeText } from "./escape.js";
import type { LogEvent, LogObserver } from "./event.js";
import { formatEvent } from "./format.js";
import type { LogLevelName } from "./levels.js";

type PinoLevel = "debug" | "info" | "warn" | "error" | "fatal";

/** As much of a pino logger as is needed here. */
export type PinoLogger = Readonly<Record<PinoLevel, (fields: object, message: string) => void>>;

const PINO_LEVELS: Readonly<Record<LogLevelName, PinoLevel>> = {
  debug: "debug",
  info: "info",
  warn: "warn",
  error: "error",
  critical: "fatal",
};

/**
 * Passes events on to `logger`: the message as text, the namespace, the failure as pino's `err`, and those fields of the
 * event that are text, numbers or booleans. Text is escaped: it may be a peer's.
 *
 * ```ts
 * globalLogBeginner.beginLoggingTo([pinoLogObserver(pino())]);
 * ```
 */
export function pinoLogObserver(logger: PinoLogger): LogObserver {
  return (event) => {
    const level = PINO_LEVELS[event.log_level?.name ?? "info"];
    logger[level](fieldsOf(event), formatEvent(event));
  };
}

function fieldsOf(event: LogEvent): object {
  const fields = new Map<string, unknown>();
  for (const [name, value] of Object.entries(event)) {
    if (name.startsWith("log_")) continue;
    if (typeof value === "string") fields.set(name, escapeText(value));
    else if (typeof value === "number" || typeof value === "boolean") fields.set(name, value);
  }
  fields.set("namespace", event.log_namespace ?? "-");
  if (event.log_system !== undefined) fields.set("system", escapeText(event.log_system));
  const failure = event.log_failure;
  if (failure !== undefined) {
    // Without a prototype: pino calls an error by its class before it asks for its name.
    const err = Object.create(null) as Record<string, unknown>;
    err["name"] = failure.parents[0] ?? "unknown";
    err["message"] = escapeText(failure.getErrorMessage());
    err["stack"] = escapeLines(failure.getTraceback());
    fields.set("err", err);
  }
  return Object.fromEntries(fields);
}
