/** Private keys of PuTTY, PPK versions 2 and 3 (PuTTY's manual, appendix C). */
import { createDecipheriv, createHash, createHmac, timingSafeEqual } from "node:crypto";
import { createRequire } from "node:module";
import type * as argon2Module from "@noble/hashes/argon2.js";
import { Reader } from "../wire/reader.js";
import { Writer } from "../wire/writer.js";
import { decodeBase64 } from "./base64.js";
import { readBlob, readPrivateFields } from "./blob.js";
import { BadKeyError, EncryptedKeyError } from "./errors.js";
import { MAX_ARGON2_MEMORY, MAX_ARGON2_WORK } from "./limits.js";
import type { KeyMaterial } from "./material.js";
import { modularInverse, readPositive, toBigInt } from "./numbers.js";

const ARGON2 = new Map([
  ["Argon2d", "argon2d"],
  ["Argon2i", "argon2i"],
  ["Argon2id", "argon2id"],
] as const);
// Loaded by the first key that needs it: few programs read one.
const loadArgon2 = (): typeof argon2Module =>
  createRequire(import.meta.url)("@noble/hashes/argon2.js") as typeof argon2Module;
const BLOCK = 16; // bytes of AES

/** A key and its comment. */
export interface PuttyFile {
  readonly key: KeyMaterial;
  readonly comment: string;
}

/** What a passphrase gives: nothing where the key is not encrypted. */
interface Secrets {
  readonly cipherKey: Buffer;
  readonly iv: Buffer;
  readonly macKey: Buffer;
}

export function readPutty(file: string, passphrase: Buffer | null): PuttyFile {
  const lines = new Lines(file);
  const [version, algorithm] = lines.first();
  const encryption = lines.value("Encryption");
  if (encryption !== "none" && encryption !== "aes256-cbc") throw new BadKeyError("unknown encryption of a PuTTY key");
  const comment = lines.value("Comment");
  const publicBlob = lines.base64("Public-Lines");
  const encrypted = encryption !== "none";
  if (encrypted && !passphrase) throw new EncryptedKeyError("the key is encrypted, and no passphrase was given");
  if (!encrypted && passphrase) throw new BadKeyError("key not encrypted");
  const secrets = version === 3 ? secretsV3(lines, passphrase) : secretsV2(passphrase);
  const stored = lines.base64("Private-Lines");
  const mac = lines.hex("Private-MAC");
  lines.end();
  const privateBlob = encrypted ? decrypt(stored, secrets) : stored;
  const signed = new Writer(4096);
  for (const each of [algorithm, encryption, Buffer.from(comment, "latin1"), publicBlob, privateBlob])
    signed.string(each);
  const expected = createHmac(version === 3 ? "sha256" : "sha1", secrets.macKey)
    .update(signed.payload())
    .digest();
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) {
    throw new BadKeyError("the file was changed or the passphrase is wrong");
  }
  const key = join(publicBlob, algorithm, privateBlob, encrypted);
  return { key, comment: Buffer.from(comment, "latin1").toString("utf8") };
}

/** Puts the public blob and what PuTTY keeps beside it into the order of the agent. */
function join(publicBlob: Buffer, algorithm: string, privateBlob: Buffer, padded: boolean): KeyMaterial {
  const publicKey = readBlob(publicBlob);
  if (publicKey.sshType !== algorithm) throw new BadKeyError("the PuTTY key is of another type than it says");
  const from = new Reader(privateBlob);
  const out = new Writer(4096);
  if (publicKey.type === "RSA") {
    const { n, e } = publicKey.data() as Record<string, bigint>;
    const [d, p, q, iqmp] = [readPositive(from), readPositive(from), readPositive(from), readPositive(from)].map(
      toBigInt,
    );
    if (modularInverse(q!, p!) !== iqmp) throw new BadKeyError("the numbers of the RSA key do not fit together");
    out.string(algorithm);
    for (const each of [n!, e!, d!, iqmp, p!, q!]) out.mpint(each);
  } else if (publicKey.type === "Ed25519" || publicKey.type === "Ed448") {
    const seed = from.string();
    out.raw(publicBlob);
    out.string(Buffer.concat([seed, publicKey.data()["a"] as Buffer]));
  } else {
    out.raw(publicBlob);
    out.mpint(toBigInt(readPositive(from)));
  }
  if (from.remaining >= (padded ? BLOCK : 1)) throw new BadKeyError("bytes follow the private part of the PuTTY key");
  return readPrivateFields(new Reader(out.payload()));
}

