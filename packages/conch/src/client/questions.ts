/** What a login asks its user, and tells them. */
import type { MaybeLater } from "../interfaces.js";
import { openTerminal, type Terminal } from "./terminal.js";

export interface Questions {
  /**
   * The answer, of which a terminal shows nothing unless `echo`. Rejects with SystemExit for Ctrl-C, and with another error
   * when there is nobody to answer.
   */
  ask(prompt: string, echo: boolean): MaybeLater<string>;
  /** Lines, each with its end. */
  tell(text: string): void;
  /** Nobody waits for the answer any more. */
  close(): void;
}

/** At the terminal that the process has, wherever its input and output go. */
export class TerminalQuestions implements Questions {
  readonly #path: string;
  #open: Terminal | null = null;

  constructor(path = "/dev/tty") {
    this.#path = path;
  }

  /** @throws SystemError for a process without a terminal */
  async ask(prompt: string, echo: boolean): Promise<string> {
    const terminal = openTerminal(this.#path);
    this.#open = terminal;
    try {
      return await (echo ? terminal.ask(prompt) : terminal.askHidden(prompt));
    } finally {
      this.#open = null;
      terminal.close();
    }
  }

  tell(text: string): void {
    process.stderr.write(text);
  }

  close(): void {
    this.#open?.close();
  }
}
