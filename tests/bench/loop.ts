/** How long the event loop stood still, and how much of that was its own work. */
import { readFileSync } from "node:fs";

export interface Standstill {
  /** Milliseconds: the longest time between two turns, and the 99th of a hundred. */
  readonly max: number;
  readonly p99: number;
  /**
   * The most processor time that the loop's thread had between two turns: the longest that our code kept it, whatever else
   * the machine was doing. Not a number outside Linux.
   */
  readonly busy: number;
}

const TICK = 1; // milliseconds

export class LoopWatch {
  readonly #gaps: number[] = [];
  #busy = 0;
  #timer: NodeJS.Timeout;
  #at = performance.now();
  #had = processorTime();

  constructor() {
    this.#timer = setTimeout(() => this.#tick(), TICK);
  }

  stop(): Standstill {
    clearTimeout(this.#timer);
    const sorted = this.#gaps.sort((a, b) => a - b);
    const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
    return { max: rounded(sorted.at(-1) ?? 0), p99: rounded(p99), busy: rounded(this.#busy) };
  }

  #tick(): void {
    this.#gaps.push(performance.now() - this.#at - TICK);
    const busy = processorTime() - this.#had;
    if (!(busy <= this.#busy)) this.#busy = busy;
    this.#had = processorTime();
    this.#at = performance.now();
    this.#timer = setTimeout(() => this.#tick(), TICK);
  }
}

let watch: LoopWatch | null = null;

/** What there was since this was last asked, and null the first time, when it begins to watch. */
export function standstill(): Standstill | null {
  const found = watch?.stop() ?? null;
  watch = new LoopWatch();
  return found;
}

/** Milliseconds for which this process's first thread has run. */
function processorTime(): number {
  try {
    return Number(readFileSync("/proc/self/schedstat", "latin1").split(" ")[0]) / 1e6;
  } catch {
    return NaN;
  }
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
