/**
 * How a connection ends whose server stops (rule R10): its channels are told and may end by themselves; when their time is
 * up, what was written on them still goes out, and then the peer is told why it is over.
 */
import type { IDelayedCall, IReactorTime } from "@strombus/reactor/interfaces";
import { DISCONNECT_BY_APPLICATION } from "../transport/constants.js";

const LEAVING = 1; // seconds for a client to go by itself once its channels are closed
const FLUSHING = 5; // seconds for a client to take what was written
const LOOK_INTERVAL = 0.05; // seconds

export const STOPPING = "the server is stopping";

export interface Retiring {
  /** Whether a channel has output that waits. */
  readonly hasOutput: boolean;
  readonly isUsed: boolean;
  disconnect(reason: number, text: string): void;
}

export class Retirement {
  readonly #clock: IReactorTime;
  readonly #connection: Retiring;
  #call: IDelayedCall | null = null;

  /** Channels may go on for so many seconds. */
  constructor(clock: IReactorTime, connection: Retiring, seconds: number) {
    this.#clock = clock;
    this.#connection = connection;
    if (connection.isUsed) this.#later(seconds, () => this.#flush(clock.seconds() + FLUSHING));
    else this.#end();
  }

  /** The last channel is closed. A client that goes by itself still tells its user how its program ended. */
  emptied(): void {
    this.#later(LEAVING, () => this.#end());
  }

  stop(): void {
    if (this.#call?.active() === true) this.#call.cancel();
    this.#call = null;
  }

  #flush(until: number): void {
    const { hasOutput } = this.#connection;
    if (hasOutput && this.#clock.seconds() < until) this.#later(LOOK_INTERVAL, () => this.#flush(until));
    else this.#end();
  }

  #end(): void {
    this.#connection.disconnect(DISCONNECT_BY_APPLICATION, STOPPING);
  }

  #later(seconds: number, act: () => void): void {
    this.stop();
    this.#call = this.#clock.callLater(seconds, act);
  }
}
