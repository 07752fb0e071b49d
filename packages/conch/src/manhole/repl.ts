/** Node's own read-eval-print loop as a manhole. */
import { once } from "node:events";
import { inspect } from "node:util";
import type { SessionIO } from "../streams/program.js";
import type { Namespace } from "./interpreter.js";

const QUIT = 0x1c; // Ctrl-\

/**
 * `node:repl` in a session, with top-level await, completion and its own history. As full a control of the process as
 * Manhole gives.
 *
 * ```ts
 * const manhole = new ReplManhole({ service });
 * user.channelLookup["session"] = sessionProgram((session) => manhole.run(session));
 * ```
 */
export class ReplManhole {
  constructor(readonly namespace: Namespace | null = null) {}

  /** Until the user ends it; the exit status. */
  async run({ terminal, stdin, stdout, signal }: SessionIO): Promise<number> {
    const { start } = await import("node:repl");
    if (signal.aborted) return 1;
    const colors = terminal?.hasColors() ?? false;
    const server = start({
      prompt: ">>> ",
      input: stdin,
      output: stdout,
      terminal: terminal !== null && terminal.term !== "dumb",
      useGlobal: false,
      useColors: colors,
      writer: (value) => inspect(value, { colors, showProxy: true }), // the module's is shared by all that are open
      ignoreUndefined: true,
      preview: false,
      breakEvalOnSigint: true,
    });
    const fill = () => void Object.assign(server.context, this.namespace);
    fill();
    server.on("reset", fill);
    server.on("SIGTSTP", () => {}); // or readline stops the whole process
    stdin.on("data", (data: Buffer | string) => {
      if (Buffer.from(data as string).includes(QUIT)) server.close();
    });
    await once(server, "exit");
    return 0;
  }
}
