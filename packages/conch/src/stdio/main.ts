/** A terminal protocol on the terminal of the process, by its name. */
import { openSync, writeSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ValueError } from "@strombus/reactor/exceptions";
import { startLogging } from "@strombus/reactor/log";
import { isClass } from "../class.js";
import type { ITerminalProtocol } from "../insults/interfaces.js";
import { ConsoleManhole } from "./console-manhole.js";
import { runWithProtocol } from "./run.js";

const LOG = "child.log";

type ProtocolClass = new () => ITerminalProtocol;

/**
 * Runs the class that the first argument names, as `./file.js:Class` or `package/module:Class`, or else a manhole. Logs to
 * the file child.log, as the terminal is taken.
 *
 * @throws ValueError for a name that names no class
 * @throws RuntimeError without a terminal
 */
export async function main(argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  const klass = argv[0] === undefined ? ConsoleManhole : await named(argv[0]);
  const file = openSync(LOG, "a", 0o600);
  startLogging({ write: (text) => writeSync(file, text) }, { setStdout: false });
  await runWithProtocol(klass);
}

async function named(name: string): Promise<ProtocolClass> {
  const [, module = "", exported = ""] = /^(.+):([^:]+)$/.exec(name) ?? [];
  let found: unknown;
  try {
    const isFile = module.startsWith(".") || isAbsolute(module);
    const exports = (await import(isFile ? pathToFileURL(resolve(module)).href : module)) as Record<string, unknown>;
    found = Object.hasOwn(exports, exported) ? exports[exported] : undefined;
  } catch (cause) {
    throw new ValueError(`${JSON.stringify(name)} cannot be imported`, { cause });
  }
  if (typeof found !== "function" || !isClass(found as ProtocolClass)) {
    throw new ValueError(`${JSON.stringify(name)} is no class of a module, as in "./editor.js:Editor"`);
  }
  return found as ProtocolClass;
}
