/** Diffie-Hellman in the groups of RFC 3526 (RFC 4253 section 8, RFC 8268): values travel as mpints. */
import { createDiffieHellmanGroup, type DiffieHellmanGroup } from "node:crypto";
import { KeyExchangeError } from "../error.js";
import { mpintFromMagnitude } from "../wire/writer.js";
import type { HashName, PairMethod } from "./method.js";
import { asMpint } from "./secret.js";

/** A value with fewer bits set than this was not drawn at random. */
const LEAST_BITS = 4;

/** `group` as node:crypto names it. */
export function group(name: string, group: string, hash: HashName): PairMethod {
  const secretOf = (ours: DiffieHellmanGroup, value: Buffer): Buffer => {
    checkPublicValue(value, ours.getPrime());
    return asMpint(ours.computeSecret(value));
  };
  return {
    name,
    hash,
    initiate() {
      const ours = createDiffieHellmanGroup(group);
      const value = mpintFromMagnitude(ours.generateKeys());
      return { value, complete: (serverValue) => secretOf(ours, serverValue) };
    },
    respond(clientValue) {
      const ours = createDiffieHellmanGroup(group);
      checkPublicValue(clientValue, ours.getPrime()); // before anything costly
      const value = mpintFromMagnitude(ours.generateKeys());
      return { value, secret: secretOf(ours, clientValue) };
    },
  };
}

/**
 * Is this the body of a positive, minimal mpint between 1 and p - 1, both excluded, that looks random?
 * @throws KeyExchangeError if not (RFC 4253 section 8; rules K8 and K9).
 */
export function checkPublicValue(value: Buffer, prime: Buffer): void {
  const leadingZero = value.length > 1 && value[0] === 0;
  if (value.length === 0 || value[0]! >= 0x80 || (leadingZero && value[1]! < 0x80)) {
    throw new KeyExchangeError("a Diffie-Hellman value is a positive mpint, in its shortest form");
  }
  const magnitude = leadingZero ? value.subarray(1) : value;
  const isOne = magnitude.length === 1 && magnitude[0] === 1;
  if (isOne || magnitude.length > prime.length || !isBelowLast(magnitude, prime)) {
    throw new KeyExchangeError("a Diffie-Hellman value lies between 1 and p - 1");
  }
  let bits = 0;
  for (const byte of magnitude) for (let rest = byte; rest !== 0; rest &= rest - 1) bits++;
  if (bits < LEAST_BITS) throw new KeyExchangeError("the Diffie-Hellman value is too simple");
}

/** value < prime - 1, for a prime, which is odd. */
function isBelowLast(magnitude: Buffer, prime: Buffer): boolean {
  if (magnitude.length < prime.length) return true;
  const last = Buffer.from(prime);
  last[last.length - 1]! -= 1;
  return Buffer.compare(magnitude, last) < 0;
}
