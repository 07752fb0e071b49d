/**
 * Keys as OpenSSL writes them: private ones by PKCS#1, SEC 1, DSA's own and PKCS#8, with and without a passphrase, public
 * ones by PKCS#1 and X.509 (RFC 7468).
 */
import {
  createCipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  type KeyObject,
} from "node:crypto";
import { ValueError } from "@strombus/reactor/exceptions";
import { decodeBase64, encodeBase64 } from "./base64.js";
import { fromKeyObject } from "./blob.js";
import { DerReader, Tag } from "./der.js";
import { traditionalDsa } from "./dsa.js";
import { BadKeyError, EncryptedKeyError } from "./errors.js";
import { MAX_PBE_PARAMETER } from "./limits.js";
import type { KeyMaterial } from "./material.js";
import { toBigInt } from "./numbers.js";

/** The kind of key by the label between BEGIN and END; PKCS#8 says inside what it holds. */
const LABELS: ReadonlyMap<string, string | null> = new Map([
  ["RSA PRIVATE KEY", "rsa"],
  ["DSA PRIVATE KEY", "dsa"],
  ["EC PRIVATE KEY", "ec"],
  ["PRIVATE KEY", null],
  ["ENCRYPTED PRIVATE KEY", null],
]);
/** Those of `ssh-keygen -e -m PEM` and `-m PKCS8`. */
const PUBLIC_LABELS: ReadonlySet<string> = new Set(["PUBLIC KEY", "RSA PUBLIC KEY"]);
const FORM = /^-----BEGIN ([A-Z ]+)-----\s*?\n([^]*?)-----END \1-----$/;

export function readPem(file: string, passphrase: Buffer | null): KeyMaterial {
  const [, label, body] = FORM.exec(file.trim()) ?? [];
  if (label !== undefined && PUBLIC_LABELS.has(label)) return readPublicPem(file, passphrase);
  const kind = label === undefined ? undefined : LABELS.get(label);
  if (kind === undefined) throw new BadKeyError("a PEM file, and not a kind of key that we know");
  const encrypted = label === "ENCRYPTED PRIVATE KEY" || /^Proc-Type:\s*4,ENCRYPTED/m.test(body!);
  if (encrypted && !passphrase) throw new EncryptedKeyError("the key is encrypted, and no passphrase was given");
  if (!encrypted && passphrase) throw new BadKeyError("key not encrypted");
  if (label === "ENCRYPTED PRIVATE KEY") checkCost(decodeBase64(body!.replace(/\s/g, "")));
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: file.trim(), format: "pem", ...(passphrase && { passphrase }) });
  } catch (cause) {
    throw new BadKeyError(encrypted ? "wrong passphrase or malformed key" : "malformed key", { cause });
  }
  if (kind !== null && key.asymmetricKeyType !== kind) throw new BadKeyError(`a key of another kind under "${label}"`);
  return fromKeyObject(key);
}

function readPublicPem(file: string, passphrase: Buffer | null): KeyMaterial {
  if (passphrase) throw new BadKeyError("key not encrypted");
  let key: KeyObject;
  try {
    key = createPublicKey({ key: file.trim(), format: "pem" });
  } catch (cause) {
    throw new BadKeyError("malformed PEM file of a public key", { cause });
  }
  return fromKeyObject(key);
}

/**
 * The traditional form. With a passphrase it is encrypted as by ssh-keygen, by AES-128: PuTTY knows no longer AES here, and
 * the passphrase's one round of MD5 is what breaks first.
 *
 * @throws BadKeyError when the key's type has none.
 */
export function writePem(material: KeyMaterial, passphrase: Buffer | null): string {
  const { label, body } = traditional(material);
  if (!passphrase) return armor(label, "", body);
  const iv = randomBytes(16);
  const cipher = createCipheriv("aes-128-cbc", legacyKey(passphrase, iv.subarray(0, 8)), iv);
  const headers = `Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,${iv.toString("hex").toUpperCase()}\n\n`;
  return armor(label, headers, Buffer.concat([cipher.update(body), cipher.final()]));
}

/** PKCS#8, encrypted by PBES2 (PBKDF2 and AES-256-CBC) when there is a passphrase. */
export function writePkcs8(material: KeyMaterial, passphrase: Buffer | null): string {
  const protection = passphrase ? { cipher: "aes-256-cbc", passphrase } : {};
  if (!material.keyObject) throw new ValueError(`${material.sshType} has no PKCS#8 form`);
  return material.keyObject.export({ format: "pem", type: "pkcs8", ...protection }).toString();
}

function traditional(material: KeyMaterial): { label: string; body: Buffer } {
  switch (material.type) {
    case "RSA":
      return { label: "RSA PRIVATE KEY", body: material.keyObject!.export({ format: "der", type: "pkcs1" }) };
    case "EC":
      return { label: "EC PRIVATE KEY", body: material.keyObject!.export({ format: "der", type: "sec1" }) };
    case "DSA":
      return { label: "DSA PRIVATE KEY", body: traditionalDsa(material) };
    default:
      throw new ValueError(`${material.type} keys have no traditional PEM form`);
  }
}

function armor(label: string, headers: string, body: Buffer): string {
  return `-----BEGIN ${label}-----\n${headers}${encodeBase64(body, 64)}-----END ${label}-----\n`;
}

/** OpenSSL's EVP_BytesToKey with MD5 and one round: weak, and what the traditional form is. */
function legacyKey(passphrase: Buffer, salt: Buffer): Buffer {
  return createHash("md5").update(passphrase).update(salt).digest();
}

/** Refuses before OpenSSL starts on it what would keep it busy: all numbers of the key derivation are small enough. */
function checkCost(encryptedKeyInfo: Buffer): void {
  const algorithm = new DerReader(new DerReader(encryptedKeyInfo).read(Tag.SEQUENCE)).read(Tag.SEQUENCE);
  const pending = [algorithm];
  for (let body = pending.pop(); body; body = pending.pop()) {
    for (const from = new DerReader(body); !from.done;) {
      const { tag, body: inner } = from.element();
      if (tag === Tag.SEQUENCE) pending.push(inner);
      if (tag === Tag.INTEGER && toBigInt(inner) > MAX_PBE_PARAMETER) {
        throw new BadKeyError("the key derivation of the file asks for too much work");
      }
    }
  }
}
