/** The examples as programs: the built ones, each in a process of its own. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./folder.js";
import { Program } from "./program.js";
import { rsaKey } from "./rsa.js";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** A folder in which `user` logs in with `password`, and what it would take its time to make: the host's key. */
export function exampleFolder(): string {
  const folder = temporaryFolder();
  const key = rsaKey();
  writeFileSync(join(folder, "ssh-passwords"), "user:password\n");
  writeFileSync(join(folder, "id_rsa"), key.toString("openssh"), { mode: 0o600 });
  writeFileSync(join(folder, "id_rsa.pub"), key.public().toString("openssh"));
  return folder;
}

export interface Example {
  readonly program: Program;
  readonly port: number;
}

/** Starts an example on a free port; it is listening when this returns. */
export async function startExample(
  name: string,
  { folder = exampleFolder(), node = [] as string[], env = {} } = {},
): Promise<Example> {
  const program = new Program(exampleCommand(name, { node, args: [folder, "--port", "0"] }), { env });
  const [, port] = await program.stdout.until(/listens on port (\d+)\.[^]*Ctrl-C stops the server\.\n/);
  return { program, port: Number(port) };
}

/** The words that run an example; `node` are options for Node.js. */
export function exampleCommand(name: string, { node = [] as string[], args = [] as string[] }): string[] {
  return [process.execPath, ...node, join(root, "packages/examples/dist", name, "main.js"), ...args];
}
