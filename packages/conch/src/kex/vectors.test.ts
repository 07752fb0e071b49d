/** Published values: ML-KEM-768 (FIPS 203) in what Node has and in @noble/post-quantum, X25519 (RFC 7748, RFC 8731). */
import * as crypto from "node:crypto";
import { shake128 } from "@noble/hashes/sha3.js";
import { ml_kem768 as kem } from "@noble/post-quantum/ml-kem.js";
import { describe, expect, test } from "vitest";
import { CIPHERTEXT_LENGTH, nativeMlKem768 } from "./mlkem.js";
import { x25519Secret } from "./x25519.js";

interface Opener {
  readonly encapsulationKey: Uint8Array;
  readonly decapsulate: (ciphertext: Uint8Array) => Uint8Array;
}

function nobleOpener(seed: Uint8Array): Opener {
  const { publicKey, secretKey } = kem.keygen(seed);
  return { encapsulationKey: publicKey, decapsulate: (ciphertext) => kem.decapsulate(ciphertext, secretKey) };
}

/** PrivateKeyInfo of an ML-KEM-768 key that is its seed (RFC 9935), up to the seed. */
const SEED_PREFIX = Buffer.from("3054020100300b060960864801650304040204428040", "hex");

function nativeOpener(seed: Uint8Array): Opener {
  const { decapsulate } = crypto as unknown as { decapsulate: (key: crypto.KeyObject, from: Uint8Array) => Buffer };
  const der = Buffer.concat([SEED_PREFIX, seed]);
  const key = crypto.createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const spki = crypto.createPublicKey(key).export({ format: "der", type: "spki" });
  return { encapsulationKey: spki.subarray(-1184), decapsulate: (ciphertext) => decapsulate(key, ciphertext) };
}

/**
 * The accumulated test of C2SP/CCTV: keys, ciphertexts, secrets and implicit rejections, drawn from SHAKE-128 of nothing and
 * hashed by SHAKE-128. Encapsulation is noble's, as Node has none that a test can foretell.
 */
function accumulated(open: (seed: Uint8Array) => Opener): string {
  const [drawn, seen] = [shake128.create(), shake128.create()];
  for (let round = 0; round < 100; round++) {
    const { encapsulationKey, decapsulate } = open(drawn.xof(64));
    const { cipherText, sharedSecret } = kem.encapsulate(encapsulationKey, drawn.xof(32));
    expect(Buffer.from(decapsulate(cipherText))).toEqual(Buffer.from(sharedSecret));
    const foreign = drawn.xof(CIPHERTEXT_LENGTH);
    for (const part of [encapsulationKey, cipherText, sharedSecret, decapsulate(foreign)]) seen.update(part);
  }
  return Buffer.from(seen.xof(32)).toString("hex");
}

const ACCUMULATED = "1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415";

describe("ML-KEM-768", () => {
  test("of @noble/post-quantum gives the accumulated values", () => {
    expect(accumulated(nobleOpener)).toBe(ACCUMULATED);
  });

  test.skipIf(nativeMlKem768() === null)("of Node gives the accumulated values", () => {
    expect(accumulated(nativeOpener)).toBe(ACCUMULATED);
  });
});

/** RFC 7748 section 5.2: k and u change places with the result. */
describe("X25519 over and over", () => {
  const prefix = Buffer.from("302e020100300506032b656e04220420", "hex");
  for (const [times, expected] of [
    [1, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"],
    [1000, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"],
  ] as const) {
    test(`${times} times gives the value of the standard`, () => {
      let [k, u]: [Buffer, Buffer] = [Buffer.alloc(32), Buffer.alloc(32)];
      k[0] = u[0] = 9;
      for (let round = 0; round < times; round++) {
        const key = crypto.createPrivateKey({ key: Buffer.concat([prefix, k]), format: "der", type: "pkcs8" });
        [k, u] = [x25519Secret(key, u), k];
      }
      expect(k.toString("hex")).toBe(expected);
    });
  }
});
