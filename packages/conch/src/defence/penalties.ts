/** Sources that misbehaved are refused for a while, longer the more they do (rule R6; sshd's PerSourcePenalties). */
import type { Offence } from "../transport/gate.js";

/** Seconds. */
export interface PenaltyTerms {
  /** What each offence adds. */
  readonly terms: Readonly<Record<Offence, number>>;
  /** A debt below this is only remembered. */
  readonly feltFrom: number;
  /** A debt never grows over this. */
  readonly most: number;
  /** Sources remembered at the most; beyond, newcomers go free. */
  readonly sources: number;
}

interface Debt {
  /** When it is paid. */
  until: number;
  /** It has once been large enough to be felt, and is felt until it is paid. */
  felt: boolean;
}

const SWEEP_EVERY = 4096; // new sources

export class Penalties {
  readonly #debts = new Map<string, Debt>();
  #sinceSweep = 0;
  #sweptAt = -Infinity;

  get size(): number {
    return this.#debts.size;
  }

  /** Seconds for which this source is still refused; 0 lets it in. */
  left(source: string, now: number): number {
    const debt = this.#debts.get(source);
    if (debt === undefined) return 0;
    if (debt.until <= now) {
      this.#debts.delete(source);
      return 0;
    }
    return debt.felt ? debt.until - now : 0;
  }

  add(source: string, offence: Offence, now: number, { terms, feltFrom, most, sources }: PenaltyTerms): void {
    const term = terms[offence];
    if (term <= 0) return;
    let debt = this.#debts.get(source);
    if (debt === undefined) {
      this.#sweep(now, sources);
      if (this.#debts.size >= sources) return; // who floods the table with addresses must not lock out the rest
      this.#debts.set(source, (debt = { until: now, felt: false }));
    } else if (debt.until <= now) {
      debt.felt = false;
    }
    debt.until = Math.min(Math.max(debt.until, now) + term, now + most);
    if (debt.until - now >= feltFrom) debt.felt = true;
  }

  /** Forgets what is paid, now and then: at the latest when the table is full, at most once a second. */
  #sweep(now: number, sources: number): void {
    if (++this.#sinceSweep < SWEEP_EVERY && this.#debts.size < sources) return;
    if (now - this.#sweptAt < 1) return;
    this.#sinceSweep = 0;
    this.#sweptAt = now;
    for (const [source, { until }] of this.#debts) if (until <= now) this.#debts.delete(source);
  }
}
