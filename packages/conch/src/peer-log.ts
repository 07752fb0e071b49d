/** Log lines that a peer brings about: a bounded number a second, and the rest is counted (rule L4). */
import type { Logger } from "@strombus/reactor/logger";

const BURST = 50; // lines
const PER_SECOND = 5;

type Lines = Pick<Logger, "debug" | "info" | "warn" | "error" | "failure">;

const SILENCE: Lines = { debug() {}, info() {}, warn() {}, error() {}, failure() {} };

const budgets = new WeakMap<object, LineBudget>();

/**
 * Where one line goes that this peer brought about: to `log`, or nowhere when there were too many.
 * @param peer stands for it: its transport. Without one there is no bound.
 */
export function peerLog(log: Logger, peer: object | null | undefined): Lines {
  if (peer == null) return log;
  const budget = budgets.get(peer) ?? new LineBudget();
  budgets.set(peer, budget);
  const left = budget.take(performance.now() / 1000);
  if (left === null) return SILENCE;
  if (left > 0) log.warn("{count} lines that one peer brought about were left out", { count: left });
  return log;
}

/** A bucket that fills by the second. */
export class LineBudget {
  #lines = BURST;
  #at: number | null = null;
  #left = 0;

  /** Takes a line. @returns how many were left out before it, or null when it is left out too. `now` is in seconds. */
  take(now: number): number | null {
    this.#lines = Math.min(BURST, this.#lines + (now - (this.#at ?? now)) * PER_SECOND);
    this.#at = now;
    if (this.#lines < 1) {
      this.#left += 1;
      return null;
    }
    this.#lines -= 1;
    const left = this.#left;
    this.#left = 0;
    return left;
  }
}
