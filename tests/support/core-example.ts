/** The examples of the reactor: programs of one file each, whose servers say on which port they listen. */
import { join } from "node:path";
import { root } from "./example.js";
import { Program } from "./program.js";

/** Starts one by its path in the folder of examples. */
export function coreExample(name: string, args: readonly string[] = []): Program {
  return new Program([process.execPath, join(root, "packages/examples/dist", `${name}.js`), ...args]);
}

/** Starts a server; it listens when this returns. The port is 0 for one that has none. */
export async function startCoreExample(
  name: string,
  args: readonly string[] = [],
): Promise<{ program: Program; port: number }> {
  const program = coreExample(name, args);
  const [, port] = await program.stdout.until(/listening on (?:port (\d+)|.*)\n/);
  return { program, port: Number(port ?? 0) };
}
