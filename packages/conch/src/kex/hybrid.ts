/**
 * A lattice and a curve side by side, safe while either is (draft-ietf-sshm-mlkem-hybrid-kex, draft-ietf-sshm-ntruprime-ssh):
 * the client sends its two public values joined, the server a ciphertext and its public value; K is the hash of both
 * secrets, and is hashed as a string, not as an mpint.
 */
import { createHash } from "node:crypto";
import { KeyExchangeError } from "../error.js";
import { Writer } from "../wire/writer.js";
import type { Curve } from "./curve.js";
import type { Kem, KemSizes } from "./kem.js";
import type { CurveMethod, HashName } from "./method.js";

/** `implementation` is called by each exchange: what it gives may be loaded by the first. */
export function hybrid(
  name: string,
  sizes: KemSizes,
  implementation: () => Kem,
  curve: Curve,
  hash: HashName,
): CurveMethod {
  const halves = (value: Buffer, latticeLength: number): [lattice: Buffer, point: Buffer] => {
    const length = latticeLength + curve.valueLength;
    if (value.length !== length) {
      throw new KeyExchangeError(`a value of ${name} has ${length} bytes from this side, this one ${value.length}`);
    }
    return [value.subarray(0, latticeLength), value.subarray(latticeLength)];
  };
  const combined = (latticeSecret: Buffer, curveSecret: Buffer): Buffer => {
    const out = new Writer(68);
    out.string(createHash(hash).update(latticeSecret).update(curveSecret).digest());
    return out.payload();
  };
  return {
    kind: "curve", // and a lattice
    name,
    hash,
    initiate() {
      const lattice = implementation().pair();
      const point = curve.pair();
      return {
        value: Buffer.concat([lattice.encapsulationKey, point.value]),
        complete(serverValue) {
          const [ciphertext, theirs] = halves(serverValue, sizes.ciphertext);
          return combined(lattice.decapsulate(ciphertext), point.secret(theirs));
        },
      };
    },
    respond(clientValue) {
      const [encapsulationKey, theirs] = halves(clientValue, sizes.encapsulationKey);
      const point = curve.pair();
      const curveSecret = point.secret(theirs);
      const { ciphertext, secret } = implementation().encapsulate(encapsulationKey);
      return { value: Buffer.concat([ciphertext, point.value]), secret: combined(secret, curveSecret) };
    },
  };
}
