/** Signatures of files, as by ssh-keygen -Y (OpenSSH's PROTOCOL.sshsig). */
import { createHash } from "node:crypto";
import { Key, type Signer } from "../ssh/keys.js";
import { bytes, raw, text, uint32 } from "../wire/fields.js";
import { layout } from "../wire/message.js";
import { Reader } from "../wire/reader.js";
import { Writer, toBuffer, type BytesLike } from "../wire/writer.js";
import { decodeBase64, encodeBase64 } from "./base64.js";
import { isCertified } from "./certificate-names.js";
import { Certificate } from "./certificate.js";
import { BadKeyError } from "./errors.js";
import { MAX_KEY_FILE } from "./limits.js";
import { MLDSA44_ED25519 } from "./mldsa44-ed25519.js";

const BEGIN = "-----BEGIN SSH SIGNATURE-----";
const END = "-----END SSH SIGNATURE-----";
const MAGIC = Buffer.from("SSHSIG");
const VERSION = 1;
const LINE = 70; // characters
const HASHES = ["sha512", "sha256"] as const;

/** All but SHA-1, which the format forbids, and DSA. */
const ALGORITHMS = [
  "ssh-ed25519",
  "ssh-ed448",
  MLDSA44_ED25519,
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
];

const Blob = layout("signature", {
  magic: raw(MAGIC.length),
  version: uint32,
  publicKey: bytes,
  namespace: text,
  reserved: bytes,
  hash: text,
  signature: bytes,
});

export interface SignOptions {
  /** What the signature is for, such as "file", "git" or "name@example.com": it counts for nothing else. */
  readonly namespace: string;
  /** "sha512" by default. */
  readonly hash?: (typeof HASHES)[number];
  /** Of RSA "rsa-sha2-512", the default, or "rsa-sha2-256". */
  readonly signatureType?: string;
}

/** Who made a signature that is good: to be looked up among those who may. */
export interface SignedBy {
  readonly key: Key;
  /** What the signer showed instead of a bare key; its own {@link Certificate.check} is the caller's to ask for. */
  readonly certificate: Certificate | null;
}

/** Signs `message` and returns the armored signature. */
export async function signMessage(signer: Signer, message: BytesLike, options: SignOptions): Promise<string> {
  const { namespace, hash = "sha512", signatureType = signer.supportedSignatureAlgorithms()[0]! } = options;
  if (namespace === "") throw new BadKeyError("a signature needs a namespace");
  if (!ALGORITHMS.includes(signatureType)) throw new BadKeyError(`files are not signed by ${signatureType}`);
  const signature = await signer.sign(signedData(message, namespace, hash), signatureType);
  const publicKey = signer.blob();
  const blob = Blob.encode({ magic: MAGIC, version: VERSION, publicKey, namespace, reserved: "", hash, signature });
  return `${BEGIN}\n${encodeBase64(blob, LINE)}${END}\n`;
}

/**
 * Verifies an armored signature for this namespace and tells whose it is, or null when it is not good.
 *
 * @throws BadKeyError when `armored` is no signature at all.
 */
export function verifyMessage(armored: BytesLike, message: BytesLike, namespace: string): SignedBy | null {
  const fields = readArmored(toBuffer(armored).toString("latin1"));
  if (namespace === "" || fields.namespace !== namespace) return null;
  if (!HASHES.some((each) => each === fields.hash)) return null;
  const data = signedData(message, namespace, fields.hash);
  const { key, certificate } = readSigner(fields.publicKey);
  return (certificate ?? key).verify(fields.signature, data, ALGORITHMS) ? { key, certificate } : null;
}

function readArmored(armored: string): ReturnType<typeof Blob.decode> {
  if (armored.length > MAX_KEY_FILE) throw new BadKeyError("the signature is too large");
  const lines = armored.trim().split(/\r?\n/);
  if (lines[0] !== BEGIN || lines.at(-1) !== END) throw new BadKeyError("not an armored SSH signature");
  const blob = decodeBase64(lines.slice(1, -1).join(""));
  let fields: ReturnType<typeof Blob.decode>;
  try {
    fields = Blob.decode(blob);
  } catch (cause) {
    throw new BadKeyError("malformed SSH signature", { cause });
  }
  if (!fields.magic.equals(MAGIC) || fields.version !== VERSION)
    throw new BadKeyError("not an SSH signature of version 1");
  return fields;
}

function readSigner(blob: Buffer): SignedBy {
  if (!isCertified(nameOf(blob))) return { key: Key.fromString(blob, "blob"), certificate: null };
  const certificate = Certificate.fromString(blob);
  return { key: certificate.key, certificate };
}

/** @throws BadKeyError */
function nameOf(blob: Buffer): string {
  try {
    return new Reader(blob).text();
  } catch (cause) {
    throw new BadKeyError("malformed key of an SSH signature", { cause });
  }
}

/** What is signed: never the message itself, nor anything that a login would sign. */
function signedData(message: BytesLike, namespace: string, hash: string): Buffer {
  const out = new Writer();
  out.raw(MAGIC);
  out.string(namespace);
  out.string(""); // reserved
  out.string(hash);
  out.string(createHash(hash).update(toBuffer(message)).digest());
  return out.payload();
}
