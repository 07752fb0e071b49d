/** What the checkers of these examples ask: tickets, each of which lets its bearer in once. */
import { readFileSync } from "node:fs";

export class Tickets {
  readonly #left: Set<string>;

  /** @param file a ticket a line, `name:secret`. */
  constructor(file = "ssh-passwords") {
    this.#left = new Set(readFileSync(file, "utf8").trimEnd().split("\n"));
  }

  /** Takes the ticket away, if there is one. A real one would ask a service, and take its time. */
  async redeem(name: string, secret: string): Promise<boolean> {
    return Promise.resolve(this.#left.delete(`${name}:${secret}`));
  }
}
