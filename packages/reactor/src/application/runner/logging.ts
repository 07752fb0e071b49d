/** Where a program that is run logs to. */
import { closeSync, openSync, writeSync } from "node:fs";
import { Failure } from "../../failure.js";
import {
  FilteringLogObserver,
  globalLogBeginner,
  jsonFileLogObserver,
  type LogFile,
  Logger,
  LogLevelFilterPredicate,
  textFileLogObserver,
} from "../../logger.js";
import { RunError } from "./errors.js";
import type { RunOptions } from "./options.js";

const log = new Logger({ namespace: "strombus.runner" });

/**
 * Events, and what the application prints, go to the file or to standard output.
 * @returns what opens the file anew, when somebody has moved it away @throws RunError if it cannot be opened
 */
export function beginLogging({ logfile, json, logLevel }: Pick<RunOptions, "logfile" | "json" | "logLevel">): Reopen {
  const file = logfile === null ? process.stdout : new AppendedFile(logfile);
  const observer = json ? jsonFileLogObserver(file, { recordSeparator: "" }) : textFileLogObserver(file);
  const filter = new LogLevelFilterPredicate({ defaultLogLevel: logLevel });
  globalLogBeginner.beginLoggingTo([new FilteringLogObserver(observer, [filter])]);
  return () => {
    if (file instanceof AppendedFile) file.reopen();
  };
}

export type Reopen = () => void;

/** Not SIGUSR1, by which Node.js starts its debugger. */
export const REOPEN_SIGNAL = "SIGUSR2";

/** Written at once: nothing is lost when the process ends, and lines of several processes do not mix. */
class AppendedFile implements LogFile {
  readonly #path: string;
  #descriptor: number;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#descriptor = this.#open();
    } catch (cause) {
      throw new RunError(`cannot log to ${path}: ${(cause as Error).message}`, { cause });
    }
  }

  write(text: string): void {
    writeSync(this.#descriptor, text);
  }

  /** What cannot be opened is logged to the old file, which goes on. */
  reopen(): void {
    const old = this.#descriptor;
    try {
      this.#descriptor = this.#open();
    } catch (error) {
      log.failure("cannot open {path} anew; the old file goes on", new Failure(error), { path: this.#path });
      return;
    }
    closeSync(old);
  }

  #open(): number {
    return openSync(this.#path, "a", 0o640);
  }
}
