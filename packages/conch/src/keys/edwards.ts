/** Ed25519 and Ed448 keys and signatures (RFC 8709, RFC 8032). */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { KeyError } from "@strombus/reactor/exceptions";
import type { Reader } from "../wire/reader.js";
import { Writer } from "../wire/writer.js";
import { DerReader, Tag } from "./der.js";
import { BadKeyError } from "./errors.js";
import type { KeyData, KeyMaterial } from "./material.js";

export interface EdwardsCurve {
  readonly type: "Ed25519" | "Ed448";
  readonly sshType: string;
  readonly algorithms: readonly string[];
  /** In bits, as ssh-keygen and puttygen tell it. */
  readonly size: number;
  /** Bytes of either half; a signature has twice as many. */
  readonly length: number;
  /** Of the field, little-endian, as long as a key. */
  readonly prime: Buffer;
  /** y of the points whose order divides the cofactor, in hex, in all their forms: with such a key a signature may fit any message. */
  readonly smallOrder: ReadonlySet<string>;
}

/** The field's prime is 2^255 - 19. */
export const ED25519: EdwardsCurve = {
  type: "Ed25519",
  sshType: "ssh-ed25519",
  algorithms: ["ssh-ed25519"],
  size: 256,
  length: 32,
  prime: Buffer.from(`ed${"ff".repeat(30)}7f`, "hex"),
  smallOrder: new Set([
    "00".repeat(32),
    "01".padEnd(64, "0"),
    `ec${"ff".repeat(30)}7f`,
    `ed${"ff".repeat(30)}7f`, // 0 and 1 again, with the prime added
    `ee${"ff".repeat(30)}7f`,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  ]),
};

/** The field's prime is 2^448 - 2^224 - 1. */
export const ED448: EdwardsCurve = {
  type: "Ed448",
  sshType: "ssh-ed448",
  algorithms: ["ssh-ed448"],
  size: 448,
  length: 57,
  prime: Buffer.from(`${"ff".repeat(28)}fe${"ff".repeat(27)}00`, "hex"),
  smallOrder: new Set([
    "00".repeat(57),
    "01".padEnd(114, "0"),
    `fe${"ff".repeat(27)}fe${"ff".repeat(27)}00`,
    `${"ff".repeat(28)}fe${"ff".repeat(27)}00`, // 0 and 1 again, with the prime added
    `${"00".repeat(28)}${"ff".repeat(28)}00`,
  ]),
};

export class EdwardsMaterial implements KeyMaterial {
  readonly keyObject: KeyObject;
  readonly #curve: EdwardsCurve;
  readonly #a: Buffer;
  readonly #k: Buffer | null;

  /** @param a is the public key and k the seed of the private one; both become ours. */
  constructor(curve: EdwardsCurve, a: Buffer, k: Buffer | null) {
    const flaw = pointFlaw(curve, a);
    if (flaw !== null) throw new BadKeyError(flaw);
    this.#curve = curve;
    this.#a = a;
    this.#k = k;
    const jwk = { kty: "OKP", crv: curve.type, x: a.toString("base64url") };
    if (!k) {
      this.keyObject = publicKeyOf(jwk);
      return;
    }
    if (k.length !== curve.length) {
      throw new BadKeyError(`an ${curve.type} private key has ${curve.length} bytes, not ${k.length}`);
    }
    this.keyObject = privateKeyOf(curve, jwk, k);
  }

  static readPublic(curve: EdwardsCurve, from: Reader): EdwardsMaterial {
    return new EdwardsMaterial(curve, Buffer.from(from.string()), null);
  }

  static readPrivate(curve: EdwardsCurve, from: Reader): EdwardsMaterial {
    const a = Buffer.from(from.string());
    const pair = from.string();
    const { length } = curve;
    if (pair.length !== 2 * length || !pair.subarray(length).equals(a)) throw misfit(curve);
    return new EdwardsMaterial(curve, a, Buffer.from(pair.subarray(0, length)));
  }

  /** By way of DER (RFC 8410): a JWK of a generated key may never come, see generate.ts. */
  static fromKeyObject(curve: EdwardsCurve, key: KeyObject): EdwardsMaterial {
    const publicKey = key.type === "private" ? createPublicKey(key) : key;
    const a = Buffer.from(publicKey.export({ format: "der", type: "spki" }).subarray(-curve.length));
    if (publicKey === key) return new EdwardsMaterial(curve, a, null);
    const info = new DerReader(new DerReader(key.export({ format: "der", type: "pkcs8" })).read(Tag.SEQUENCE));
    info.read(Tag.INTEGER);
    info.read(Tag.SEQUENCE);
    const k = new DerReader(info.read(Tag.OCTET_STRING)).read(Tag.OCTET_STRING);
    return new EdwardsMaterial(curve, a, Buffer.from(k));
  }

  get type(): "Ed25519" | "Ed448" {
    return this.#curve.type;
  }

  get sshType(): string {
    return this.#curve.sshType;
  }

  get size(): number {
    return this.#curve.size;
  }

  get signatureAlgorithms(): readonly string[] {
    return this.#curve.algorithms;
  }

  get isPublic(): boolean {
    return this.#k === null;
  }

  public(): EdwardsMaterial {
    return new EdwardsMaterial(this.#curve, this.#a, null);
  }

  data(): { a: Buffer; k?: Buffer } & KeyData {
    const data = { a: Buffer.from(this.#a) };
    return this.#k ? { ...data, k: Buffer.from(this.#k) } : data;
  }

  blob(): Buffer {
    const out = new Writer(64);
    out.string(this.sshType);
    out.string(this.#a);
    return out.payload();
  }

  privateBlob(): Buffer {
    if (!this.#k) throw new KeyError("a public key has no private blob");
    const out = new Writer();
    out.string(this.sshType);
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
    return value.length === 2 * this.#curve.length && verify(null, data, this.keyObject, value);
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

/** Signing with another public key than the private one's own would give the private one away; Node 26 looks at that itself. */
function privateKeyOf(curve: EdwardsCurve, jwk: { kty: string; crv: string; x: string }, k: Buffer): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: { ...jwk, d: k.toString("base64url") }, format: "jwk" });
  } catch (cause) {
    throw misfit(curve, cause);
  }
  if (createPublicKey(key).export({ format: "jwk" }).x !== jwk.x) throw misfit(curve);
  return key;
}

/** What is wrong with a public key: its length, a y that is not below the prime, a point of small order; or null. */
export function pointFlaw({ type, length, prime, smallOrder }: EdwardsCurve, a: Buffer): string | null {
  if (a.length !== length) return `an ${type} public key has ${length} bytes, not ${a.length}`;
  const y = Buffer.from(a);
  y[length - 1]! &= 0x7f; // the top bit is the sign of x
  if (smallOrder.has(y.toString("hex"))) return `the ${type} public key is a point of small order`;
  return y.reverse().compare(Buffer.from(prime).reverse()) >= 0 ? `the ${type} public key is not canonical` : null;
}

function misfit({ type }: EdwardsCurve, cause?: unknown): BadKeyError {
  return new BadKeyError(`the halves of the ${type} key do not fit together`, { cause });
}
