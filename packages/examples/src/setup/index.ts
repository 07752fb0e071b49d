/**
 * What an example does before its own first line: `node main.js [folder] [--port 2022]`, or `--help`.
 * It enters the folder with the keys and passwords, so that the programs name their files as the originals do.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { nativeCiphers } from "@strombus/conch/ssh/transport";
import { CannotListenError } from "@strombus/reactor/error";
import type { IAddress, IListeningPort } from "@strombus/reactor/interfaces";
import { checkFiles } from "./check.js";
import { messageOf, PASSWORDS, SetupError } from "./files.js";
import { defaultFolder, fillFolder } from "./folder.js";

type TCPAddress = IAddress & { readonly port: number };

export interface Setup {
  /** The TCP port to listen on; 0 takes a free one. */
  readonly port: number;
  /**
   * Tells the user where the example listens and how to log in: by default as the user of the password file. A password
   * of null is one that the example does not ask for.
   */
  announce(listening: IListeningPort, who?: { readonly user?: string; readonly password?: string | null }): void;
}

/**
 * Makes what is missing, checks what is there and makes the folder the working directory.
 *
 * @param words of the command line, for an example that has read others itself
 */
export function setUp(example: string, words: readonly string[] = process.argv.slice(2)): Setup {
  process.once("uncaughtException", reportAndExit);
  const { folder, port } = readArguments(example, words);
  enter(folder);
  const user = checkFiles(folder);
  process.chdir(folder);
  return {
    port,
    announce(listening, { user: name = user, password = `is in ${resolve(PASSWORDS)}` } = {}) {
      const { port } = listening.getHost() as TCPAddress;
      console.log(`${example} listens on port ${port}. From another terminal:\n`);
      console.log(`  ssh -p ${port} ${name}@localhost\n`);
      if (!nativeCiphers())
        console.log("ssh2's native addon cannot be used, so packets go through node:crypto, which is slower.");
      const keys = password === null ? "The host key is" : `The password ${password}, and the host key`;
      console.log(`${keys} in ${resolve(".")}. Ctrl-C stops the server.`);
    },
  };
}

function readArguments(example: string, words: readonly string[]): { folder: string; port: number } {
  const { values, positionals } = parse(words);
  if (values.help === true) {
    console.log(usage(example));
    process.exit();
  }
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new SetupError(`${values.port} is not a TCP port.`);
  if (positionals.length > 1) throw new SetupError("One folder can be named, not more.");
  return { folder: resolve(positionals[0] ?? defaultFolder()), port };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: { port: { type: "string", default: "2022" }, help: { type: "boolean" } },
    });
  } catch (cause) {
    const [what = ""] = messageOf(cause).split(". ", 1); // Node goes on about words that begin with "-"
    throw new SetupError(`${what}: --help tells what there is.`, { cause });
  }
}

function usage(example: string): string {
  return `usage: node ${example}/main.js [folder] [--port 2022]

The folder has the host key and the passwords, which are made when they are missing;
without one it is ${defaultFolder()}. Port 0 is a free one.`;
}

function enter(folder: string): void {
  try {
    fillFolder(folder);
  } catch (cause) {
    if (cause instanceof SetupError) throw cause;
    throw new SetupError(`The folder ${folder} cannot be used: ${messageOf(cause)}.`, { cause });
  }
}

/** A mistake that the user can mend is one sentence; anything else shows where it happened. */
function reportAndExit(error: unknown): void {
  const mendable = error instanceof SetupError || error instanceof CannotListenError;
  console.error(mendable ? error.message : error);
  process.exit(1);
}
