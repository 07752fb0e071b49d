/**
 * New private keys. The generator encodes them and they are read back: the KeyObjects that it makes on Node 20 share a lock
 * with it, and a garbage collection that takes the generator while one of them is exported may wait for that lock for ever.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { ValueError } from "@strombus/reactor/exceptions";
import { ED25519, EdwardsMaterial } from "./edwards.js";
import { MAX_RSA_BITS } from "./limits.js";
import type { KeyMaterial } from "./material.js";
import { MLDSA44Ed25519Material } from "./mldsa44-ed25519.js";

/** What is generated; for ECDSA the size chooses the curve. */
export type GeneratedType = "ed25519" | "ed448" | "mldsa44-ed25519" | "rsa" | "ecdsa" | "dsa";

const SPKI = { format: "der", type: "spki" } as const;
const PKCS8 = { format: "der", type: "pkcs8" } as const;

/** @throws ValueError for a size that there is none of, or that logins would refuse. */
export function generate(type: GeneratedType, bits: number | undefined): KeyObject | KeyMaterial {
  switch (type) {
    case "ed25519":
      return generateEd25519();
    case "mldsa44-ed25519":
      return MLDSA44Ed25519Material.generate(EdwardsMaterial.fromKeyObject(ED25519, generateEd25519()));
    case "ed448":
      return read(generateKeyPairSync("ed448", { publicKeyEncoding: SPKI, privateKeyEncoding: PKCS8 }));
    case "ecdsa":
      if (![256, 384, 521].includes(bits ?? 256)) throw new ValueError(`there is no ECDSA curve of ${bits!} bits`);
      return read(
        generateKeyPairSync("ec", {
          namedCurve: `P-${bits ?? 256}`,
          publicKeyEncoding: SPKI,
          privateKeyEncoding: PKCS8,
        }),
      );
    case "rsa":
      checkSize("RSA", bits ?? 3072, 2048, MAX_RSA_BITS);
      return generateRsa(bits ?? 3072);
    case "dsa":
      checkSize("DSA", bits ?? 1024, 1024, 4096);
      return read(
        generateKeyPairSync("dsa", {
          modulusLength: bits ?? 1024,
          divisorLength: 160,
          publicKeyEncoding: SPKI,
          privateKeyEncoding: PKCS8,
        }),
      );
  }
}

function generateEd25519(): KeyObject {
  return read(generateKeyPairSync("ed25519", { publicKeyEncoding: SPKI, privateKeyEncoding: PKCS8 }));
}

/** Of any size. */
export function generateRsa(modulusLength: number): KeyObject {
  return read(generateKeyPairSync("rsa", { modulusLength, publicKeyEncoding: SPKI, privateKeyEncoding: PKCS8 }));
}

function read({ privateKey }: { privateKey: Buffer }): KeyObject {
  return createPrivateKey({ key: privateKey, ...PKCS8 });
}

function checkSize(type: string, bits: number, least: number, most: number): void {
  if (!(bits >= least && bits <= most))
    throw new ValueError(`an ${type} key has ${least} to ${most} bits, not ${bits}`);
}
