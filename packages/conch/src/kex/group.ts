/** Diffie-Hellman modulo a prime (RFC 4253 section 8; the groups of RFC 3526 by RFC 8268): values travel as mpints. */
import { createDiffieHellmanGroup } from "node:crypto";
import { KeyExchangeError } from "../error.js";
import { mpintFromMagnitude } from "../wire/writer.js";
import { foreignExponent, type Exponent } from "./foreign-group.js";
import type { FixedGroupMethod, HashName, Pair } from "./method.js";
import { asMpint } from "./secret.js";

/** A value with fewer bits set than this was not drawn at random. */
const LEAST_BITS = 4;

const GROUPS = ["modp14", "modp15", "modp16", "modp17", "modp18"] as const;
export type GroupName = (typeof GROUPS)[number];

export function fixedGroup(name: string, group: GroupName, hash: HashName): FixedGroupMethod {
  const prime = (): Buffer => createDiffieHellmanGroup(group).getPrime();
  return { kind: "fixedGroup", name, hash, group, ...pairIn(prime, () => namedExponent(group)) };
}

/** The exchange in a group that was agreed upon. Numbers are big-endian, without zeros in front. */
export function pairModulo(prime: Buffer, generator: Buffer): Pair {
  const isTwo = generator.length === 1 && generator[0] === 2;
  const known = isTwo ? GROUPS.find((name) => createDiffieHellmanGroup(name).getPrime().equals(prime)) : undefined;
  return pairIn(
    () => prime,
    () => (known === undefined ? foreignExponent(prime, generator) : namedExponent(known)),
  );
}

function pairIn(prime: () => Buffer, exponent: () => Exponent): Pair {
  const secretOf = (ours: Exponent, value: Buffer): Buffer => asMpint(ours.secret(checkPublicValue(value, prime())));
  return {
    initiate() {
      const ours = exponent();
      return { value: mpintFromMagnitude(ours.publicValue), complete: (serverValue) => secretOf(ours, serverValue) };
    },
    respond(clientValue) {
      checkPublicValue(clientValue, prime()); // before anything costly
      const ours = exponent();
      return { value: mpintFromMagnitude(ours.publicValue), secret: secretOf(ours, clientValue) };
    },
  };
}

/** node:crypto knows these groups, and draws exponents that are as short as may be. */
function namedExponent(group: GroupName): Exponent {
  const ours = createDiffieHellmanGroup(group);
  return { publicValue: ours.generateKeys(), secret: (theirs) => ours.computeSecret(theirs) };
}

/**
 * Is this the body of a positive, minimal mpint between 1 and p - 1, both excluded, that looks random?
 * @returns its bytes without a leading zero
 * @throws KeyExchangeError if not (RFC 4253 section 8; rules K8 and K9).
 */
export function checkPublicValue(value: Buffer, prime: Buffer): Buffer {
  const magnitude = positive(value);
  checkBetween(magnitude, prime);
  let bits = 0;
  for (const byte of magnitude) for (let rest = byte; rest !== 0; rest &= rest - 1) bits++;
  if (bits < LEAST_BITS) throw new KeyExchangeError("the Diffie-Hellman value is too simple");
  return magnitude;
}

/** @throws KeyExchangeError unless 1 < magnitude < prime - 1. */
export function checkBetween(magnitude: Buffer, prime: Buffer): void {
  const isOne = magnitude.length === 1 && magnitude[0] === 1;
  if (isOne || magnitude.length > prime.length || !isBelowLast(magnitude, prime)) {
    throw new KeyExchangeError("a Diffie-Hellman value lies between 1 and p - 1");
  }
}

/** The bytes of an mpint without a leading zero. @throws KeyExchangeError unless it is positive and minimal (K9). */
export function positive(mpint: Buffer): Buffer {
  const [first = 0, second = 0] = mpint;
  if (first >= 0x80 || (first === 0 && second < 0x80)) {
    throw new KeyExchangeError("a Diffie-Hellman value is a positive mpint, in its shortest form");
  }
  return first === 0 ? mpint.subarray(1) : mpint;
}

/** value < prime - 1, for a prime, which is odd. */
function isBelowLast(magnitude: Buffer, prime: Buffer): boolean {
  if (magnitude.length < prime.length) return true;
  const last = Buffer.from(prime);
  last[last.length - 1]! -= 1;
  return Buffer.compare(magnitude, last) < 0;
}
