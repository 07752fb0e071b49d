/** New private keys. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { ValueError } from "@strombus/reactor/exceptions";
import { MAX_RSA_BITS } from "./limits.js";

/** What is generated; for ECDSA the size chooses the curve. */
export type GeneratedType = "ed25519" | "rsa" | "ecdsa" | "dsa";

/** @throws ValueError for a size that there is none of, or that logins would refuse. */
export function generate(type: GeneratedType, bits: number | undefined): KeyObject {
  switch (type) {
    case "ed25519":
      return generateKeyPairSync("ed25519").privateKey;
    case "ecdsa":
      if (![256, 384, 521].includes(bits ?? 256)) throw new ValueError(`there is no ECDSA curve of ${bits!} bits`);
      return generateKeyPairSync("ec", { namedCurve: `P-${bits ?? 256}` }).privateKey;
    case "rsa":
      checkSize("RSA", bits ?? 3072, 2048, MAX_RSA_BITS);
      return generateKeyPairSync("rsa", { modulusLength: bits ?? 3072 }).privateKey;
    case "dsa":
      checkSize("DSA", bits ?? 1024, 1024, 4096);
      return generateKeyPairSync("dsa", { modulusLength: bits ?? 1024, divisorLength: 160 }).privateKey;
  }
}

function checkSize(type: string, bits: number, least: number, most: number): void {
  if (!(bits >= least && bits <= most))
    throw new ValueError(`an ${type} key has ${least} to ${most} bits, not ${bits}`);
}
