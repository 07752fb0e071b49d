/**
 * Streamlined NTRU Prime 761 (sntrup761; Bernstein, Brumley, Chen, Chuengsatiansup, Lange, Marotzke, Peng, Tuveri, van
 * Vredendaal and Yang, "NTRU Prime: round 3"), which Node lacks. Polynomials are of degree below 761, modulo x^761 - x - 1;
 * "small" ones have coefficients -1, 0 and 1, "short" ones are small with 286 that are not 0. A pair opens one ciphertext
 * here, which leaves whoever measures time one measurement; and where this is broken, the curve beside it still holds.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Kem } from "./kem.js";

const P = 761;
const Q = 4591;
const WEIGHT = 286;
const HALF_Q = (Q - 1) / 2;
const HASH_LENGTH = 32;
const SMALL_LENGTH = Math.ceil(P / 4);

/** How numbers from 0 to below their radix are encoded: coefficients modulo q, and those that were rounded to thirds. */
const RADICES_Q: readonly number[] = Array<number>(P).fill(Q);
const RADICES_ROUNDED: readonly number[] = Array<number>(P).fill((Q + 2) / 3);
/** Radices are joined in pairs as long as they are below this; what is above goes out as bytes. */
const LIMIT = 16384;

type Polynomial = Int32Array;

/** Integers modulo an odd prime, those nearest to 0, by two multiplications and no branch. */
interface Ring {
  readonly modulus: number;
  /** 1 / modulus in 18 and in 27 bits. */
  readonly rough: number;
  readonly fine: number;
}

const ring = (modulus: number): Ring => ({
  modulus,
  rough: Math.round(2 ** 18 / modulus),
  fine: Math.round(2 ** 27 / modulus),
});

const MODULO_Q = ring(Q);
const MODULO_3 = ring(3);

export interface Sntrup761Secret {
  readonly f: Polynomial;
  /** 1 / g modulo 3 */
  readonly inverseOfG: Polynomial;
  readonly encapsulationKey: Buffer;
  /** Stands for a message where there is none to be found. */
  readonly rejection: Buffer;
}

export function sntrup761(): Kem {
  return {
    pair() {
      const secret = generate();
      return { encapsulationKey: secret.encapsulationKey, decapsulate: (ciphertext) => open(secret, ciphertext) };
    },
    encapsulate(encapsulationKey) {
      const r = randomShort();
      const ciphertext = seal(r, encapsulationKey);
      return { ciphertext, secret: sessionKey(1, encodeSmall(r), ciphertext) };
    },
  };
}

/** The session key of a ciphertext, or one that nobody else has where it was not made for this pair. */
export function open(secret: Sntrup761Secret, ciphertext: Buffer): Buffer {
  const rounded = decodeRounded(ciphertext);
  const e = multiply(rounded, secret.f, MODULO_Q).map((coefficient) =>
    reduce(reduce(3 * coefficient, MODULO_Q), MODULO_3),
  );
  const found = multiply(e, secret.inverseOfG, MODULO_3);
  const isShort = found.reduce((weight, coefficient) => weight + Math.abs(coefficient), 0) === WEIGHT;
  const r = isShort ? found : found.map((_, index) => (index < WEIGHT ? 1 : 0));
  const isGood = timingSafeEqual(seal(r, secret.encapsulationKey), ciphertext);
  return sessionKey(isGood ? 1 : 0, isGood ? encodeSmall(r) : secret.rejection, ciphertext);
}

function generate(): Sntrup761Secret {
  for (;;) {
    const g = randomSmall();
    const inverseOfG = reciprocal(g, 1, MODULO_3);
    if (inverseOfG === null) continue; // not every g has one
    const f = randomShort();
    const h = multiply(reciprocal(f, 3, MODULO_Q)!, g, MODULO_Q); // modulo q there is always one
    const encapsulationKey = encode(
      Array.from(h, (coefficient) => coefficient + HALF_Q),
      RADICES_Q,
    );
    return { f, inverseOfG, encapsulationKey, rejection: randomBytes(SMALL_LENGTH) };
  }
}

