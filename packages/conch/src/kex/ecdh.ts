/** The NIST curves (RFC 5656 section 4); points travel uncompressed. */
import { createECDH, type ECDH } from "node:crypto";
import { KeyExchangeError } from "../error.js";
import { checkLength, type Curve } from "./curve.js";

const UNCOMPRESSED = 4;

export interface NistCurve extends Curve {
  /** @throws KeyExchangeError unless `theirs` is an uncompressed point of the curve. */
  secretOf(ours: ECDH, theirs: Buffer): Buffer;
}

/** `name` is OpenSSL's; `size` that of a coordinate, in bytes. */
function nistCurve(name: string, size: number): NistCurve {
  const valueLength = 1 + 2 * size;
  const secretOf = (ours: ECDH, theirs: Buffer): Buffer => {
    checkLength(name, theirs, valueLength);
    if (theirs[0] !== UNCOMPRESSED) throw new KeyExchangeError(`a value of ${name} is an uncompressed point`);
    try {
      return ours.computeSecret(theirs);
    } catch (cause) {
      throw new KeyExchangeError(`the value is no point of ${name}`, { cause });
    }
  };
  return {
    valueLength,
    secretOf,
    pair() {
      const ours = createECDH(name);
      return { value: ours.generateKeys(), secret: (theirs) => secretOf(ours, theirs) };
    },
  };
}

export const nistp256 = nistCurve("prime256v1", 32);
export const nistp384 = nistCurve("secp384r1", 48);
export const nistp521 = nistCurve("secp521r1", 66);
