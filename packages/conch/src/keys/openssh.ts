/** Private keys in OpenSSH's own format, openssh-key-v1 (OpenSSH's PROTOCOL.key). */
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import type bcrypt from "bcrypt-pbkdf";
import { bytes, uint32 } from "../wire/fields.js";
import { layout } from "../wire/message.js";
import { Reader } from "../wire/reader.js";
import { Writer } from "../wire/writer.js";
import { decodeBase64, encodeBase64 } from "./base64.js";
import { readPrivateFields } from "./blob.js";
import { BadKeyError, EncryptedKeyError } from "./errors.js";
import { FILE_CIPHERS, type FileCipher } from "./file-ciphers.js";
import { MAX_BCRYPT_ROUNDS } from "./limits.js";
import type { KeyMaterial } from "./material.js";

const BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC = Buffer.from("openssh-key-v1\0");
export const DEFAULT_ROUNDS = 100; // as Twisted has it
const LINE = 64; // characters; ssh-keygen writes 70 and reads any

const KdfOptions = layout("bcrypt options", { salt: bytes, rounds: uint32 });

export interface OpenSSHOptions {
  readonly comment?: Uint8Array | null;
  readonly passphrase?: Buffer | null;
  /** Of {@link FILE_CIPHERS}; "aes256-ctr" by default. */
  readonly cipher?: string;
  /** Of bcrypt; {@link DEFAULT_ROUNDS} by default. */
  readonly rounds?: number;
}

const MAX_PADDING = 255; // PuTTY pads to more than a block

/** A key and what stands beside it. */
export interface OpenSSHFile {
  readonly key: KeyMaterial;
  readonly comment: Buffer;
}

/** @param passphrase is ignored when the file is not encrypted. */
export function readOpenSSH(file: string, passphrase: Buffer | null): OpenSSHFile {
  const from = new Reader(unwrap(file));
  if (!from.raw(MAGIC.length).equals(MAGIC)) throw new BadKeyError("not a file of the openssh-key-v1 format");
  const [cipherName, kdf, kdfOptions] = [from.text(), from.text(), from.string()];
  if (from.uint32() !== 1) throw new BadKeyError("the key file does not hold exactly one key");
  const publicBlob = from.string();
  const sealed = from.string();
  if (cipherName === "none") {
    if (kdf !== "none" || kdfOptions.length > 0) throw new BadKeyError("a key file without cipher names a kdf");
    from.end();
    return readPrivate(sealed, publicBlob, 8);
  }
  const cipher = FILE_CIPHERS.get(cipherName);
  if (!cipher) throw new BadKeyError(`unknown cipher ${JSON.stringify(cipherName.slice(0, 64))}`);
  if (kdf !== "bcrypt") throw new BadKeyError(`unknown key derivation ${JSON.stringify(kdf.slice(0, 64))}`);
  const tag = from.raw(cipher.tag);
  from.end();
  if (sealed.length % cipher.block !== 0) throw new BadKeyError("the encrypted part is not whole blocks");
  const { salt, rounds } = KdfOptions.decode(kdfOptions);
  if (rounds > MAX_BCRYPT_ROUNDS) throw new BadKeyError(`${rounds} rounds of bcrypt are too many`);
  if (!passphrase) throw new EncryptedKeyError("the key is encrypted, and no passphrase was given");
  const { key, iv } = derive(cipher, passphrase, salt, rounds);
  return readPrivate(cipher.open(key, iv, sealed, tag), publicBlob, cipher.block);
}

/** @throws KeyError when the key is a public one. */
export function writeOpenSSH(material: KeyMaterial, options: OpenSSHOptions = {}): string {
  const { comment = null, passphrase = null, cipher: cipherName = "aes256-ctr", rounds = DEFAULT_ROUNDS } = options;
  const out = new Writer(4096);
  out.raw(MAGIC);
  if (!passphrase) {
    for (const each of ["none", "none", ""]) out.string(each);
    out.uint32(1);
    out.string(material.public().blob());
    out.string(writePrivate(material, comment, 8));
  } else {
    const cipher = FILE_CIPHERS.get(cipherName);
    if (!cipher) throw new BadKeyError(`unknown cipher ${JSON.stringify(cipherName)}`);
    const salt = randomBytes(16);
    const { key, iv } = derive(cipher, passphrase, salt, rounds);
    const { sealed, tag } = cipher.seal(key, iv, writePrivate(material, comment, cipher.block));
    for (const each of [cipherName, "bcrypt", KdfOptions.encode({ salt, rounds })]) out.string(each);
    out.uint32(1);
    out.string(material.public().blob());
    out.string(sealed);
    out.raw(tag);
  }
  return `${BEGIN}\n${encodeBase64(out.payload(), LINE)}${END}\n`;
}

function unwrap(file: string): Buffer {
  const lines = file.trim().split(/\r?\n/);
  if (lines[0]?.trimEnd() !== BEGIN || lines.at(-1) !== END) {
    throw new BadKeyError("the key file has no proper first and last line");
  }
  return decodeBase64(
    lines
      .slice(1, -1)
      .map((line) => line.trim())
      .join(""),
  );
}

/** check, check, the key, the comment, and 1, 2, 3... up to a whole block. */
function readPrivate(clear: Buffer, publicBlob: Buffer, block: number): OpenSSHFile {
  const from = new Reader(clear);
  if (clear.length % block !== 0 || from.uint32() !== from.uint32()) {
    throw new BadKeyError("the file was changed or the passphrase is wrong");
  }
  const key = readPrivateFields(from);
  const comment = Buffer.from(from.string());
  const padding = from.rest();
  if (padding.length > MAX_PADDING || padding.some((byte, index) => byte !== index + 1)) {
    throw new BadKeyError("the padding is not 1, 2, 3 and so on");
  }
  if (!key.public().blob().equals(publicBlob)) throw new BadKeyError("the key file holds another public key");
  return { key, comment };
}

function writePrivate(material: KeyMaterial, comment: Uint8Array | null, block: number): Buffer {
  const out = new Writer(4096);
  const check = randomBytes(4);
  out.raw(check);
  out.raw(check);
  out.raw(material.privateBlob());
  out.string(comment ?? "");
  const padding = (block - (out.payload().length % block)) % block;
  for (let byte = 1; byte <= padding; byte++) out.byte(byte);
  return out.payload();
}

function derive(cipher: FileCipher, passphrase: Buffer, salt: Buffer, rounds: number): { key: Buffer; iv: Buffer } {
  const length = cipher.key + cipher.iv;
  const derived = Buffer.alloc(length);
  const kdf = createRequire(import.meta.url)("bcrypt-pbkdf") as typeof bcrypt; // loaded when needed
  if (kdf.pbkdf(passphrase, passphrase.length, salt, salt.length, derived, length, rounds) !== 0) {
    throw new BadKeyError("the key derivation asks for no salt or no rounds");
  }
  return { key: derived.subarray(0, cipher.key), iv: derived.subarray(cipher.key) };
}