/** The ciphertext of `r`, with what confirms it. */
function seal(r: Polynomial, encapsulationKey: Buffer): Buffer {
  const h = Int32Array.from(decode(encapsulationKey, RADICES_Q), (value) => value - HALF_Q);
  const rounded = multiply(h, r, MODULO_Q).map((coefficient) => coefficient - reduce(coefficient, MODULO_3));
  const confirmation = hash(2, hash(3, encodeSmall(r)), hash(4, encapsulationKey));
  return Buffer.concat([
    encode(
      Array.from(rounded, (value) => (value + HALF_Q) / 3),
      RADICES_ROUNDED,
    ),
    confirmation,
  ]);
}

/** `kind` is 1 for a message that was found, 0 for a rejection. */
function sessionKey(kind: 0 | 1, message: Buffer, ciphertext: Buffer): Buffer {
  return hash(kind, hash(3, message), ciphertext);
}

function hash(kind: number, ...parts: readonly Uint8Array[]): Buffer {
  const digest = createHash("sha512").update(Buffer.of(kind));
  for (const part of parts) digest.update(part);
  return digest.digest().subarray(0, HASH_LENGTH);
}

// Arithmetic

/** `value` is below 2^31 when multiplied by `rough`. */
function reduce(value: number, { modulus, rough, fine }: Ring): number {
  const near = value - Math.imul(modulus, Math.imul(rough, value) >> 18);
  return near - Math.imul(modulus, (Math.imul(fine, near) + 2 ** 26) >> 27);
}

/** One of the two is small. */
function multiply(a: Polynomial, b: Polynomial, within: Ring): Polynomial {
  const product = new Int32Array(2 * P + 6);
  addProducts(padded(a), padded(b), product);
  // x^761 is x + 1
  for (let i = 2 * P - 1; i >= P; i--) {
    product[i - P]! += product[i]!;
    product[i - P + 1]! += product[i]!;
  }
  return product.subarray(0, P).map((coefficient) => reduce(coefficient, within));
}

/** Four rows of products at a time, each of which is shifted by one: this is where most of the time goes. */
function addProducts(a: Polynomial, b: Polynomial, product: Int32Array): void {
  for (let i = 0; i < P; i += 4) {
    const [a0, a1, a2, a3] = [a[i]!, a[i + 1]!, a[i + 2]!, a[i + 3]!];
    let [b1, b2, b3] = [0, 0, 0];
    for (let j = 0; j < P + 3; j++) {
      const b0 = b[j]!;
      const sum = Math.imul(a0, b0) + Math.imul(a1, b1) + Math.imul(a2, b2) + Math.imul(a3, b3);
      product[i + j] = product[i + j]! + sum;
      b3 = b2;
      b2 = b1;
      b1 = b0;
    }
  }
}

function padded(polynomial: Polynomial): Polynomial {
  const longer = new Int32Array(P + 3);
  longer.set(polynomial);
  return longer;
}

/** 1 / (factor a), or null where there is none: by 2p - 1 division steps, of Bernstein and Yang. */
function reciprocal(a: Polynomial, factor: number, within: Ring): Polynomial | null {
  let [f, g, v, r] = [1, 2, 3, 4].map(() => new Int32Array(P + 1)) as [Polynomial, Polynomial, Polynomial, Polynomial];
  f[0] = 1;
  f[P - 1] = f[P] = -1;
  for (let i = 0; i < P; i++) g[P - 1 - i] = a[i]!;
  r[0] = inverse(factor, within);
  let delta = 1;
  for (let step = 0; step < 2 * P - 1; step++) {
    v.copyWithin(1, 0, P);
    v[0] = 0;
    if (delta > 0 && g[0] !== 0) {
      [f, g, v, r] = [g, f, r, v];
      delta = -delta;
    }
    delta++;
    combine(f, g, v, r, within);
  }
  if (delta !== 0) return null;
  const scale = inverse(f[0]!, within);
  return Int32Array.from({ length: P }, (_, i) => reduce(scale * v[P - 1 - i]!, within));
}

/** One division step: g becomes (f(0) g - g(0) f) / x, and r the same of r and v, without the division. */
function combine(f: Polynomial, g: Polynomial, v: Polynomial, r: Polynomial, within: Ring): void {
  const [f0, g0] = [f[0]!, g[0]!];
  for (let i = 1; i <= P; i++) g[i - 1] = reduce(Math.imul(f0, g[i]!) - Math.imul(g0, f[i]!), within);
  g[P] = 0;
  for (let i = 0; i <= P; i++) r[i] = reduce(Math.imul(f0, r[i]!) - Math.imul(g0, v[i]!), within);
}

