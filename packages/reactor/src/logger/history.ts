/** LimitedHistoryLogObserver: keeps the last events (twisted.logger). */
import { CallableObserver, type LogEvent, type LogObserver } from "./event.js";

/** Keeps the last `size` events, by default 65,536; null keeps all. */
export class LimitedHistoryLogObserver extends CallableObserver {
  readonly #size: number;
  #events: LogEvent[] = [];
  #oldest = 0; // when full: the place of the oldest event, which the next one takes

  constructor({ size = 65_536 }: { size?: number | null } = {}) {
    super();
    this.#size = size ?? Infinity;
  }

  observe(event: LogEvent): void {
    if (this.#events.length < this.#size) this.#events.push(event);
    else if (this.#size > 0) {
      this.#events[this.#oldest] = event;
      this.#oldest = (this.#oldest + 1) % this.#size;
    }
  }

  /** Hands the kept events to `observer`, oldest first. */
  replayTo(observer: LogObserver): void {
    for (const event of [...this.#events.slice(this.#oldest), ...this.#events.slice(0, this.#oldest)]) observer(event);
  }
}
