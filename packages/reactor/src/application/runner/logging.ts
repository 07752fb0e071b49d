/** Where a program that is run logs to. */
import { openSync, writeSync } from "node:fs";
import {
  FilteringLogObserver,
  globalLogBeginner,
  jsonFileLogObserver,
  type LogFile,
  LogLevelFilterPredicate,
  textFileLogObserver,
} from "../../logger.js";
import { RunError } from "./errors.js";
import type { RunOptions } from "./options.js";

/** Events, and what the application prints, go to the file or to standard output. @throws RunError if it cannot be opened */
export function beginLogging({ logfile, json, logLevel }: Pick<RunOptions, "logfile" | "json" | "logLevel">): void {
  const file = logfile === null ? process.stdout : appendingTo(logfile);
  const observer = json ? jsonFileLogObserver(file, { recordSeparator: "" }) : textFileLogObserver(file);
  const filter = new LogLevelFilterPredicate({ defaultLogLevel: logLevel });
  globalLogBeginner.beginLoggingTo([new FilteringLogObserver(observer, [filter])]);
}

/** Written at once: nothing is lost when the process ends, and lines of several processes do not mix. */
function appendingTo(path: string): LogFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, "a", 0o640);
  } catch (cause) {
    throw new RunError(`cannot log to ${path}: ${(cause as Error).message}`, { cause });
  }
  return { write: (text) => writeSync(descriptor, text) };
}
