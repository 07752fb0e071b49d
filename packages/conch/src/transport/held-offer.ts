/**
 * A server's first KEXINIT waits a moment for the client's, so that it acknowledges that. OpenSSH leaves TCP_NODELAY off
 * until it has logged in: its system sends nothing behind its KEXINIT before that is acknowledged, and ours, which has
 * just sent something, would put the acknowledgement off for 40 ms.
 */
import type { IReactorTime } from "@strombus/reactor/interfaces";
import { Deadline } from "./patience.js";

/** Seconds: a round trip in a local network. On a longer way the two cross, and waiting would help nobody. */
const MOMENT = 0.002;

export class HeldOffer {
  readonly packet: Buffer;
  readonly #deadline = new Deadline();

  /** @param packet copied; @param over called when the moment is */
  constructor(packet: Buffer, clock: IReactorTime, over: () => void) {
    this.packet = Buffer.from(packet);
    this.#deadline.set(clock, MOMENT, over);
  }

  /** It waits no longer. */
  drop(): void {
    this.#deadline.clear();
  }
}
