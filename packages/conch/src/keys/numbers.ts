/** Positive integers of keys: as bigint, as big-endian magnitude, and as they travel (RFC 4251 section 5, mpint). */
import type { Reader } from "../wire/reader.js";
import { BadKeyError } from "./errors.js";

/** Reads an mpint that must be positive and as short as can be, and returns its magnitude without a leading zero. */
export function readPositive(from: Reader): Buffer {
  const bytes = from.string();
  if (bytes.length === 0 || bytes[0]! & 0x80) throw new BadKeyError("an integer of the key is not positive");
  if (bytes[0] !== 0) return bytes;
  if (bytes.length === 1 || !(bytes[1]! & 0x80)) throw new BadKeyError("an integer of the key has a leading zero");
  return bytes.subarray(1);
}

export function toBigInt(magnitude: Uint8Array): bigint {
  if (magnitude.length === 0) return 0n;
  return BigInt(`0x${Buffer.from(magnitude.buffer, magnitude.byteOffset, magnitude.byteLength).toString("hex")}`);
}

/** Big-endian bytes of a number that is not negative, with zeros in front up to `length`. */
export function toMagnitude(value: bigint, length = 0): Buffer {
  const hex = value === 0n ? "" : value.toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  return Buffer.from(even.padStart(2 * length, "0"), "hex");
}

export function bitLength(magnitude: Uint8Array): number {
  const first = magnitude.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : 8 * (magnitude.length - first) - Math.clz32(magnitude[first]!) + 24;
}

/** @throws BadKeyError when `value` has no inverse. */
export function modularInverse(value: bigint, modulus: bigint): bigint {
  let [low, high] = [((value % modulus) + modulus) % modulus, modulus];
  let [x, y] = [1n, 0n];
  while (low > 1n) {
    const quotient = high / low;
    [low, high] = [high - quotient * low, low];
    [x, y] = [y - quotient * x, x];
  }
  if (low !== 1n) throw new BadKeyError("the numbers of the key do not fit together");
  return ((x % modulus) + modulus) % modulus;
}

export function modularPower(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}
