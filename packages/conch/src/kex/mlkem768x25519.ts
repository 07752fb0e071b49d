/**
 * mlkem768x25519-sha256: ML-KEM-768 and X25519 side by side, safe while either is (draft-ietf-sshm-mlkem-hybrid-kex).
 * The client sends its two public values joined, the server a ciphertext and its public value; K is the hash of both
 * secrets, and is hashed as a string, not as an mpint.
 */
import { createHash } from "node:crypto";
import { KeyExchangeError } from "../error.js";
import { Writer } from "../wire/writer.js";
import type { CurveMethod } from "./method.js";
import { CIPHERTEXT_LENGTH, ENCAPSULATION_KEY_LENGTH, mlkem768, type MlKem768 } from "./mlkem.js";
import { X25519_LENGTH, x25519Pair, x25519Secret } from "./x25519.js";

export function mlkem768x25519(implementation: () => MlKem768 = mlkem768): CurveMethod {
  return {
    kind: "curve", // and a lattice
    name: "mlkem768x25519-sha256",
    hash: "sha256",
    initiate() {
      const kem = implementation();
      const lattice = kem.pair();
      const curve = x25519Pair();
      return {
        value: Buffer.concat([lattice.encapsulationKey, curve.publicBytes]),
        complete(serverValue) {
          const [ciphertext, point] = halves(serverValue, CIPHERTEXT_LENGTH);
          return combined(lattice.decapsulate(ciphertext), x25519Secret(curve.privateKey, point));
        },
      };
    },
    respond(clientValue) {
      const kem = implementation();
      const [encapsulationKey, point] = halves(clientValue, ENCAPSULATION_KEY_LENGTH);
      const curve = x25519Pair();
      const curveSecret = x25519Secret(curve.privateKey, point);
      const { ciphertext, secret } = kem.encapsulate(encapsulationKey);
      return { value: Buffer.concat([ciphertext, curve.publicBytes]), secret: combined(secret, curveSecret) };
    },
  };
}

function halves(value: Buffer, latticeLength: number): [lattice: Buffer, point: Buffer] {
  const length = latticeLength + X25519_LENGTH;
  if (value.length !== length) {
    throw new KeyExchangeError(`an mlkem768x25519 value has ${length} bytes, this one ${value.length}`);
  }
  return [value.subarray(0, latticeLength), value.subarray(latticeLength)];
}

function combined(latticeSecret: Buffer, curveSecret: Buffer): Buffer {
  const out = new Writer(36);
  out.string(createHash("sha256").update(latticeSecret).update(curveSecret).digest());
  return out.payload();
}
