/** Passphrases as bytes: text is brought into Unicode's normal form NFKC first, so that it matters not how it was typed. */
import { toBuffer, type BytesLike } from "../wire/writer.js";
import { PassphraseNormalizationError } from "./errors.js";

/**
 * Bytes are taken as given. Null and empty are both "none" and give null.
 *
 * @throws PassphraseNormalizationError when text holds an unassigned code point.
 */
export function passphraseBytes(passphrase: BytesLike | null): Buffer | null {
  if (passphrase === null || passphrase.length === 0) return null;
  if (typeof passphrase !== "string") return toBuffer(passphrase);
  if (/\p{Cn}/u.test(passphrase)) {
    throw new PassphraseNormalizationError("the passphrase holds a code point that Unicode has not assigned");
  }
  return Buffer.from(passphrase.normalize("NFKC"), "utf8");
}
