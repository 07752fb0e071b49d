/** ReconnectingClientFactory: connects again, after waits that grow (twisted.internet.protocol). */
import { NotConnectingError } from "../error.js";
import { ValueError } from "../exceptions.js";
import type { Failure } from "../failure.js";
import type { IConnector, IDelayedCall, IReactorTime } from "../interfaces.js";
import { Logger } from "../logger.js";
import { ClientFactory } from "./core.js";
import { reactor } from "../reactor.js";

const log = new Logger({ namespace: "strombus.reactor.protocol" });

/** Call `resetDelay` when a connection has proved good, such as after login: the waits are short again then. */
export class ReconnectingClientFactory extends ClientFactory {
  /** Seconds. */
  maxDelay = 3600;
  initialDelay = 1;
  /** By this much the wait grows, before the first one too. */
  factor = Math.E;
  /** The spread of a wait, relative to its length, so that many clients do not come back at once. 0 is none. */
  jitter: number | null = 0.119626565582;
  /** Seconds; what the next wait grows from. */
  delay: number = this.initialDelay;
  /** Attempts since the last `resetDelay`. */
  retries = 0;
  /** Null never gives up. */
  maxRetries: number | null = null;
  continueTrying = true;
  /** Null is the reactor. */
  clock: IReactorTime | null = null;
  /** The last that failed or lost its connection. */
  connector: IConnector | null = null;
  #call: IDelayedCall | null = null;

  override clientConnectionFailed(connector: IConnector, reason: Failure): void {
    return this.#lost(connector);
  }

  override clientConnectionLost(connector: IConnector, reason: Failure): void {
    return this.#lost(connector);
  }

  /** Connects again after the next wait. @throws ValueError if there was no connector yet. */
  retry(connector: IConnector | null = this.connector): void {
    if (!this.continueTrying) return;
    if (connector === null) throw new ValueError("there is no connector to try again");
    this.retries += 1;
    if (this.maxRetries !== null && this.retries > this.maxRetries) {
      log.info("{factory} gives up after {attempts} attempts", {
        factory: this.logPrefix(),
        attempts: this.maxRetries,
      });
      return;
    }
    this.delay = Math.min(this.delay * this.factor, this.maxDelay);
    if (this.jitter) this.delay = Math.max(0, normal(this.delay, this.delay * this.jitter));
    log.info("{factory} connects again in {delay:.1f} seconds", { factory: this.logPrefix(), delay: this.delay });
    this.#call = (this.clock ?? reactor).callLater(this.delay, () => {
      this.#call = null;
      connector.connect();
    });
  }

  /** Ends the wait or the attempt; a connection that stands stays, and is not made again. */
  stopTrying(): void {
    this.continueTrying = false;
    if (this.#call?.active() === true) this.#call.cancel();
    this.#call = null;
    try {
      this.connector?.stopConnecting();
    } catch (error) {
      if (!(error instanceof NotConnectingError)) throw error;
    }
  }

  resetDelay(): void {
    this.delay = this.initialDelay;
    this.retries = 0;
    this.continueTrying = true;
  }

  #lost(connector: IConnector): void {
    this.connector = connector;
    if (this.continueTrying) return this.retry(); // which may be async where it is overridden
  }
}

/** A random number of a normal distribution (Box and Muller). */
function normal(mean: number, deviation: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
  return mean + deviation * radius * Math.cos(2 * Math.PI * Math.random());
}
