/** The terminal at which conch runs. */
import { spawnSync } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { WindowSize } from "../../interfaces.js";

/** As a terminal of Node's, where it is one. */
export type TerminalInput = Readable & {
  readonly isTTY?: boolean;
  readonly fd?: number;
  setRawMode?(mode: boolean): unknown;
};
export type TerminalOutput = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

/** What else the keys and the screen must leave to the server: Node's raw mode still adds a CR to each LF. */
const REST_OF_RAW = ["ignpar", "-inlcr", "-igncr", "-ixany", "-ixoff", "-opost"];

export class Terminal {
  readonly #input: TerminalInput;
  readonly #screen: TerminalOutput;
  #isRaw = false;

  /** @param outputs what may be its screen, the likeliest first */
  constructor(input: TerminalInput, outputs: readonly [TerminalOutput, ...TerminalOutput[]]) {
    this.#input = input;
    this.#screen = outputs.find((each) => each.isTTY === true) ?? outputs[0];
  }

  /** Whether somebody types. */
  get isThere(): boolean {
    return this.#input.isTTY === true;
  }

  get isRaw(): boolean {
    return this.#isRaw;
  }

  /** What it is called by programs that draw. */
  get name(): string {
    return process.env["TERM"] ?? "dumb";
  }

  /** Of one that does not know, what is usual. */
  get size(): WindowSize {
    const { rows = 24, columns = 80 } = this.#screen;
    return [rows, columns, 0, 0];
  }

  /** @returns what stops it */
  onResize(resized: () => void): () => void {
    this.#screen.on("resize", resized);
    return () => void this.#screen.off("resize", resized);
  }

  /** All keys go to the server, also at the end of the process back to what it was. Where nobody types nothing happens. */
  setRaw(): void {
    if (!this.isThere || this.#isRaw) return;
    this.#isRaw = true;
    process.once("exit", this.restore);
    this.#input.setRawMode?.(true);
    const { fd } = this.#input;
    if (fd !== undefined) spawnSync("stty", REST_OF_RAW, { stdio: [fd, "ignore", "ignore"] });
  }

  /** As it was. */
  readonly restore = (): void => {
    if (!this.#isRaw) return;
    this.#isRaw = false;
    process.off("exit", this.restore);
    this.#input.setRawMode?.(false);
  };

  /** Stops the job of the shell that conch is, until that continues it. */
  suspend(): void {
    this.restore();
    process.kill(0, "SIGTSTP");
    this.setRaw();
  }
}
