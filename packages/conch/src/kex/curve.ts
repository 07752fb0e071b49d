/** What exchanges over a curve share: a pair of keys, and the secret of two. */
import { KeyExchangeError } from "../error.js";
import type { CurveMethod, HashName } from "./method.js";
import { asMpint } from "./secret.js";

export interface Curve {
  /** Bytes of a public value. */
  readonly valueLength: number;
  /** A fresh pair. */
  pair(): CurvePair;
}

export interface CurvePair {
  readonly value: Buffer;
  /**
   * The secret, as many bytes as the curve's numbers have.
   * @throws KeyExchangeError if `theirs` is no public value of the curve.
   */
  secret(theirs: Buffer): Buffer;
}

/** The exchange by a curve alone. */
export function curveMethod(name: string, curve: Curve, hash: HashName): CurveMethod {
  return {
    kind: "curve",
    name,
    hash,
    initiate() {
      const ours = curve.pair();
      return { value: ours.value, complete: (serverValue) => asMpint(ours.secret(serverValue)) };
    },
    respond(clientValue) {
      const ours = curve.pair();
      return { value: ours.value, secret: asMpint(ours.secret(clientValue)) };
    },
  };
}

/** @throws KeyExchangeError unless `value` has its curve's length. */
export function checkLength(curve: string, value: Buffer, length: number): void {
  if (value.length !== length) {
    throw new KeyExchangeError(`a value of ${curve} has ${length} bytes, this one ${value.length}`);
  }
}