/** The power to two less than the modulus. */
function inverse(value: number, within: Ring): number {
  let power = value;
  for (let exponent = 1; exponent < within.modulus - 2; exponent++) power = reduce(power * value, within);
  return reduce(power, within);
}

// Chance

function randomWords(): Uint32Array {
  const bytes = randomBytes(4 * P);
  return Uint32Array.from({ length: P }, (_, i) => bytes.readUInt32LE(4 * i));
}

function randomSmall(): Polynomial {
  return Int32Array.from(randomWords(), (word) => Math.floor(((word >>> 2) * 3) / 2 ** 30) - 1);
}

/** The coefficients are in the two lowest bits of words that others put in order. */
function randomShort(): Polynomial {
  const words = randomWords().map((word, i) => (i < WEIGHT ? word & ~1 : (word & ~3) | 1));
  return Int32Array.from(words.sort(), (word) => (word & 3) - 1);
}

// Bytes

/** Four coefficients a byte. */
function encodeSmall(polynomial: Polynomial): Buffer {
  const bytes = Buffer.alloc(SMALL_LENGTH);
  for (let i = 0; i < P; i++) bytes[i >> 2]! |= (polynomial[i]! + 1) << (2 * (i & 3));
  return bytes;
}

export function decodeSmall(bytes: Buffer): Polynomial {
  return Int32Array.from({ length: P }, (_, i) => ((bytes[i >> 2]! >> (2 * (i & 3))) & 3) - 1);
}

function decodeRounded(bytes: Buffer): Polynomial {
  return Int32Array.from(decode(bytes, RADICES_ROUNDED), (value) => 3 * value - HALF_Q);
}

/** A number in mixed radix, bytes of it written as soon as pairs of digits make some; little-endian. */
function encode(digits: readonly number[], radices: readonly number[]): Buffer {
  const bytes: number[] = [];
  let level = [digits, radices] as const;
  while (level[0].length > 1) {
    const [values, limits] = level;
    const [joined, joinedLimits]: [number[], number[]] = [[], []];
    for (let i = 0; i + 1 < values.length; i += 2) {
      let value = values[i]! + values[i + 1]! * limits[i]!;
      let limit = limits[i]! * limits[i + 1]!;
      for (; limit >= LIMIT; limit = Math.ceil(limit / 256), value = Math.floor(value / 256)) bytes.push(value % 256);
      joined.push(value);
      joinedLimits.push(limit);
    }
    if (values.length % 2 === 1) {
      joined.push(values.at(-1)!);
      joinedLimits.push(limits.at(-1)!);
    }
    level = [joined, joinedLimits];
  }
  let [value, limit] = [level[0][0]!, level[1][0]!];
  for (; limit > 1; limit = Math.ceil(limit / 256), value = Math.floor(value / 256)) bytes.push(value % 256);
  return Buffer.from(bytes);
}

/** Any bytes of the right number give digits, each below its radix. */
function decode(bytes: Buffer, radices: readonly number[]): number[] {
  let at = 0;
  const below = (limits: readonly number[]): number[] => {
    if (limits.length === 1) {
      const value = limits[0]! <= 256 ? bytes[at]! : bytes.readUInt16LE(at);
      return [value % limits[0]!];
    }
    // What encode wrote of this level, before it went on to the next.
    const lows: { readonly value: number; readonly scale: number }[] = [];
    const joinedLimits: number[] = [];
    for (let i = 0; i + 1 < limits.length; i += 2) {
      let [limit, value, scale] = [limits[i]! * limits[i + 1]!, 0, 1];
      for (; limit >= LIMIT; limit = Math.ceil(limit / 256), scale *= 256) value += bytes[at++]! * scale;
      lows.push({ value, scale });
      joinedLimits.push(limit);
    }
    if (limits.length % 2 === 1) joinedLimits.push(limits.at(-1)!);
    const joined = below(joinedLimits);
    const digits = lows.flatMap(({ value, scale }, pair) => {
      const both = value + scale * joined[pair]!;
      const limit = limits[2 * pair]!;
      return [both % limit, Math.floor(both / limit) % limits[2 * pair + 1]!];
    });
    if (limits.length % 2 === 1) digits.push(joined.at(-1)!);
    return digits;
  };
  return below(radices);
}
