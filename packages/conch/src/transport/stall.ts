/** A peer that takes none of what waits for it is cut off in the end; a slow one is not (rule R7). */
import type { IReactorTime } from "@strombus/reactor/interfaces";
import { Deadline } from "./patience.js";

/** Bulk data fills and empties the output many times a second, so one timer serves while it does. */
export class StallWatch {
  readonly #timer = new Deadline();
  #full = false;
  #emptied = 0;

  /** Output is full. `taken` tells how much the system took so far, where it can; `stalled` is called after `seconds` without any. */
  full(clock: IReactorTime, seconds: number, taken: () => number | undefined, stalled: () => void): void {
    this.#full = true;
    if (this.#timer.isSet) return;
    const progress = (): number => taken() ?? this.#emptied;
    const look = (before: number): void =>
      this.#timer.set(clock, seconds, () => {
        if (!this.#full) return;
        const now = progress();
        if (now === before) stalled();
        else look(now);
      });
    look(progress());
  }

  /** Output has room again. */
  emptied(): void {
    this.#full = false;
    this.#emptied++;
  }

  stop(): void {
    this.#full = false;
    this.#timer.clear();
  }
}
