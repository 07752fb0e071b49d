/** What both parsers of control sequences have in common. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { isLater } from "../channel/later.js";

/** Characters of a control sequence that are kept; the longest that are in use have a third of them. */
export const MAX_SEQUENCE = 256;

/** What ends a sequence that began with `ESC [`. */
export function isFinal(ch: string): boolean {
  return /^[A-Za-z~]$/.test(ch);
}

/** The numbers of `1;2`, or null unless all are numbers. */
export function integers(parameters: string): number[] | null {
  const parts = parameters.split(";");
  return parts.every((part) => /^\d+$/.test(part)) ? parts.map(Number) : null;
}

/** Calls `run`, which hands over what its calls give back: a promise if one of them is, so that nobody's rejection is lost. */
export function collected(run: (result: (given: unknown) => void) => void): MaybeAsync {
  const later: PromiseLike<unknown>[] = [];
  try {
    run((given) => {
      if (isLater(given)) later.push(given);
    });
  } catch (error) {
    if (later.length === 0) throw error;
    later.push(Promise.reject(error));
  }
  return later.length === 0 ? undefined : Promise.all(later);
}
