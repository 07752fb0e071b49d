/** A file with the id of the process that runs, which keeps a second one from running. */
import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { Logger } from "../../logger.js";
import { RunError } from "./errors.js";

const log = new Logger({ namespace: "strombus.runner" });

/** Writes it; the file of a process that is gone is replaced. Returns what removes it. @throws RunError if one runs */
export function writePidfile(path: string, pid = process.pid): () => void {
  for (let tries = 0; ; tries++) {
    try {
      const descriptor = openSync(path, "wx", 0o644); // neither overwrites nor follows a link
      writeSync(descriptor, `${pid}\n`);
      closeSync(descriptor);
      return () => removePidfile(path, pid);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST" || tries === 3) {
        throw new RunError(`cannot write ${path}: ${(cause as Error).message}`, { cause });
      }
      removeStale(path);
    }
  }
}

function removeStale(path: string): void {
  const text = readFileSync(path, "utf8").trim();
  const pid = Number(text);
  if (!/^[1-9][0-9]*$/.test(text))
    throw new RunError(`${path} is no pid file: it holds ${JSON.stringify(text.slice(0, 40))}`);
  if (isAlive(pid)) throw new RunError(`process ${pid} runs already, says ${path}`);
  log.warn("{path} was left behind by process {pid}, which is gone", { path, pid });
  unlinkSync(path);
}

function removePidfile(path: string, pid: number): void {
  try {
    if (readFileSync(path, "utf8").trim() === String(pid)) unlinkSync(path);
  } catch (error) {
    // The folder may be root's, and the process no longer root: the next one finds the file stale.
    log.info("{path} stays: {reason}", { path, reason: (error as Error).message });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
