/** Short forms of a public key that people compare (RFC 4716 section 4, and OpenSSH's SHA-256 form). */
import { hash } from "node:crypto";
import { BadFingerPrintFormat } from "./errors.js";

/** Formats of a fingerprint, compared by identity. */
export const FingerprintFormats = {
  MD5_HEX: Symbol("MD5_HEX"),
  SHA256_BASE64: Symbol("SHA256_BASE64"),
} as const;

export function fingerprint(blob: Buffer, format: symbol): string {
  switch (format) {
    case FingerprintFormats.MD5_HEX:
      return hash("md5", blob, "hex").match(/../g)!.join(":");
    case FingerprintFormats.SHA256_BASE64:
      return hash("sha256", blob, "base64");
    default:
      throw new BadFingerPrintFormat(`Unsupported fingerprint format: ${String(format)}`);
  }
}
