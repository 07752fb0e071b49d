/** Questions to whoever sits at the terminal (twisted.conch.client.knownhosts.ConsoleUI). */
import { type Deferred, maybeDeferred } from "@strombus/reactor/defer";
import { Failure } from "@strombus/reactor/failure";
import { Logger } from "@strombus/reactor/logger";
import type { MaybeLater } from "../interfaces.js";
import type { KnownHostsUI } from "./known-hosts-file.js";

const log = new Logger({ namespace: "strombus.conch.client" });

/** What a question is written to and its answer read from. */
export interface Console {
  write(text: string): unknown;
  /** The next line, with its newline; "" at the end of input. */
  readline(): MaybeLater<string>;
  close(): unknown;
}

/** Asks on a console that is opened for each question. */
export class ConsoleUI implements KnownHostsUI {
  readonly #opener: () => Console;

  constructor(opener: () => Console) {
    this.#opener = opener;
  }

  /** Until the answer is yes or no; nothing at all is no. Fails with what keeps the console from being used. */
  prompt(text: string): Deferred<boolean> {
    return maybeDeferred(async () => {
      const console = this.#opener();
      try {
        console.write(text);
        for (;;) {
          const answer = (await console.readline()).trim().toLowerCase();
          if (answer === "yes") return true;
          if (answer === "no" || answer === "") return false;
          console.write("Please type 'yes' or 'no': ");
        }
      } finally {
        console.close();
      }
    });
  }

  /** What goes wrong is logged. */
  warn(text: string): void {
    try {
      const console = this.#opener();
      try {
        console.write(text);
      } finally {
        console.close();
      }
    } catch (error) {
      log.failure("a warning could not be shown", new Failure(error));
    }
  }
}
