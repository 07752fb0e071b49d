/** The groups that a server has for group exchange (RFC 4419): several of a size, so that no one of them is worth the most. */
import { randomInt } from "node:crypto";
import { ConchError } from "../error.js";
import { methods } from "../kex/methods.js";

export type Group = readonly [generator: bigint, prime: bigint];

/** Groups by the bits of their primes. */
export type Primes = ReadonlyMap<number, readonly Group[]>;

export function isGroupExchange(keyExchange: string): boolean {
  return methods.get(keyExchange)?.kind === "groupExchange";
}

/** One of those whose size is nearest, by chance; the size that was put in first wins a tie. */
export function nearestGroup(primes: Primes, bits: number): Group {
  let nearest: readonly Group[] = [];
  let distance = Infinity;
  for (const [size, groups] of primes) {
    if (groups.length === 0 || Math.abs(size - bits) >= distance) continue;
    nearest = groups;
    distance = Math.abs(size - bits);
  }
  if (nearest.length === 0) throw new ConchError("there are no groups to exchange");
  return nearest[randomInt(nearest.length)]!;
}
