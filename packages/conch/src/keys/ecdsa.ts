/** ECDSA keys on the NIST curves and their signatures (RFC 5656). */
import { createECDH, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { KeyError } from "@strombus/reactor/exceptions";
import { Reader } from "../wire/reader.js";
import { Writer, mpintFromMagnitude } from "../wire/writer.js";
import { DerReader, Tag } from "./der.js";
import { BadKeyError } from "./errors.js";
import type { KeyData, KeyMaterial } from "./material.js";
import { readPositive, toBigInt } from "./numbers.js";

/** A curve by its SSH name (RFC 5656 section 10.1). */
export interface Curve {
  readonly name: string;
  readonly sshType: string;
  readonly bits: number;
  /** Bytes of a coordinate. */
  readonly width: number;
  readonly hash: string;
  /** The curve's name in a JWK, and in OpenSSL. */
  readonly jwk: string;
  readonly openssl: string;
  readonly oid: Buffer;
  /** What stands before the point in a SubjectPublicKeyInfo; null where Node reads a JWK faster than DER. */
  readonly spki: Buffer | null;
}

const CURVES: readonly Curve[] = [
  nist("nistp256", 256, "sha256", "P-256", "prime256v1", "2a8648ce3d030107", null),
  nist("nistp384", 384, "sha384", "P-384", "secp384r1", "2b81040022", "3076301006072a8648ce3d020106052b81040022036200"),
  nist(
    "nistp521",
    521,
    "sha512",
    "P-521",
    "secp521r1",
    "2b81040023",
    "30819b301006072a8648ce3d020106052b8104002303818600",
  ),
];
/** [1], constructed, in an ECPrivateKey. */
const PUBLIC_KEY = 0xa1;
const BY_SSH_TYPE: ReadonlyMap<string, Curve> = new Map(CURVES.map((each) => [each.sshType, each]));

export class ECMaterial implements KeyMaterial {
  readonly type = "EC";
  readonly sshType: string;
  readonly size: number;
  readonly signatureAlgorithms: readonly string[];
  readonly keyObject: KeyObject;
  readonly #curve: Curve;
  readonly #point: Buffer;
  readonly #d: Buffer | null;

  /** @param point is 04 x y, and d as wide as a coordinate; both become ours. */
  constructor(curve: Curve, point: Buffer, d: Buffer | null) {
    this.sshType = curve.sshType;
    this.size = curve.bits;
    this.signatureAlgorithms = [curve.sshType];
    this.#curve = curve;
    this.#point = point;
    this.#d = d;
    this.keyObject = d ? privateKeyObject(curve, point, d) : publicKeyObject(curve, point);
  }

  static readPublic(from: Reader, sshType: string): ECMaterial {
    const curve = curveOf(sshType);
    const inner = from.text();
    if (inner !== curve.name) throw new BadKeyError(`a key of type ${sshType} names another curve`);
    return new ECMaterial(curve, Buffer.from(from.string()), null);
  }

  static readPrivate(from: Reader, sshType: string): ECMaterial {
    const curve = curveOf(sshType);
    const inner = from.text();
    if (inner !== curve.name) throw new BadKeyError(`a key of type ${sshType} names another curve`);
    const point = Buffer.from(from.string());
    const d = readPositive(from);
    if (d.length > curve.width) throw new BadKeyError("the private number is too large for its curve");
    return new ECMaterial(curve, point, Buffer.concat([Buffer.alloc(curve.width - d.length), d]));
  }

  /** By way of DER: Node 20 aborts when it is asked for the details of a key whose private number is too large. */
  static fromKeyObject(key: KeyObject): ECMaterial {
    return key.type === "private" ? fromPkcs8(key) : fromSpki(key);
  }

  get isPublic(): boolean {
    return this.#d === null;
  }

  public(): ECMaterial {
    return new ECMaterial(this.#curve, this.#point, null);
  }

  data(): KeyData {
    const { width } = this.#curve;
    const data = {
      x: toBigInt(this.#point.subarray(1, 1 + width)),
      y: toBigInt(this.#point.subarray(1 + width)),
      curve: this.sshType,
    };
    return this.#d ? { ...data, privateValue: toBigInt(this.#d) } : data;
  }

  blob(): Buffer {
    return this.#writePublic().payload();
  }

  privateBlob(): Buffer {
    if (!this.#d) throw new KeyError("a public key has no private blob");
    const out = this.#writePublic();
    out.string(mpintFromMagnitude(this.#d));
    return out.payload();
  }

  #writePublic(): Writer {
    const out = new Writer();
    out.string(this.sshType);
    out.string(this.#curve.name);
    out.string(this.#point);
    return out;
  }

  sign(_algorithm: string, data: Buffer): Buffer {
    const { hash, width } = this.#curve;
    const value = sign(hash, data, { key: this.keyObject, dsaEncoding: "ieee-p1363" });
    const out = new Writer();
    out.string(mpintFromMagnitude(value.subarray(0, width)));
    out.string(mpintFromMagnitude(value.subarray(width)));
    return out.payload();
  }

  verify(_algorithm: string, signature: Reader, data: Buffer): boolean {
    const value = signature.string();
    signature.end();
    return this.verifyValue(value, data);
  }

  /** @param value is mpint r, mpint s, in their shortest form; that both are below the order of the curve OpenSSL checks. */
  verifyValue(value: Buffer, data: Buffer): boolean {
    const from = new Reader(value);
    const { hash, width } = this.#curve;
    const pair = Buffer.alloc(2 * width);
    for (const end of [width, 2 * width]) {
      const number = readPositive(from);
      if (number.length > width) return false;
      pair.set(number, end - number.length);
    }
    from.end();
    return verify(hash, data, { key: this.keyObject, dsaEncoding: "ieee-p1363" }, pair);
  }
}

/** @throws BadKeyError when there is no such curve. */
export function curveOf(sshType: string): Curve {
  const curve = BY_SSH_TYPE.get(sshType);
  if (!curve) throw new BadKeyError("unknown elliptic curve");
  return curve;
}

function nist(
  name: string,
  bits: number,
  hash: string,
  jwk: string,
  openssl: string,
  oid: string,
  spki: string | null,
): Curve {
  return {
    name,
    sshType: `ecdsa-sha2-${name}`,
    bits,
    width: Math.ceil(bits / 8),
    hash,
    jwk,
    openssl,
    oid: Buffer.from(oid, "hex"),
    spki: spki === null ? null : Buffer.from(spki, "hex"),
  };
}

/** PrivateKeyInfo around an ECPrivateKey (RFC 5958, RFC 5915). */
function fromPkcs8(key: KeyObject): ECMaterial {
  const info = new DerReader(new DerReader(key.export({ format: "der", type: "pkcs8" })).read(Tag.SEQUENCE));
  info.read(Tag.INTEGER);
  const curve = namedCurve(info.read(Tag.SEQUENCE));
  const inner = new DerReader(new DerReader(info.read(Tag.OCTET_STRING)).read(Tag.SEQUENCE));
  inner.read(Tag.INTEGER);
  const number = inner.read(Tag.OCTET_STRING);
  if (number.length > curve.width) throw new BadKeyError("the private number is too large for its curve");
  const d = Buffer.concat([Buffer.alloc(curve.width - number.length), number]);
  const point = new DerReader(inner.read(PUBLIC_KEY)).read(Tag.BIT_STRING).subarray(1);
  return new ECMaterial(curve, Buffer.from(point), d);
}

function fromSpki(key: KeyObject): ECMaterial {
  const info = new DerReader(new DerReader(key.export({ format: "der", type: "spki" })).read(Tag.SEQUENCE));
  const curve = namedCurve(info.read(Tag.SEQUENCE));
  return new ECMaterial(curve, Buffer.from(info.read(Tag.BIT_STRING).subarray(1)), null);
}

/** The second of the names of an algorithm. */
function namedCurve(algorithm: Buffer): Curve {
  const from = new DerReader(algorithm);
  from.read(Tag.OID);
  const { tag, body } = from.element();
  const curve = tag === Tag.OID ? CURVES.find((each) => each.oid.equals(body)) : undefined;
  if (!curve) throw new BadKeyError("SSH has no name for the curve of this key");
  return curve;
}

/** OpenSSL checks that the point is on the curve. */
function publicKeyObject(curve: Curve, point: Buffer): KeyObject {
  checkForm(curve, point);
  if (curve.spki) return createPublicKey({ key: Buffer.concat([curve.spki, point]), format: "der", type: "spki" });
  return createPublicKey({ key: publicJwk(curve, point), format: "jwk" });
}

function privateKeyObject(curve: Curve, point: Buffer, d: Buffer): KeyObject {
  checkForm(curve, point);
  const pair = createECDH(curve.openssl);
  pair.setPrivateKey(d);
  if (!pair.getPublicKey().equals(point)) throw new BadKeyError("the halves of the ECDSA key do not fit together");
  return createPrivateKey({ key: { ...publicJwk(curve, point), d: d.toString("base64url") }, format: "jwk" });
}

function checkForm(curve: Curve, point: Buffer): void {
  if (point[0] !== 4 || point.length !== 1 + 2 * curve.width) {
    throw new BadKeyError(`the point of a ${curve.name} key is not one, or compressed`);
  }
}

function publicJwk(curve: Curve, point: Buffer): { kty: string; crv: string; x: string; y: string } {
  const x = point.toString("base64url", 1, 1 + curve.width);
  return { kty: "EC", crv: curve.jwk, x, y: point.toString("base64url", 1 + curve.width) };
}
