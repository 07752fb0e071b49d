/** Command lines: which file a program is, and what must run before it so that it runs as it should. */
import { accessSync, constants, existsSync, realpathSync, statSync } from "node:fs";
import { basename, delimiter, join, resolve } from "node:path";
import { OSError } from "../exceptions.js";
import { Logger } from "../logger.js";
import type { Identity } from "./identity.js";

const log = new Logger({ namespace: "strombus.reactor.process" });
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"; // of a child without PATH

/** A file, and the whole of what it gets as arguments, its own name first. */
export interface Command {
  readonly file: string;
  /** What it was called by: the file, or a name that is looked up in PATH. */
  readonly executable: string;
  readonly args: readonly [name: string, ...args: string[]];
}

/** The file of an executable. @throws OSError when there is none, or none that can be run. */
export function find(executable: string, path: string | undefined, folder: string): string {
  if (executable.includes("/")) {
    const file = resolve(folder, executable);
    const why = whyNot(file);
    if (why !== null) throw why;
    return file;
  }
  for (const each of (path ?? DEFAULT_PATH).split(delimiter)) {
    const file = join(resolve(folder, each), executable);
    if (whyNot(file) === null) return file;
  }
  throw new OSError(`there is no program ${JSON.stringify(executable)}`, { code: "ENOENT" });
}

function whyNot(file: string): OSError | null {
  try {
    accessSync(file, constants.X_OK);
    if (statSync(file).isFile()) return null;
    return new OSError(`${JSON.stringify(file)} is no program`, { code: "EACCES" });
  } catch (error) {
    const { code, errno = 0, message } = error as NodeJS.ErrnoException;
    return new OSError(message, { cause: error, ...(code && { code }), errno: -errno });
  }
}

// A program's name for itself

const NAMED = 'exec -a "$0" "$@"';

/** The same command under its file's name, for those who cannot set another. */
export function named(command: Command): Command {
  const { file, executable, args } = command;
  if (args[0] === file) return command;
  if (args[0] === executable) return { ...command, file: executable };
  const bash = findBash();
  if (bash === null) return { ...command, args: [file, ...args.slice(1)] };
  return byFile(bash, "-p", "-c", NAMED, args[0], file, ...args.slice(1));
}

// $1 is for stty, $2 the variable for the terminal's name, $3 the program's name for itself.
const PREPARE = 'set -f; [ -z "$1" ] || stty $1 2>/dev/null; [ -z "$2" ] || export "$2=$(tty)"; name=$3; shift 3; ';

/** Sets up the terminal on which it runs before it becomes the command. */
export function prepared(command: Command, modes: readonly string[], nameVariable: string): Command {
  if (modes.length === 0 && nameVariable === "") return named(command);
  const { file, args } = command;
  const bash = findBash();
  const operands = [modes.join(" "), nameVariable, args[0], file, ...args.slice(1)];
  if (bash === null) return byFile("/bin/sh", "-c", `${PREPARE}exec "$@"`, "sh", ...operands);
  return byFile(bash, "-p", "-c", `${PREPARE}exec -a "$name" "$@"`, "bash", ...operands);
}

function byFile(file: string, ...args: string[]): Command {
  return { file, executable: file, args: [file, ...args] };
}

/** Of the shells that can name a program, the one that is everywhere; "-p" keeps it from reading files of the user's. */
function findBash(): string | null {
  return ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"].find((file) => existsSync(file)) ?? null;
}

// Whom it runs as

/**
 * The same command as somebody with groups: Node and libuv would take all groups away but one. Null when there are none
 * to keep, or when nothing here can keep them, so that the child has to do without.
 */
export function asUser(command: Command, { uid, gid, groups }: Identity): Command | null {
  if (groups.every((group) => group === gid)) return null;
  const setpriv = findSetpriv();
  if (setpriv === null) {
    log.warn("there is no setpriv (of util-linux): a process of user {uid} has one group only", { uid });
    return null;
  }
  const { file, args } = named(command);
  const ids = ["--reuid", `${uid}`, "--regid", `${gid}`, "--groups", groups.join(",")];
  return byFile(setpriv, ...ids, "--", file, ...args.slice(1));
}

/** BusyBox has a program of that name which does other things. */
function findSetpriv(): string | null {
  const found = ["/usr/bin/setpriv", "/bin/setpriv"].find((file) => existsSync(file));
  return found === undefined || basename(realpathSync(found)) === "busybox" ? null : found;
}
