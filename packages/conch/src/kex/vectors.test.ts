/** Published values, and a few of other people's making: ML-KEM (FIPS 203) in what Node has and in @noble/post-quantum, X25519 (RFC 7748, RFC 8731), ECDH. */
import * as crypto from "node:crypto";
import { shake128 } from "@noble/hashes/sha3.js";
import { ml_kem1024, ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { describe, expect, test } from "vitest";
import { KeyExchangeError } from "../error.js";
import { fromHex, vectors } from "../vectors.test.support.js";
import { nistp256, nistp384, nistp521 } from "./ecdh.js";
import { MLKEM_SIZES, nativeMlKem, nobleMlKem, type MlKemName } from "./mlkem.js";
import { decodeSmall, open } from "./sntrup761.js";
import { x25519Secret } from "./x25519.js";

interface Opener {
  readonly encapsulationKey: Uint8Array;
  readonly decapsulate: (ciphertext: Uint8Array) => Uint8Array;
}

type Open = (seed: Uint8Array) => Opener;

const NOBLE = { "ml-kem-768": ml_kem768, "ml-kem-1024": ml_kem1024 };

const nobleOpener =
  (name: MlKemName): Open =>
  (seed) => {
    const kem = NOBLE[name];
    const { publicKey, secretKey } = kem.keygen(seed);
    return { encapsulationKey: publicKey, decapsulate: (ciphertext) => kem.decapsulate(ciphertext, secretKey) };
  };

/** PrivateKeyInfo of a key that is its seed (RFC 9935), up to the seed. */
const SEED_PREFIXES = {
  "ml-kem-768": fromHex("3054020100300b060960864801650304040204428040"),
  "ml-kem-1024": fromHex("3054020100300b060960864801650304040304428040"),
};

const nativeOpener =
  (name: MlKemName): Open =>
  (seed) => {
    const { decapsulate } = crypto as unknown as { decapsulate: (key: crypto.KeyObject, from: Uint8Array) => Buffer };
    const der = Buffer.concat([SEED_PREFIXES[name], seed]);
    const key = crypto.createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    const spki = crypto.createPublicKey(key).export({ format: "der", type: "spki" });
    return {
      encapsulationKey: spki.subarray(-MLKEM_SIZES[name].encapsulationKey),
      decapsulate: (ciphertext) => decapsulate(key, ciphertext),
    };
  };

/**
 * The accumulated test of C2SP/CCTV: keys, ciphertexts, secrets and implicit rejections, drawn from SHAKE-128 of nothing and
 * hashed by SHAKE-128. Encapsulation is noble's, as Node has none that a test can foretell.
 */
function accumulated(name: MlKemName, open: Open): string {
  const [drawn, seen] = [shake128.create(), shake128.create()];
  for (let round = 0; round < 100; round++) {
    const { encapsulationKey, decapsulate } = open(drawn.xof(64));
    const { cipherText, sharedSecret } = NOBLE[name].encapsulate(encapsulationKey, drawn.xof(32));
    expect(Buffer.from(decapsulate(cipherText))).toEqual(Buffer.from(sharedSecret));
    const foreign = drawn.xof(MLKEM_SIZES[name].ciphertext);
    for (const part of [encapsulationKey, cipherText, sharedSecret, decapsulate(foreign)]) seen.update(part);
  }
  return toHex(seen.xof(32));
}

const ACCUMULATED = "1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415"; // of ML-KEM-768

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const hashOf = (bytes: Uint8Array): string => crypto.createHash("sha256").update(bytes).digest("hex");

for (const name of ["ml-kem-768", "ml-kem-1024"] as const) {
  const kem = NOBLE[name];
  const published = vectors(new URL(`vectors/${name}.txt`, import.meta.url));
  for (const [whose, implementation, opener] of [
    ["@noble/post-quantum", nobleMlKem(name), nobleOpener(name)],
    ["Node", nativeMlKem(name), nativeOpener(name)],
  ] as const) {
    describe.skipIf(implementation === null)(`${name} of ${whose}`, () => {
      test.runIf(name === "ml-kem-768")("gives the accumulated values", () => {
        expect(accumulated(name, opener)).toBe(ACCUMULATED);
      });

      test("makes the keys of the seeds, and opens what was sealed for them, or what was not as something else", () => {
        for (const [kind, seed, keyHash, message, sealed, secret] of published as readonly string[][]) {
          if (kind === "seal" || kind === "refuse") continue;
          const { encapsulationKey, decapsulate } = opener(fromHex(seed!));
          expect([kind, hashOf(encapsulationKey)]).toEqual([kind, keyHash]);
          if (kind === "keygen") continue;
          const ciphertext =
            kind === "exchange" ? kem.encapsulate(encapsulationKey, fromHex(message!)).cipherText : fromHex(sealed!);
          if (kind === "exchange") expect(hashOf(ciphertext)).toBe(sealed);
          expect([kind, toHex(decapsulate(ciphertext))]).toEqual([kind, secret]);
        }
      });

      test("seals for the keys that FIPS 203 section 7.2 admits, and for no others", () => {
        for (const [kind, key, , message, sealedHash, secret] of published as readonly string[][]) {
          if (kind === "refuse") expect(() => implementation!.encapsulate(fromHex(key!))).toThrow(KeyExchangeError);
          if (kind !== "seal") continue;
          expect(implementation!.encapsulate(fromHex(key!)).ciphertext).toHaveLength(MLKEM_SIZES[name].ciphertext);
          const { cipherText, sharedSecret } = kem.encapsulate(fromHex(key!), fromHex(message!)); // one to foretell
          expect([hashOf(cipherText), toHex(sharedSecret)]).toEqual([sealedHash, secret]);
        }
      });
    });
  }

  test(`there are ${name} vectors of each kind`, () => {
    const kinds = published.map(([kind]) => kind);
    expect([...new Set(kinds)].sort()).toEqual(["exchange", "keygen", "open", "refuse", "reject", "seal"]);
  });
}

test("sntrup761 opens what liboqs has sealed, and makes the same of what was not for it", () => {
  for (const [, bytes, ciphertext, secret] of vectors(new URL("vectors/sntrup761.txt", import.meta.url))) {
    const key = fromHex(bytes!); // f, 1/g, the encapsulation key, what stands for a message, and a hash
    const ours = {
      f: decodeSmall(key.subarray(0, 191)),
      inverseOfG: decodeSmall(key.subarray(191, 382)),
      encapsulationKey: key.subarray(382, 1540),
      rejection: key.subarray(1540, 1731),
    };
    expect(toHex(open(ours, fromHex(ciphertext!)))).toBe(secret);
  }
});

/** PrivateKeyInfo of an X25519 key (RFC 8410), up to the key. */
const X25519_PREFIX = fromHex("302e020100300506032b656e04220420");

const x25519Key = (bytes: Buffer): crypto.KeyObject =>
  crypto.createPrivateKey({ key: Buffer.concat([X25519_PREFIX, bytes]), format: "der", type: "pkcs8" });

test("X25519 gives the secrets of Wycheproof, and none of nothing but zeros (RFC 8731 section 3)", () => {
  for (const [, flags, theirs, ours, secret] of vectors(new URL("vectors/x25519.txt", import.meta.url))) {
    const make = (): Buffer => x25519Secret(x25519Key(fromHex(ours!)), fromHex(theirs!));
    if (flags!.includes("ZeroSharedSecret")) expect(make, `${flags} ${theirs}`).toThrow(KeyExchangeError);
    else expect([flags, theirs, toHex(make())]).toEqual([flags, theirs, secret]);
  }
});

for (const [name, openssl, curve] of [
  ["nistp256", "prime256v1", nistp256],
  ["nistp384", "secp384r1", nistp384],
  ["nistp521", "secp521r1", nistp521],
] as const) {
  test(`ECDH on ${name} gives the secrets of Wycheproof, and none of compressed or foreign points`, () => {
    for (const [result, flags, theirs, ours, secret] of vectors(new URL(`vectors/ecdh-${name}.txt`, import.meta.url))) {
      const ecdh = crypto.createECDH(openssl);
      ecdh.setPrivateKey(fromHex(ours!));
      const make = (): Buffer => curve.secretOf(ecdh, fromHex(theirs!));
      if (result === "valid") expect([flags, theirs, toHex(make())]).toEqual([flags, theirs, secret]);
      else expect(make, `${flags} ${theirs}`).toThrow(KeyExchangeError);
    }
  });
}

/** RFC 7748 section 5.2: k and u change places with the result. */
describe("X25519 over and over", () => {
  for (const [times, expected] of [
    [1, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"],
    [1000, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"],
  ] as const) {
    test(`${times} times gives the value of the standard`, () => {
      let [k, u]: [Buffer, Buffer] = [Buffer.alloc(32), Buffer.alloc(32)];
      k[0] = u[0] = 9;
      for (let round = 0; round < times; round++) {
        [k, u] = [x25519Secret(x25519Key(k), u), k];
      }
      expect(k.toString("hex")).toBe(expected);
    });
  }
});
