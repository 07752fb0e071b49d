/** The program `strombus`. */
import { SystemExit } from "../../exceptions.js";
import { RunError } from "./errors.js";
import { parseOptions, USAGE } from "./options.js";
import { runHere } from "./run.js";
import { supervise } from "./supervisor.js";
import { SOCKETS_VARIABLE } from "./messages.js";

/** Ends the process: what an application leaves behind does not keep it. */
export async function main(args: readonly string[]): Promise<void> {
  try {
    const options = parseOptions(args);
    if (options === "help") process.stdout.write(USAGE);
    else if (options.processes === 0 || process.env[SOCKETS_VARIABLE] !== undefined) await runHere(options);
    else await supervise(options, args);
    process.exit();
  } catch (error) {
    if (error instanceof SystemExit) process.exit(error.code);
    process.stderr.write(`strombus: ${error instanceof RunError ? error.message : String((error as Error).stack)}\n`);
    process.exit(1);
  }
}
