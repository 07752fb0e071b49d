/** A program that runs beside the tests, with its output as transcripts. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { atEnd } from "./at-end.js";
import { Transcript } from "./transcript.js";

/** Whatever still runs when the tests end, failed ones too, ends with them. */
const running = new Set<ChildProcessWithoutNullStreams>();
atEnd(() => {
  for (const child of running) child.kill("SIGKILL");
});

export interface Ending {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Surroundings {
  readonly cwd?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

export class Program {
  readonly stdout: Transcript;
  readonly stderr: Transcript;
  /** Settles when it has ended and its output has been read. */
  readonly ending: Promise<Ending>;
  readonly #child: ChildProcessWithoutNullStreams;
  /** OpenSSH 9.2 misses a signal that comes after it last looked for one and before it waits for input. */
  readonly #missesSignals: boolean;

  constructor(command: readonly string[], { cwd, env }: Surroundings = {}) {
    const [file = "", ...args] = command;
    this.#missesSignals = command.includes("ssh");
    this.#child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: "pipe" });
    this.stdout = new Transcript(`stdout of ${file}`, this.#child.stdout);
    this.stderr = new Transcript(`stderr of ${file}`, this.#child.stderr);
    this.#child.stdin.on("error", () => {}); // it may end before it has read all: its ending tells
    running.add(this.#child);
    this.#child.once("exit", () => running.delete(this.#child));
    this.ending = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", (status, signal) => resolve({ status, signal }));
    });
  }

  /** Sends input. */
  type(text: string | Uint8Array): void {
    this.#child.stdin.write(text);
  }

  /** Ends the input. */
  endInput(): void {
    this.#child.stdin.end();
  }

  /** Sends a signal that does not end it. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Has each of its threads stand still until SIGCONT: a signal is only on its way when it has been sent. Linux. */
  async pause(): Promise<void> {
    this.#child.kill("SIGSTOP");
    const threads = `/proc/${this.#child.pid}/task`;
    const isStill = (thread: string): boolean => readFileSync(`${threads}/${thread}/stat`, "utf8").includes(") T ");
    while (!readdirSync(threads).every(isStill)) await new Promise((later) => setTimeout(later, 5));
  }

  /** Sends a signal; without one, asks it to end. Returns how it ended. */
  async kill(signal: NodeJS.Signals = "SIGTERM"): Promise<Ending> {
    this.#child.kill(signal);
    const again = this.#missesSignals ? setInterval(() => this.#child.kill(signal), 1000) : undefined;
    return this.ending.finally(() => clearInterval(again));
  }
}

/** Starts a program at a terminal of its own, an xterm of 30 rows and 100 columns; what it prints is all on `stdout`. */
export function atTerminal(command: readonly string[], { cwd, env }: Surroundings = {}): Program {
  const session = `stty rows 30 cols 100; exec ${command.map(quote).join(" ")}`;
  return new Program(["script", "-qefc", session, "/dev/null"], { cwd, env: { ...env, TERM: "xterm" } });
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
