/** Where a program logs. */
import { openSync, writeSync } from "node:fs";
import { startLogging } from "@strombus/reactor/log";
import type { ConchOptions } from "../client/options.js";

/** With the option `log` to the standard error, or to the file `logfile`, of which `-` is the standard output. */
export function startLoggingBy(options: ConchOptions): void {
  if (options.isSet("log")) startLogging(logOf(options.get("logfile")), { setStdout: false });
}

/** @throws SystemError for a file that cannot be written */
function logOf(path: unknown): { write(text: string): unknown } {
  if (typeof path !== "string") return process.stderr;
  if (path === "-") return process.stdout;
  const file = openSync(path, "a", 0o600);
  return { write: (text) => writeSync(file, text) };
}
