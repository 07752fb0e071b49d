/** ML-KEM-768 (FIPS 203): Node's own where it has one (24.7 and later), else @noble/post-quantum. Keys are raw bytes. */
import * as crypto from "node:crypto";
import { createRequire } from "node:module";
import type * as noble from "@noble/post-quantum/ml-kem.js";
import { KeyExchangeError } from "../error.js";

export const ENCAPSULATION_KEY_LENGTH = 1184;
export const CIPHERTEXT_LENGTH = 1088;

export interface MlKem768 {
  /** A fresh pair: the raw encapsulation key, and what opens a ciphertext made with it. */
  pair(): { readonly encapsulationKey: Buffer; decapsulate(ciphertext: Buffer): Buffer };
  /** @throws KeyExchangeError if the key fails the check of FIPS 203 section 7.2. */
  encapsulate(encapsulationKey: Buffer): { readonly ciphertext: Buffer; readonly secret: Buffer };
}

/** What node:crypto has from 24.7 on; its types here are those of Node 20. */
interface NativeKem {
  readonly encapsulate?: (key: crypto.KeyObject) => { sharedKey: Buffer; ciphertext: Buffer };
  readonly decapsulate?: (key: crypto.KeyObject, ciphertext: Buffer) => Buffer;
}

/** SubjectPublicKeyInfo of an ML-KEM-768 key up to the key itself (RFC 9935). */
const SPKI_PREFIX = Buffer.from("308204b2300b0609608648016503040402038204a100", "hex");

export function nativeMlKem768(): MlKem768 | null {
  const { encapsulate, decapsulate } = crypto as NativeKem;
  if (encapsulate === undefined || decapsulate === undefined) return null;
  const generate = crypto.generateKeyPairSync as unknown as (type: string) => crypto.KeyPairKeyObjectResult;
  return {
    pair() {
      const { publicKey, privateKey } = generate("ml-kem-768");
      return {
        encapsulationKey: publicKey.export({ format: "der", type: "spki" }).subarray(SPKI_PREFIX.length),
        decapsulate: (ciphertext) => decapsulate(privateKey, ciphertext),
      };
    },
    encapsulate(encapsulationKey) {
      try {
        const der = Buffer.concat([SPKI_PREFIX, encapsulationKey]);
        const { sharedKey, ciphertext } = encapsulate(
          crypto.createPublicKey({ key: der, format: "der", type: "spki" }),
        );
        return { ciphertext, secret: sharedKey };
      } catch (cause) {
        throw new KeyExchangeError("the ML-KEM key is not usable", { cause });
      }
    },
  };
}

export function nobleMlKem768(): MlKem768 {
  const { ml_kem768: kem } = createRequire(import.meta.url)("@noble/post-quantum/ml-kem.js") as typeof noble;
  return {
    pair() {
      const { publicKey, secretKey } = kem.keygen();
      return {
        encapsulationKey: Buffer.from(publicKey),
        decapsulate: (ciphertext) => Buffer.from(kem.decapsulate(ciphertext, secretKey)),
      };
    },
    encapsulate(encapsulationKey) {
      try {
        const { cipherText, sharedSecret } = kem.encapsulate(encapsulationKey);
        return { ciphertext: Buffer.from(cipherText), secret: Buffer.from(sharedSecret) };
      } catch (cause) {
        throw new KeyExchangeError("the ML-KEM key is not usable", { cause });
      }
    },
  };
}

let chosen: MlKem768 | null = null;

/** The implementation here, loaded by the first exchange that wants it. */
export function mlkem768(): MlKem768 {
  return (chosen ??= nativeMlKem768() ?? nobleMlKem768());
}
