/** What a peer may cost before it has logged in, and how long it may take (rules R3, R4 and T9). */
import type { IDelayedCall, IReactorTime } from "@strombus/reactor/interfaces";
import { ProtocolError } from "../error.js";

/** Packets and bytes that a peer may send before it has logged in, and key exchanges that it may take part in. */
const BEFORE_LOGIN = { packets: 1000, bytes: 2 ** 20, exchanges: 4 };

/** Counts what came from a peer that has not logged in. */
export class LoginBudget {
  #packets = 0;
  #bytes = 0;
  #exchanges = 0;

  /** @throws ProtocolError over the budget. */
  spend(bytes: number): void {
    this.#packets++;
    this.#bytes += bytes;
    if (this.#packets > BEFORE_LOGIN.packets || this.#bytes > BEFORE_LOGIN.bytes) {
      throw new ProtocolError("too much was sent before login");
    }
  }

  /** @throws ProtocolError over the budget. */
  spendExchange(): void {
    if (++this.#exchanges > BEFORE_LOGIN.exchanges) throw new ProtocolError("too many key exchanges before login");
  }
}

/** The one deadline that a connection is under; setting another replaces it. */
export class Deadline {
  #call: IDelayedCall | null = null;

  set(clock: IReactorTime, seconds: number, missed: () => void): void {
    this.clear();
    this.#call = clock.callLater(Math.max(0, seconds), () => {
      this.#call = null;
      missed();
    });
  }

  get isSet(): boolean {
    return this.#call !== null;
  }

  clear(): void {
    if (this.#call?.active() === true) this.#call.cancel();
    this.#call = null;
  }
}
