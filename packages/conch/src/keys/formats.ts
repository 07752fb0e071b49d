/** The formats that keys are read from and written to, by the names that Twisted gives them. */
import { ValueError } from "@strombus/reactor/exceptions";
import { toBuffer, type BytesLike } from "../wire/writer.js";
import { decodeBase64 } from "./base64.js";
import { readAgentV3, readBlob, readPrivateBlob } from "./blob.js";
import { BadKeyError } from "./errors.js";
import { MAX_BCRYPT_ROUNDS } from "./limits.js";
import { readPrivateLsh, readPublicLsh } from "./lsh.js";
import type { KeyMaterial, KeyType } from "./material.js";
import { DEFAULT_ROUNDS, readOpenSSH, writeOpenSSH } from "./openssh.js";
import { passphraseBytes } from "./passphrase.js";
import { readPem, writePem, writePkcs8 } from "./pem.js";
import { readPutty } from "./putty.js";
import { readRfc4716 } from "./rfc4716.js";
import { readSshCom } from "./sshcom.js";

/** Options of `Key.toString`. */
export interface WriteOptions {
  /** Deprecated: the comment of a public key, the passphrase of a private one. */
  readonly extra?: BytesLike | null;
  /** Of a private key in "openssh" form: "PEM", "v1" or "PKCS8". */
  readonly subtype?: string | null;
  readonly comment?: BytesLike | null;
  readonly passphrase?: BytesLike | null;
  /** Of bcrypt, for "v1" with a passphrase: 100 by default, which take a second or two; `ssh-keygen -a` has 24. */
  readonly rounds?: number | null;
}

/** What has a form in PEM older than PKCS#8. */
const TRADITIONAL: ReadonlySet<KeyType> = new Set(["RSA", "DSA", "EC"]);

type ReadFormat = (data: Buffer, passphrase: Buffer | null) => KeyMaterial;

export const FORMATS: ReadonlyMap<string, ReadFormat> = new Map<string, ReadFormat>([
  ["public_openssh", clear(readPublicLine)],
  ["private_openssh", readPrivateFile],
  ["public_rfc4716", clear((data) => readBlob(readRfc4716(data.toString("utf8")).blob))],
  ["private_putty", (data, passphrase) => readPutty(data.toString("latin1"), passphrase).key],
  ["private_sshcom", (data, passphrase) => readSshCom(data.toString("latin1"), passphrase)],
  ["public_lsh", clear(readPublicLsh)],
  ["private_lsh", clear(readPrivateLsh)],
  ["agentv3", clear(readAgentV3)],
  ["blob", clear(readBlob)],
  ["private_blob", clear(readPrivateBlob)],
]);

function clear(read: (data: Buffer) => KeyMaterial): ReadFormat {
  return (data, passphrase) => {
    if (passphrase) throw new BadKeyError("key not encrypted");
    return read(data);
  };
}

function readPublicLine(data: Buffer): KeyMaterial {
  const [name, base64] = data
    .toString("latin1")
    .trim()
    .split(/[ \t]+/, 2);
  if (base64 === undefined) throw new BadKeyError("the line of a public key has at least two words");
  const material = readBlob(decodeBase64(base64));
  if (material.sshType !== name) throw new BadKeyError("the line of a public key names another type than the key");
  return material;
}

function readPrivateFile(data: Buffer, passphrase: Buffer | null): KeyMaterial {
  const text = data.toString("latin1");
  return text.startsWith("-----BEGIN OPENSSH") ? readOpenSSH(text, passphrase).key : readPem(text, passphrase);
}

/** A line of an authorized_keys file, without its newline. */
export function publicLine(key: KeyMaterial, { comment }: WriteOptions): Buffer {
  const line = Buffer.from(`${key.sshType} ${key.blob().toString("base64")}`);
  return comment == null || comment.length === 0 ? line : Buffer.concat([line, Buffer.from(" "), toBuffer(comment)]);
}

/** @throws ValueError for a subtype that does not exist, or not for this key, and for rounds that nobody would read. */
export function privateFile(material: KeyMaterial, { subtype, comment, passphrase, rounds }: WriteOptions): Buffer {
  const secret = passphraseBytes(passphrase ?? null);
  if (rounds != null && !(Number.isInteger(rounds) && rounds >= 1 && rounds <= MAX_BCRYPT_ROUNDS)) {
    throw new ValueError(`bcrypt has 1 to ${MAX_BCRYPT_ROUNDS} rounds here, not ${rounds}`);
  }
  switch (subtype ?? (TRADITIONAL.has(material.type) ? "PEM" : "v1")) {
    case "v1":
      return Buffer.from(
        writeOpenSSH(material, {
          comment: toBuffer(comment ?? ""),
          passphrase: secret,
          rounds: rounds ?? DEFAULT_ROUNDS,
        }),
      );
    case "PEM":
      return Buffer.from(writePem(material, secret));
    case "PKCS8":
      return Buffer.from(writePkcs8(material, secret));
    default:
      throw new ValueError(`unknown subtype ${JSON.stringify(subtype)}`);
  }
}
