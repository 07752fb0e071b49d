/** PAM's processes, as our process sees them: each does one login at a time, and the next when that is over. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import type { FromPAM, ToPAM } from "./conversation.js";

const CHILD = createRequire(import.meta.url).resolve("#pam/child"); // what was built of it, for tests on the sources too

export class PAMProcess {
  readonly #child: ChildProcessWithoutNullStreams = spawn(process.execPath, [CHILD], { stdio: "pipe" });
  readonly #lines: AsyncIterator<string>;
  #told = "";

  constructor() {
    const child = this.#child;
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#told = (this.#told + text).slice(-500)));
    child.stdin.on("error", () => {}); // it has ended: the next line says so
    child.once("error", (error) => (this.#told = error.message));
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.rest();
  }

  say(message: ToPAM): void {
    this.#hold((handle) => handle.ref());
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  /** @throws when the process has ended, with what it told. */
  async hear(): Promise<FromPAM> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`PAM's process has ended: ${this.#told.trim()}`);
    return JSON.parse(line.value) as FromPAM;
  }

  /** Nothing is to be done: our own process may end, and this one with it. */
  rest(): void {
    this.#hold((handle) => handle.unref());
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }

  #hold(change: (handle: { ref(): unknown; unref(): unknown }) => unknown): void {
    const { stdin, stdout, stderr } = this.#child;
    const pipes = [stdin, stdout, stderr] as unknown as { ref(): unknown; unref(): unknown }[];
    for (const handle of [this.#child, ...pipes]) change(handle);
  }
}
