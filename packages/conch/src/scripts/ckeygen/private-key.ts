/** A private key's file as a whole: the key, and how it is written there. */
import { BadKeyError, EncryptedKeyError, Key } from "../../ssh/keys.js";
import { readOpenSSH } from "../../keys/openssh.js";
import { passphraseBytes } from "../../keys/passphrase.js";

/** The way a file is written: as `Key.toString` has it; null is the default of the key's type. */
export type Subtype = "v1" | "PEM" | "PKCS8" | null;

export interface PrivateKeyFile {
  readonly key: Key;
  readonly subtype: Subtype;
  /** Only files of subtype v1 have one. */
  readonly comment: Buffer | null;
}

/** @throws BadKeyError, EncryptedKeyError, PassphraseNormalizationError */
export function readPrivateKey(data: Buffer, passphrase: string | null): PrivateKeyFile {
  const subtype = subtypeOf(data);
  if (subtype !== "v1") return { key: Key.fromString(data, { passphrase }), subtype, comment: null };
  const secret = passphraseBytes(passphrase);
  try {
    const { key, comment } = readOpenSSH(data.toString("latin1"), secret);
    return { key: new Key(key), subtype, comment };
  } catch (cause) {
    if (cause instanceof BadKeyError || cause instanceof EncryptedKeyError) throw cause;
    throw new BadKeyError("malformed key", { cause });
  }
}

function subtypeOf(data: Buffer): Subtype {
  const start = data.toString("latin1", 0, 64);
  if (start.startsWith("-----BEGIN OPENSSH PRIVATE KEY")) return "v1";
  if (/^-----BEGIN (ENCRYPTED )?PRIVATE KEY/.test(start)) return "PKCS8";
  return start.startsWith("-----BEGIN") ? "PEM" : null;
}
