/** Public and private SSH keys: reading, writing, signing and verifying (twisted.conch.ssh.keys). */
import { KeyObject } from "node:crypto";
import { inspect, type InspectOptions } from "node:util";
import { RuntimeError } from "@strombus/reactor/exceptions";
import { fromKeyObject, writeAgentV3 } from "../keys/blob.js";
import { DSAMaterial } from "../keys/dsa.js";
import {
  BadKeyError,
  BadSignatureAlgorithmError,
  EncryptedKeyError,
  PassphraseNormalizationError,
} from "../keys/errors.js";
import { contentOf } from "../keys/file.js";
import { FingerprintFormats, fingerprint } from "../keys/fingerprint.js";
import { FORMATS, privateFile, publicLine, type WriteOptions } from "../keys/formats.js";
import { generate, generateRsa, type GeneratedType } from "../keys/generate.js";
import { guessFormat } from "../keys/guess.js";
import { MAX_KEY_FILE } from "../keys/limits.js";
import { writeLsh } from "../keys/lsh.js";
import type { KeyData, KeyMaterial, KeyType } from "../keys/material.js";
import { passphraseBytes } from "../keys/passphrase.js";
import { ensureKeyFile } from "../keys/persistent.js";
import { randomArt } from "../keys/randomart.js";
import { writeRfc4716 } from "../keys/rfc4716.js";
import { SecurityKeyMaterial, type SecurityKeyProof } from "../keys/sk.js";
import { keyText } from "../keys/text.js";
import { Reader } from "../wire/reader.js";
import { Writer, toBuffer, type BytesLike } from "../wire/writer.js";

export * from "../keys/errors.js";
export { FingerprintFormats };
export type { GeneratedType, KeyData, KeyType, SecurityKeyProof, WriteOptions };

/** Options of {@link Key.fromString} and {@link Key.fromFile}. */
export interface ReadOptions {
  /** The format, in any case; guessed by default. */
  readonly type?: string | null;
  readonly passphrase?: BytesLike | null;
}

/**
 * What can sign as a private key: a {@link Key}, or what stands for one in an agent, a hardware module or a key service.
 * The promise of `sign` may take its time.
 */
export interface Signer {
  sshType(): string;
  /** The public key as it travels. */
  blob(): Buffer;
  supportedSignatureAlgorithms(): string[];
  /** The signature as it travels: algorithm and value. */
  sign(data: BytesLike, signatureType?: string | null): Buffer | PromiseLike<Buffer>;
}

const BARE_DSA_SIGNATURE = 40; // bytes: r and s without a name, as old implementations send it

/** What {@link Key} wraps when it was given nothing of use: every method tells so. */
const NO_KEY = Symbol("no key");

/** One public or private key. */
export class Key implements Signer {
  readonly #held: KeyMaterial | typeof NO_KEY | null;
  #blob: Buffer | null = null;

  /** @param keyObject is a KeyObject of node:crypto; anything else makes a key whose methods fail. */
  constructor(keyObject: unknown) {
    if (isMaterial(keyObject)) this.#held = keyObject;
    else if (keyObject instanceof KeyObject && keyObject.type !== "secret") this.#held = fromKeyObject(keyObject);
    else this.#held = keyObject === null ? null : NO_KEY;
  }

  /**
   * Reads a key file of at most 64 KiB.
   *
   * @throws what {@link Key.fromString} throws, and the errors of the file system.
   */
  static fromFile(
    filename: string | URL,
    type: string | ReadOptions | null = null,
    passphrase: BytesLike | null = null,
  ): Key {
    return this.fromString(contentOf(filename), type, passphrase);
  }

  /**
   * Reads a key of any format that we know: `public_openssh`, `private_openssh` (openssh-key-v1 and PEM), `public_rfc4716`,
   * `private_putty` (PPK 2 and 3), `private_sshcom`, `public_lsh`, `private_lsh`, `agentv3`, `blob`, `private_blob`. Without `type` the format
   * is guessed, the last one never.
   *
   * @throws BadKeyError when `data` is no key; EncryptedKeyError when it needs a passphrase; PassphraseNormalizationError.
   */
  static fromString(
    data: BytesLike,
    type: string | ReadOptions | null = null,
    passphrase: BytesLike | null = null,
  ): Key {
    const options = typeof type === "object" && type !== null ? type : { type, passphrase };
    const bytes = toBuffer(data);
    if (bytes.length > MAX_KEY_FILE) throw new BadKeyError("the key is too large");
    const format = options.type?.toLowerCase() ?? guessFormat(bytes);
    if (format === null) throw new BadKeyError("cannot guess the type of the key");
    const read = FORMATS.get(format);
    if (!read) throw new BadKeyError(`unknown key format ${JSON.stringify(format.slice(0, 64))}`);
    const secret = passphraseBytes(options.passphrase ?? null);
    try {
      return new Key(read(bytes, secret));
    } catch (cause) {
      if (isKeyError(cause)) throw cause;
      throw new BadKeyError("malformed key", { cause });
    }
  }

