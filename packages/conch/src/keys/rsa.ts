/** RSA keys (RFC 4253 section 6.6) and their signatures (RFC 8332). */
import { createPrivateKey, createPublicKey, sign, verify, type JsonWebKey, type KeyObject } from "node:crypto";
import { KeyError } from "@strombus/reactor/exceptions";
import type { Reader } from "../wire/reader.js";
import { Writer, mpintFromMagnitude } from "../wire/writer.js";
import { DerReader, Tag } from "./der.js";
import { BadKeyError, BadSignatureAlgorithmError } from "./errors.js";
import { MAX_RSA_BITS, MAX_RSA_EXPONENT_BITS } from "./limits.js";
import type { KeyData, KeyMaterial } from "./material.js";
import { bitLength, modularInverse, readPositive, toBigInt, toMagnitude } from "./numbers.js";

const ALGORITHMS = ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"];

/** What a private key adds; all else follows from it. */
interface PrivateNumbers {
  readonly d: bigint;
  readonly p: bigint;
  readonly q: bigint;
}

export class RSAMaterial implements KeyMaterial {
  readonly type = "RSA";
  readonly sshType = "ssh-rsa";
  readonly signatureAlgorithms = ALGORITHMS;
  readonly keyObject: KeyObject;
  readonly size: number;
  readonly #n: Buffer;
  readonly #e: Buffer;
  readonly #private: PrivateNumbers | null;

  /** @param n and e are magnitudes without leading zeros, and become ours. */
  constructor(n: Buffer, e: Buffer, numbers: PrivateNumbers | null) {
    this.size = bitLength(n);
    if (this.size > MAX_RSA_BITS) throw new BadKeyError(`an RSA key of ${this.size} bits is too large`);
    if (this.size < 512 || !(n.at(-1)! & 1)) throw new BadKeyError("the RSA modulus cannot be one");
    const exponentBits = bitLength(e);
    if (exponentBits < 2 || exponentBits > MAX_RSA_EXPONENT_BITS || !(e.at(-1)! & 1)) {
      throw new BadKeyError("the RSA exponent is even, 1 or too large");
    }
    this.#n = n;
    this.#e = e;
    this.#private = numbers;
    const jwk: JsonWebKey = { kty: "RSA", n: n.toString("base64url"), e: e.toString("base64url") };
    this.keyObject = numbers
      ? createPrivateKey({ key: { ...jwk, ...privateJwk(toBigInt(n), toBigInt(e), numbers) }, format: "jwk" })
      : createPublicKey({ key: jwk, format: "jwk" });
  }

  static readPublic(from: Reader): RSAMaterial {
    const e = Buffer.from(readPositive(from));
    return new RSAMaterial(Buffer.from(readPositive(from)), e, null);
  }

  /** Order of openssh-key-v1 and of the agent; iqmp is computed anew. */
  static readPrivate(from: Reader): RSAMaterial {
    const [n, e, d, , p, q] = [
      readPositive(from),
      readPositive(from),
      readPositive(from),
      readPositive(from),
      readPositive(from),
      readPositive(from),
    ];
    return new RSAMaterial(Buffer.from(n), Buffer.from(e), { d: toBigInt(d), p: toBigInt(p), q: toBigInt(q) });
  }

  static fromNumbers(n: bigint, e: bigint, numbers: PrivateNumbers | null): RSAMaterial {
    return new RSAMaterial(toMagnitude(n), toMagnitude(e), numbers);
  }

  /** By way of DER (RFC 8017 appendix A.1): a JWK of a generated key may never come, see generate.ts. */
  static fromKeyObject(key: KeyObject): RSAMaterial {
    const isPrivate = key.type === "private";
    const numbers = isPrivate ? key.export({ format: "der", type: "pkcs1" }) : publicNumbers(key);
    const from = new DerReader(new DerReader(numbers).read(Tag.SEQUENCE));
    const number = (): bigint => toBigInt(from.read(Tag.INTEGER));
    if (isPrivate) number(); // the version
    const [n, e] = [number(), number()];
    return RSAMaterial.fromNumbers(n, e, isPrivate ? { d: number(), p: number(), q: number() } : null);
  }

  get isPublic(): boolean {
    return this.#private === null;
  }

  public(): RSAMaterial {
    return new RSAMaterial(this.#n, this.#e, null);
  }

  data(): KeyData {
    const data = { n: toBigInt(this.#n), e: toBigInt(this.#e) };
    if (!this.#private) return data;
    const { d, p, q } = this.#private;
    return { ...data, d, p, q, u: modularInverse(p, q) };
  }

  blob(): Buffer {
    const out = new Writer();
    out.string(this.sshType);
    out.string(mpintFromMagnitude(this.#e));
    out.string(mpintFromMagnitude(this.#n));
    return out.payload();
  }

  privateBlob(): Buffer {
    if (!this.#private) throw new KeyError("a public key has no private blob");
    const { d, p, q } = this.#private;
    const out = new Writer(2048);
    out.string(this.sshType);
    out.string(mpintFromMagnitude(this.#n));
    out.string(mpintFromMagnitude(this.#e));
    for (const each of [d, modularInverse(q, p), p, q]) out.mpint(each);
    return out.payload();
  }

  sign(algorithm: string, data: Buffer): Buffer {
    return sign(hashOf(algorithm), data, this.keyObject);
  }

  /** The value is as long as the modulus, neither shorter nor longer. */
  verify(algorithm: string, signature: Reader, data: Buffer): boolean {
    const value = signature.string();
    signature.end();
    return value.length === this.#n.length && verify(hashOf(algorithm), data, this.keyObject, value);
  }
}

/** Out of its SubjectPublicKeyInfo (RFC 8017 appendix A.1.1): Node 24.21 cannot write some keys by themselves. */
function publicNumbers(key: KeyObject): Buffer {
  const info = new DerReader(new DerReader(key.export({ format: "der", type: "spki" })).read(Tag.SEQUENCE));
  info.read(Tag.SEQUENCE);
  return info.read(Tag.BIT_STRING).subarray(1);
}

function hashOf(algorithm: string): string {
  switch (algorithm) {
    case "rsa-sha2-512":
      return "sha512";
    case "rsa-sha2-256":
      return "sha256";
    case "ssh-rsa":
      return "sha1";
    default:
      throw new BadSignatureAlgorithmError(`RSA keys do not sign by ${algorithm}`);
  }
}

function privateJwk(n: bigint, e: bigint, { d, p, q }: PrivateNumbers): JsonWebKey {
  if (p <= 1n || q <= 1n || p * q !== n || (e * d) % (p - 1n) !== 1n || (e * d) % (q - 1n) !== 1n) {
    throw new BadKeyError("the numbers of the RSA key do not fit together");
  }
  const text = (value: bigint): string => toMagnitude(value).toString("base64url");
  return {
    d: text(d),
    p: text(p),
    q: text(q),
    dp: text(d % (p - 1n)),
    dq: text(d % (q - 1n)),
    qi: text(modularInverse(q, p)),
  };
}