function decrypt(stored: Buffer, { cipherKey, iv }: Secrets): Buffer {
  if (stored.length % BLOCK !== 0) throw new BadKeyError("the encrypted part is not whole blocks");
  const decipher = createDecipheriv("aes-256-cbc", cipherKey, iv).setAutoPadding(false);
  return Buffer.concat([decipher.update(stored), decipher.final()]);
}

function secretsV2(passphrase: Buffer | null): Secrets {
  const sha1 = (...parts: readonly Uint8Array[]): Buffer => createHash("sha1").update(Buffer.concat(parts)).digest();
  const secret = passphrase ?? Buffer.alloc(0);
  const keys = [0, 1].map((counter) => sha1(Buffer.of(0, 0, 0, counter), secret));
  return {
    cipherKey: Buffer.concat(keys).subarray(0, 32),
    iv: Buffer.alloc(BLOCK),
    macKey: sha1(Buffer.from("putty-private-key-file-mac-key"), secret),
  };
}

function secretsV3(lines: Lines, passphrase: Buffer | null): Secrets {
  const empty = Buffer.alloc(0);
  if (!passphrase) return { cipherKey: empty, iv: empty, macKey: empty };
  const argon2 = (ARGON2 as ReadonlyMap<string, "argon2d" | "argon2i" | "argon2id">).get(lines.value("Key-Derivation"));
  if (!argon2) throw new BadKeyError("unknown key derivation of a PuTTY key");
  const [m, t, p] = [lines.count("Argon2-Memory"), lines.count("Argon2-Passes"), lines.count("Argon2-Parallelism")];
  const salt = lines.hex("Argon2-Salt");
  if (m > MAX_ARGON2_MEMORY || m * t > MAX_ARGON2_WORK) {
    throw new BadKeyError("the key derivation of the file asks for too much work");
  }
  const derived = Buffer.from(loadArgon2()[argon2](passphrase, salt, { m, t, p, dkLen: 80 }));
  return { cipherKey: derived.subarray(0, 32), iv: derived.subarray(32, 48), macKey: derived.subarray(48) };
}

/** The file's lines, each with the name that is due. */
class Lines {
  readonly #lines: string[];
  #at = 0;

  constructor(file: string) {
    this.#lines = file.trimEnd().split(/\r\n|\r|\n/);
  }

  first(): [version: 2 | 3, algorithm: string] {
    const [, version, algorithm] = /^PuTTY-User-Key-File-([23]): (\S+)$/.exec(this.#next()) ?? [];
    if (algorithm === undefined) throw new BadKeyError("not a PuTTY key of version 2 or 3");
    return [version === "2" ? 2 : 3, algorithm];
  }

  value(name: string): string {
    const line = this.#next();
    if (!line.startsWith(`${name}: `)) throw new BadKeyError(`the PuTTY key has no ${name} where it is due`);
    return line.slice(name.length + 2);
  }

  count(name: string): number {
    const text = this.value(name);
    if (!/^\d{1,9}$/.test(text)) throw new BadKeyError(`${name} of the PuTTY key is no number`);
    return Number(text);
  }

  hex(name: string): Buffer {
    const text = this.value(name);
    if (!/^(?:[0-9a-f]{2})+$/i.test(text)) throw new BadKeyError(`${name} of the PuTTY key is not hexadecimal`);
    return Buffer.from(text, "hex");
  }

  base64(name: string): Buffer {
    let text = "";
    for (let left = this.count(name); left > 0; left--) text += this.#next();
    return decodeBase64(text);
  }

  end(): void {
    if (this.#at !== this.#lines.length) throw new BadKeyError("lines follow the PuTTY key");
  }

  #next(): string {
    const line = this.#lines[this.#at++];
    if (line === undefined) throw new BadKeyError("the PuTTY key ends too early");
    return line;
  }
}
