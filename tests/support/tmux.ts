/** A program in a terminal that tmux keeps: keys are typed into it, and its screen is looked at. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./folder.js";
import { needed } from "./needed.js";

const PATIENCE = 15; // seconds

export class Tmux {
  readonly #socket: string;
  readonly #configuration: string;

  /** Starts the program, in a terminal of 80 columns and 24 rows. */
  constructor(command: readonly string[]) {
    const folder = temporaryFolder();
    this.#socket = join(folder, "tmux");
    this.#configuration = join(folder, "tmux.conf");
    writeFileSync(this.#configuration, "set -g status off\nset -g default-terminal screen\n");
    // A shell waits for it and stays: tmux does not always hear how a program ends.
    const script = `${command.map(quote).join(" ")}; echo "ended with $?"; exec sleep 1000`;
    this.#run("new-session", "-d", "-x", "80", "-y", "24", script);
  }

  /** Types text as it is. */
  type(text: string): void {
    this.#run("send-keys", "-l", "--", text);
  }

  /** Types keys by tmux's names, such as `Enter`, `C-c` and `Escape`. */
  press(...keys: string[]): void {
    this.#run("send-keys", ...keys);
  }

  /** Gives the window another size. */
  resize(columns: number, rows: number): void {
    this.#run("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** What is on the screen, without the blanks at the ends of lines. */
  get screen(): string {
    return this.#run("capture-pane", "-p").replace(/ +$/gm, "");
  }

  /** Waits until the screen matches. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (const deadline = Date.now() + PATIENCE * 1000; ; await new Promise((resolve) => setTimeout(resolve, 30))) {
      const seen = pattern.exec(this.screen);
      if (seen !== null) return seen;
      if (Date.now() > deadline) throw new Error(`the screen never matched ${String(pattern)}; it is\n${this.screen}`);
    }
  }

  /** Waits for the program's end; returns its exit status. */
  async ending(): Promise<number> {
    return Number((await this.until(/ended with (\d+)$/m))[1]);
  }

  close(): void {
    this.#run("kill-server");
  }

  #run(...words: string[]): string {
    const options = ["-u", "-S", this.#socket, "-f", this.#configuration];
    const env = { ...process.env, TERM: "screen", TMUX: "" };
    return execFileSync(needed("tmux"), [...options, ...words], { env, stdio: ["ignore", "pipe", "pipe"] }).toString();
  }
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
