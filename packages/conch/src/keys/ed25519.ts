/** Ed25519 keys and signatures (RFC 8709, RFC 8032). */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { KeyError } from "@strombus/reactor/exceptions";
import type { Reader } from "../wire/reader.js";
import { Writer } from "../wire/writer.js";
import { DerReader, Tag } from "./der.js";
import { BadKeyError } from "./errors.js";
import type { KeyData, KeyMaterial } from "./material.js";

const NAME = "ssh-ed25519";
const ALGORITHMS = [NAME];
const LENGTH = 32; // bytes of either half
const PRIME = Buffer.from(`7f${"ff".repeat(30)}ed`, "hex"); // 2^255 - 19

/** y coordinates of the points whose order divides 8 (little-endian): with such a key a signature may fit any message. */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  "00".repeat(32),
  "01".padEnd(64, "0"),
  `ec${"ff".repeat(30)}7f`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]);

export class Ed25519Material implements KeyMaterial {
  readonly type = "Ed25519";
  readonly sshType = NAME;
  readonly size = 256;
  readonly signatureAlgorithms = ALGORITHMS;
  readonly keyObject: KeyObject;
  readonly #a: Buffer;
  readonly #k: Buffer | null;

  /** @param a is the public key, 32 bytes, and k the seed of the private one, 32 bytes; both become ours. */
  constructor(a: Buffer, k: Buffer | null) {
    checkPoint(a);
    this.#a = a;
    this.#k = k;
    const jwk = { kty: "OKP", crv: "Ed25519", x: a.toString("base64url") };
    if (!k) {
      this.keyObject = publicKeyOf(jwk);
      return;
    }
    if (k.length !== LENGTH) throw new BadKeyError(`an Ed25519 private key has 32 bytes, not ${k.length}`);
    this.keyObject = createPrivateKey({ key: { ...jwk, d: k.toString("base64url") }, format: "jwk" });
    // Signing with another public key than the private one's own would give the private one away.
    if (createPublicKey(this.keyObject).export({ format: "jwk" }).x !== jwk.x) {
      throw new BadKeyError("the halves of the Ed25519 key do not fit together");
    }
  }

  static readPublic(from: Reader): Ed25519Material {
    return new Ed25519Material(Buffer.from(from.string()), null);
  }

  static readPrivate(from: Reader): Ed25519Material {
    const a = Buffer.from(from.string());
    const pair = from.string();
    if (pair.length !== 64 || !pair.subarray(32).equals(a)) {
      throw new BadKeyError("the halves of the Ed25519 key do not fit together");
    }
    return new Ed25519Material(a, Buffer.from(pair.subarray(0, 32)));
  }

  /** By way of DER (RFC 8410): a JWK of a generated key may never come, see generate.ts. */
  static fromKeyObject(key: KeyObject): Ed25519Material {
    const publicKey = key.type === "private" ? createPublicKey(key) : key;
    const a = Buffer.from(publicKey.export({ format: "der", type: "spki" }).subarray(-LENGTH));
    if (publicKey === key) return new Ed25519Material(a, null);
    const info = new DerReader(new DerReader(key.export({ format: "der", type: "pkcs8" })).read(Tag.SEQUENCE));
    info.read(Tag.INTEGER);
    info.read(Tag.SEQUENCE);
    return new Ed25519Material(a, Buffer.from(new DerReader(info.read(Tag.OCTET_STRING)).read(Tag.OCTET_STRING)));
  }

  get isPublic(): boolean {
    return this.#k === null;
  }

  public(): Ed25519Material {
    return new Ed25519Material(this.#a, null);
  }

  data(): KeyData {
    const data = { a: Buffer.from(this.#a) };
    return this.#k ? { ...data, k: Buffer.from(this.#k) } : data;
  }

  blob(): Buffer {
    const out = new Writer(64);
    out.string(NAME);
    out.string(this.#a);
    return out.payload();
  }

  privateBlob(): Buffer {
    if (!this.#k) throw new KeyError("a public key has no private blob");
    const out = new Writer();
    out.string(NAME);
    out.string(this.#a);
    out.string(Buffer.concat([this.#k, this.#a]));
    return out.payload();
  }

  sign(_algorithm: string, data: Buffer): Buffer {
    return sign(null, data, this.keyObject);
  }

  verify(_algorithm: string, signature: Reader, data: Buffer): boolean {
    const value = signature.string();
    signature.end();
    return this.verifyValue(value, data);
  }

  verifyValue(value: Buffer, data: Buffer): boolean {
    return value.length === 64 && verify(null, data, this.keyObject, value);
  }
}

const REMEMBERED = 256; // keys

/** Those that were read last: who logs in with a key does so again, and OpenSSL takes a while to take one in. */
const remembered = new Map<string, KeyObject>();

function publicKeyOf(jwk: { kty: string; crv: string; x: string }): KeyObject {
  const known = remembered.get(jwk.x);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: jwk, format: "jwk" });
  if (remembered.size >= REMEMBERED) remembered.delete(remembered.keys().next().value!);
  remembered.set(jwk.x, key);
  return key;
}

/** 32 bytes, y below the prime, and not of small order. */
function checkPoint(a: Buffer): void {
  if (a.length !== LENGTH) throw new BadKeyError(`an Ed25519 public key has 32 bytes, not ${a.length}`);
  const y = Buffer.from(a);
  y[31]! &= 0x7f; // the top bit is the sign of x
  if (SMALL_ORDER.has(y.toString("hex"))) throw new BadKeyError("the Ed25519 public key is a point of small order");
  if (y.reverse().compare(PRIME) >= 0) throw new BadKeyError("the Ed25519 public key is not canonical");
}
