/** ML-KEM (FIPS 203): Node's own where it has one (24.7 and later), else @noble/post-quantum. */
import * as crypto from "node:crypto";
import { createRequire } from "node:module";
import type * as noble from "@noble/post-quantum/ml-kem.js";
import { KeyExchangeError } from "../error.js";
import type { Kem, KemSizes } from "./kem.js";

/** The parameter sets of FIPS 203 that are in use here. */
export type MlKemName = "ml-kem-768" | "ml-kem-1024";

export const MLKEM_SIZES: Readonly<Record<MlKemName, KemSizes>> = {
  "ml-kem-768": { encapsulationKey: 1184, ciphertext: 1088 },
  "ml-kem-1024": { encapsulationKey: 1568, ciphertext: 1568 },
};

/** What node:crypto has from 24.7 on; its types here are those of Node 20. */
interface NativeKem {
  readonly encapsulate?: (key: crypto.KeyObject) => { sharedKey: Buffer; ciphertext: Buffer };
  readonly decapsulate?: (key: crypto.KeyObject, ciphertext: Buffer) => Buffer;
}

/** SubjectPublicKeyInfo up to the key itself (RFC 9935). */
const SPKI_PREFIXES: Readonly<Record<MlKemName, Buffer>> = {
  "ml-kem-768": Buffer.from("308204b2300b0609608648016503040402038204a100", "hex"),
  "ml-kem-1024": Buffer.from("30820632300b06096086480165030404030382062100", "hex"),
};

export function nativeMlKem(name: MlKemName): Kem | null {
  const { encapsulate, decapsulate } = crypto as NativeKem;
  if (encapsulate === undefined || decapsulate === undefined) return null;
  const generate = crypto.generateKeyPairSync as unknown as (type: string) => crypto.KeyPairKeyObjectResult;
  const prefix = SPKI_PREFIXES[name];
  return {
    pair() {
      const { publicKey, privateKey } = generate(name);
      return {
        encapsulationKey: publicKey.export({ format: "der", type: "spki" }).subarray(prefix.length),
        decapsulate: (ciphertext) => decapsulate(privateKey, ciphertext),
      };
    },
    encapsulate(encapsulationKey) {
      try {
        const der = Buffer.concat([prefix, encapsulationKey]);
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

export function nobleMlKem(name: MlKemName): Kem {
  const kems = createRequire(import.meta.url)("@noble/post-quantum/ml-kem.js") as typeof noble;
  const kem = name === "ml-kem-768" ? kems.ml_kem768 : kems.ml_kem1024;
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

const chosen = new Map<MlKemName, Kem>();

/** The implementation here, loaded by the first exchange that wants it. */
export function mlkem(name: MlKemName): Kem {
  let kem = chosen.get(name);
  if (kem === undefined) chosen.set(name, (kem = nativeMlKem(name) ?? nobleMlKem(name)));
  return kem;
}
