/** Signals that end conch, or have it connect again. */
import { constants } from "node:os";

const ENDING = ["SIGHUP", "SIGINT", "SIGTERM"] as const;

/** Those that have come since it was made. */
export class Signals {
  /** The status of a program that a signal has ended; null as long as none has. */
  status: number | null = null;
  /** SIGUSR1 has come. */
  reconnect = false;
  /** Settles when one has come that ends it. */
  readonly ended: Promise<void>;
  readonly #disconnect: () => void;
  #end!: () => void;

  /** @param disconnect called for SIGUSR1 */
  constructor(disconnect: () => void) {
    this.#disconnect = disconnect;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    for (const each of ENDING) process.on(each, this.#ending);
    process.on("SIGUSR1", this.#reconnecting);
  }

  /** From now on they do what they do to any program. */
  forget(): void {
    for (const each of ENDING) process.off(each, this.#ending);
    process.off("SIGUSR1", this.#reconnecting);
  }

  readonly #ending = (signal: NodeJS.Signals): void => {
    this.status ??= 128 + constants.signals[signal];
    this.#end();
  };

  readonly #reconnecting = (): void => {
    this.reconnect = true;
    this.#disconnect();
  };
}
