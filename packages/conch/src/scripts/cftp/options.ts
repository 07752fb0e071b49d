/** The command line of cftp (twisted.conch.scripts.cftp). */
import { type ParameterRow, UsageError } from "@strombus/reactor/usage";
import { ConchOptions } from "../../client/options.js";

const MAX_BUFFERSIZE = 2 ** 24; // bytes
const MAX_REQUESTS = 1024;

/** The options of cftp: those of all clients, and its own. */
export class ClientOptions extends ConchOptions {
  static override optParameters: readonly ParameterRow[] = [
    ["buffersize", "B", 32_768, "Bytes that are asked for, or written, at a time.", within(MAX_BUFFERSIZE)],
    ["batchfile", "b", null, "Take the commands from this file; - is the standard input."],
    ["requests", "R", 5, "Requests that are on their way at a time.", within(MAX_REQUESTS)],
    ["subsystem", "s", "sftp", "The subsystem of the server; with a slash in front, a program there."],
  ];

  override synopsis = "Usage: cftp [options] [user@]host[:path [localfile]]";
  override longdesc =
    "cftp transfers files by SFTP. With a path of a directory it begins there; with that of a file it gets it and ends.";

  /** Where to begin, or what to get. */
  remotePath: string | null = null;
  /** What the file that is got is called here. */
  localPath: string | null = null;

  /** Bytes of a request. */
  get buffersize(): number {
    return this.get("buffersize") as number;
  }

  /** How many are on their way. */
  get requests(): number {
    return this.get("requests") as number;
  }

  override parseArgs(target: string, localPath: string | null = null, ...more: string[]): void {
    const [, user = null, bracketed, name = "", path = null] =
      /^(?:(.*)@)?(?:\[([^\]]+)\]|([^:]*))(?::([^]*))?$/.exec(target) ?? [];
    const host = bracketed ?? name;
    if (host === "" || user === "") throw new UsageError(`${JSON.stringify(target)} is not [user@]host[:path]`);
    if (more.length > 0) throw new UsageError("Wrong number of arguments.");
    this.host = host;
    if (user !== null) this.set("user", user);
    this.remotePath = path === "" ? null : path;
    this.localPath = localPath;
    if (localPath !== null && this.remotePath === null)
      throw new UsageError("a local file needs a path of the server's");
  }
}

function within(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
    throw new UsageError(`${JSON.stringify(text)} is no number from 1 to ${most}`);
  };
}
