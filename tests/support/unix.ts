/** The example unix-server, and OpenSSH's client logging in there as the account that runs the tests. */
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { type Example, exampleFolder, startExample } from "./example.js";
import { atTerminal, Program, type Surroundings } from "./program.js";

export interface UnixServer {
  readonly example: Example;
  /** The words of an OpenSSH program before the host, for a port given by this option. */
  words(program: string, portOption?: string): string[];
  /** user@host */
  readonly host: string;
  /** The key that logs in. */
  readonly key: string;
  /** Runs a command there, or a shell. */
  run(command: string | null, options?: readonly string[], surroundings?: Surroundings): Program;
  /** The same with a terminal at this end, too. */
  atTerminal(command: string | null, options?: readonly string[]): Program;
}

export async function startUnixServer(): Promise<UnixServer> {
  const folder = exampleFolder();
  const key = join(folder, "client-key");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  copyFileSync(`${key}.pub`, join(folder, "authorized_keys"));
  const example = await startExample("unix-server", { folder });
  const host = `${userInfo().username}@127.0.0.1`;
  const words = (program: string, portOption = "-p", first: readonly string[] = []) => [
    program,
    "-F",
    "none",
    ...first, // ssh believes what comes first
    "-i",
    key,
    ...["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "BatchMode=yes"].flatMap(
      (setting) => ["-o", setting],
    ),
    portOption,
    String(example.port),
  ];
  const line = (command: string | null, options: readonly string[] = []) => [
    ...words("ssh", "-p", options),
    host,
    ...(command === null ? [] : [command]),
  ];
  return {
    example,
    words,
    host,
    key,
    run: (command, options, surroundings) => new Program(line(command, options), surroundings),
    atTerminal: (command, options) => atTerminal(line(command, options)),
  };
}

/** Whether a process of this number is there and not dead. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Looks until it holds. */
export async function eventually(condition: () => boolean, what: string, seconds = 15): Promise<void> {
  for (const deadline = Date.now() + seconds * 1000; !condition();) {
    if (Date.now() > deadline) throw new Error(`it never came true that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
