/** DSA keys and signatures (RFC 4253 section 6.6): read for what old files hold; no default algorithm list names them. */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { KeyError } from "@strombus/reactor/exceptions";
import type { Reader } from "../wire/reader.js";
import { Writer } from "../wire/writer.js";
import { DerReader, Tag, der, derInteger } from "./der.js";
import { BadKeyError } from "./errors.js";
import type { KeyData, KeyMaterial } from "./material.js";
import { bitLength, modularPower, readPositive, toBigInt, toMagnitude } from "./numbers.js";

const NAME = "ssh-dss";
const ALGORITHMS = [NAME];
const OID_DSA = Buffer.from("2a8648ce380401", "hex");
const MAX_BITS = 4096; // of p; SSH knows 1024 only
const SIGNATURE = 40; // bytes of r and s together

export interface DSANumbers {
  readonly p: bigint;
  readonly q: bigint;
  readonly g: bigint;
  readonly y: bigint;
}

export class DSAMaterial implements KeyMaterial {
  readonly type = "DSA";
  readonly sshType = NAME;
  readonly signatureAlgorithms = ALGORITHMS;
  readonly keyObject: KeyObject;
  readonly size: number;
  readonly #numbers: DSANumbers;
  readonly #x: bigint | null;

  constructor(numbers: DSANumbers, x: bigint | null) {
    const { p, q, g, y } = numbers;
    this.size = bitLength(toMagnitude(p));
    if (this.size < 512 || this.size > MAX_BITS || bitLength(toMagnitude(q)) !== 160 || (p - 1n) % q !== 0n) {
      throw new BadKeyError("the DSA parameters cannot be some of SSH");
    }
    if (g <= 1n || g >= p || y <= 1n || y >= p) throw new BadKeyError("a number of the DSA key is out of range");
    if (x !== null && (x <= 0n || x >= q || modularPower(g, x, p) !== y)) {
      throw new BadKeyError("the halves of the DSA key do not fit together");
    }
    this.#numbers = numbers;
    this.#x = x;
    this.keyObject =
      x === null
        ? createPublicKey({ key: publicDer(numbers), format: "der", type: "spki" })
        : createPrivateKey({ key: privateDer(numbers, x), format: "der", type: "pkcs8" });
  }

  static readPublic(from: Reader): DSAMaterial {
    return new DSAMaterial(readNumbers(from), null);
  }

  static readPrivate(from: Reader): DSAMaterial {
    const numbers = readNumbers(from);
    return new DSAMaterial(numbers, toBigInt(readPositive(from)));
  }

  static fromKeyObject(key: KeyObject): DSAMaterial {
    const isPublic = key.type === "public";
    const input = isPublic ? key.export({ format: "der", type: "spki" }) : key.export({ format: "der", type: "pkcs8" });
    const outer = new DerReader(new DerReader(input).read(Tag.SEQUENCE));
    if (!isPublic) outer.read(Tag.INTEGER); // the version
    const algorithm = new DerReader(outer.read(Tag.SEQUENCE));
    algorithm.read(Tag.OID);
    const parameters = new DerReader(algorithm.read(Tag.SEQUENCE));
    const integer = (from: DerReader): bigint => toBigInt(from.read(Tag.INTEGER));
    const [p, q, g] = [integer(parameters), integer(parameters), integer(parameters)];
    const key_ = outer.read(isPublic ? Tag.BIT_STRING : Tag.OCTET_STRING);
    const value = integer(new DerReader(isPublic ? key_.subarray(1) : key_));
    return isPublic
      ? new DSAMaterial({ p, q, g, y: value }, null)
      : new DSAMaterial({ p, q, g, y: modularPower(g, value, p) }, value);
  }

  get isPublic(): boolean {
    return this.#x === null;
  }

  public(): DSAMaterial {
    return new DSAMaterial(this.#numbers, null);
  }

  data(): KeyData {
    const { y, g, p, q } = this.#numbers;
    return this.#x === null ? { y, g, p, q } : { y, g, p, q, x: this.#x };
  }

  blob(): Buffer {
    return this.#writePublic().payload();
  }

  privateBlob(): Buffer {
    if (this.#x === null) throw new KeyError("a public key has no private blob");
    const out = this.#writePublic();
    out.mpint(this.#x);
    return out.payload();
  }

  #writePublic(): Writer {
    const { p, q, g, y } = this.#numbers;
    const out = new Writer(1024);
    out.string(NAME);
    for (const each of [p, q, g, y]) out.mpint(each);
    return out;
  }

  sign(_algorithm: string, data: Buffer): Buffer {
    return sign("sha1", data, { key: this.keyObject, dsaEncoding: "ieee-p1363" });
  }

  verify(_algorithm: string, signature: Reader, data: Buffer): boolean {
    const value = signature.string();
    signature.end();
    return this.verifyValue(value, data);
  }

  /** @param value is r and s, 20 bytes each. */
  verifyValue(value: Buffer, data: Buffer): boolean {
    return (
      value.length === SIGNATURE && verify("sha1", data, { key: this.keyObject, dsaEncoding: "ieee-p1363" }, value)
    );
  }
}

/** The traditional form of OpenSSL: version, p, q, g, y, x. */
export function traditionalDsa(key: KeyMaterial): Buffer {
  const { p, q, g, y, x } = key.data() as Record<string, bigint>;
  return der(Tag.SEQUENCE, ...[0n, p!, q!, g!, y!, x!].map(derInteger));
}

function readNumbers(from: Reader): DSANumbers {
  const number = (): bigint => toBigInt(readPositive(from));
  return { p: number(), q: number(), g: number(), y: number() };
}

function publicDer(numbers: DSANumbers): Buffer {
  return der(Tag.SEQUENCE, algorithm(numbers), der(Tag.BIT_STRING, Buffer.of(0), derInteger(numbers.y)));
}

function privateDer(numbers: DSANumbers, x: bigint): Buffer {
  return der(Tag.SEQUENCE, derInteger(0n), algorithm(numbers), der(Tag.OCTET_STRING, derInteger(x)));
}

function algorithm({ p, q, g }: DSANumbers): Buffer {
  return der(Tag.SEQUENCE, der(Tag.OID, OID_DSA), der(Tag.SEQUENCE, derInteger(p), derInteger(q), derInteger(g)));
}