  /**
   * Makes a new private key.
   *
   * @param bits of RSA, 3072 by default; of the ECDSA curve, 256 by default; of DSA, 1024 by default, all that SSH knows.
   * @throws ValueError for a curve that there is none of, and an RSA key that logins would refuse.
   */
  static generate(type: GeneratedType, bits?: number): Key {
    return new Key(generate(type, bits));
  }

  isPublic(): boolean {
    return this.#material.isPublic;
  }

  /** This very key when it is public, else a new one without the private half. */
  public(): Key {
    return this.#material.isPublic ? this : new Key(this.#material.public());
  }

  /** @throws RuntimeError when this holds no key. */
  type(): KeyType {
    return this.#material.type;
  }

  /** The name at the head of the blob, such as "ssh-ed25519". */
  sshType(): string {
    return this.#material.sshType;
  }

  /** The signature algorithms of this key, the best first. */
  supportedSignatureAlgorithms(): string[] {
    return [...this.#material.signatureAlgorithms];
  }

  /** In bits; 0 when this holds no key. */
  size(): number {
    return isMaterial(this.#held) ? this.#held.size : 0;
  }

  /**
   * The numbers of the key: RSA n, e and d, p, q, u; DSA y, g, p, q and x; EC x, y, curve and privateValue; Ed25519 and
   * Ed448 a and k; MLDSA44-Ed25519 these, and mldsa and seed.
   */
  data(): KeyData {
    return this.#material.data();
  }

  /** The public key as it travels (RFC 4253 section 6.6). */
  blob(): Buffer {
    this.#blob ??= this.#material.blob();
    return this.#blob;
  }

  /** The private key as agents get it. @throws KeyError when this is a public key. */
  privateBlob(): Buffer {
    return this.#material.privateBlob();
  }

  /** Of the public half: MD5 in hex pairs with colons, or SHA-256 in base64. @throws BadFingerPrintFormat */
  fingerprint(format: symbol = FingerprintFormats.MD5_HEX): string {
    return fingerprint(this.blob(), format);
  }

  /** The fingerprint as a picture of eleven lines, the one that OpenSSH draws. */
  randomArt(): string {
    return randomArt(this.#material, this.blob());
  }

  /** The same key, and the same half of it: a private key does not equal its public half. */
  equals(other: unknown): boolean {
    if (!(other instanceof Key) || !isMaterial(this.#held) || !isMaterial(other.#held)) return false;
    // The halves of a private key fit together, that was checked: the public one decides.
    return this.isPublic() === other.isPublic() && this.blob().equals(other.blob());
  }

  /**
   * Signs `data` and returns the signature as it travels: algorithm and value.
   *
   * @param signatureType is one of {@link supportedSignatureAlgorithms}; the name of the key's type by default, which for
   *   RSA means SHA-1: name "rsa-sha2-512" or "rsa-sha2-256" instead.
   * @throws BadSignatureAlgorithmError for an algorithm of other keys; RuntimeError when this is a public key.
   */
  sign(data: BytesLike, signatureType: string | null = null): Buffer {
    const material = this.#material;
    const algorithm = signatureType ?? material.sshType;
    if (!material.signatureAlgorithms.includes(algorithm)) {
      throw new BadSignatureAlgorithmError(`a key of type ${material.sshType} cannot sign by ${algorithm}`);
    }
    if (material.isPublic) throw new RuntimeError("a public key cannot sign");
    const out = new Writer(1024);
    out.string(algorithm);
    out.string(material.sign(algorithm, toBuffer(data)));
    return out.payload();
  }

  /**
   * Did this key sign `data`? What is malformed in any way is no signature; nothing is thrown for it.
   *
   * @param algorithms are the names to accept; by default all of {@link supportedSignatureAlgorithms}, SHA-1 among them.
   */
  verify(signature: BytesLike, data: BytesLike, algorithms?: readonly string[]): boolean {
    const material = this.#material;
    const bytes = toBuffer(signature);
    const accepts = (name: string): boolean =>
      material.signatureAlgorithms.includes(name) && (algorithms?.includes(name) ?? true);
    try {
      if (material instanceof DSAMaterial && bytes.length === BARE_DSA_SIGNATURE) {
        return accepts(material.sshType) && material.verifyValue(bytes, toBuffer(data));
      }
      const from = new Reader(bytes);
      const algorithm = from.text();
      return accepts(algorithm) && material.verify(algorithm, from, toBuffer(data));
    } catch {
      return false;
    }
  }

  /**
   * What the signature of a security key proves: whether somebody touched it, or unlocked it, and how often it has signed.
   * Null when the signature is not good or this is no such key.
   */
  verifySecurityKey(signature: BytesLike, data: BytesLike): SecurityKeyProof | null {
    const material = this.#material;
    if (!(material instanceof SecurityKeyMaterial)) return null;
    try {
      const from = new Reader(toBuffer(signature));
      return from.text() === material.sshType ? material.prove(from, toBuffer(data)) : null;
    } catch {
      return null;
    }
  }

  /**
   * Writes the key as "openssh", "lsh" or "agentv3", or its public half as "rfc4716".
   *
   * A public key as "openssh" is the line of an authorized_keys file without its newline. A private one is PEM, or
   * openssh-key-v1 for Ed25519, Ed448 and MLDSA44-Ed25519, and with `subtype` "v1"; with a passphrase it is encrypted.
   *
   * @throws BadKeyError for a type that is unknown or has no form for this key; ValueError for such a subtype or number of
   *   rounds; TypeError when `extra` comes with what it stands for.
   */
  toString(
    type: string,
    extra: BytesLike | WriteOptions | null = null,
    subtype: string | null = null,
    comment: BytesLike | null = null,
    passphrase: BytesLike | null = null,
  ): Buffer {
    const isOptions = typeof extra === "object" && extra !== null && !(extra instanceof Uint8Array);
    const options = this.#withoutExtra(isOptions ? extra : { extra, subtype, comment, passphrase });
    switch (type.toLowerCase()) {
      case "openssh":
        return this.isPublic() ? publicLine(this.#material, options) : privateFile(this.#material, options);
      case "lsh":
        return writeLsh(this.#material);
      case "agentv3":
        return writeAgentV3(this.#material);
      case "rfc4716":
        return Buffer.from(writeRfc4716(this.blob(), options.comment ?? ""));
      default:
        throw new BadKeyError(`unknown key format ${JSON.stringify(type.slice(0, 64))}`);
    }
  }

  #withoutExtra(options: WriteOptions): WriteOptions {
    if (options.extra == null) return options;
    if (options.comment != null || options.passphrase != null) {
      throw new TypeError("extra stands for the comment or the passphrase: give one of them");
    }
    const name = this.isPublic() ? "comment" : "passphrase";
    process.emitWarning(`extra of Key.toString is deprecated: use ${name}`, "DeprecationWarning");
    return { ...options, [name]: options.extra };
  }

  /** The text form, with all numbers: of a private key too. */
  [Symbol.toPrimitive](): string {
    return keyText(this.#material);
  }

  /** The text form; inside of something else one line without any secret. */
  [inspect.custom](depth: number, options: InspectOptions): string {
    if (!isMaterial(this.#held)) return "<Key without key>";
    if (depth === options.depth) return keyText(this.#held);
    const half = this.#held.isPublic ? "Public" : "Private";
    return `<${this.type()} ${half} Key (${this.size()} bits) SHA256:${this.fingerprint(FingerprintFormats.SHA256_BASE64)}>`;
  }

  get #material(): KeyMaterial {
    if (isMaterial(this.#held)) return this.#held;
    throw new RuntimeError(this.#held === null ? "there is no key" : "not a key of a type that we know");
  }
}

/**
 * Loads the RSA key of a PEM file, or makes one of `keySize` bits (exponent 65537) and saves it there, with the folders on
 * the way. A key that is there wins over `keySize`.
 */
export function _getPersistentRSAKey(location: string, keySize = 4096): Key {
  ensureKeyFile(location, () => new Key(generateRsa(keySize)).toString("openssh"));
  return Key.fromFile(location);
}

function isMaterial(value: unknown): value is KeyMaterial {
  return typeof value === "object" && value !== null && "signatureAlgorithms" in value;
}

function isKeyError(error: unknown): boolean {
  return (
    error instanceof BadKeyError || error instanceof EncryptedKeyError || error instanceof PassphraseNormalizationError
  );
}
