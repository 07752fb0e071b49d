/**
 * Keys that sign twice, by ML-DSA-44 (FIPS 204) and by Ed25519, so that a forger needs to break both: OpenSSH's
 * ssh-mldsa44-ed25519, the composite of the IETF's LAMPS group (draft-ietf-lamps-pq-composite-sigs). @noble/post-quantum
 * has ML-DSA for every Node; it loads with the first such key.
 */
import { createHash, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import type * as noble from "@noble/post-quantum/ml-dsa.js";
import { KeyError } from "@strombus/reactor/exceptions";
import type { Reader } from "../wire/reader.js";
import { Writer } from "../wire/writer.js";
import { ED25519, EdwardsMaterial, pointFlaw } from "./edwards.js";
import { BadKeyError } from "./errors.js";
import type { KeyData, KeyMaterial } from "./material.js";

export const MLDSA44_ED25519 = "ssh-mldsa44-ed25519";
const ALGORITHMS = [MLDSA44_ED25519];
const LABEL = Buffer.from("COMPSIG-MLDSA44-Ed25519-SHA512");
/** What both halves sign begins so: the mark of composite signatures, which of them, and an empty context's length. */
const HEAD = Buffer.concat([Buffer.from("CompositeAlgorithmSignatures2025"), LABEL, Buffer.alloc(1)]);

/** Bytes of the ML-DSA half, which comes first; the Ed25519 half has 32, 32 and 64. */
const PUBLIC = 1312;
const SEED = 32;
const SIGNATURE = 2420;

export class MLDSA44Ed25519Material implements KeyMaterial {
  readonly type = "MLDSA44-Ed25519";
  readonly sshType = MLDSA44_ED25519;
  readonly size = 512; // as ssh-keygen tells it
  readonly signatureAlgorithms = ALGORITHMS;
  /** Node has no form for it. */
  readonly keyObject = null;
  readonly #mldsa: Buffer;
  readonly #ed25519: EdwardsMaterial;
  readonly #seed: Buffer | null;
  readonly #secretKey: Uint8Array | null;

  /** @param mldsa is the public key, 1312 bytes, and seed what the private one is made from, 32 bytes; both become ours. */
  private constructor(mldsa: Buffer, seed: Buffer | null, ed25519: EdwardsMaterial) {
    this.#mldsa = mldsa;
    this.#seed = seed;
    this.#ed25519 = ed25519;
    const pair = seed && mldsa44().keygen(seed);
    if (pair && !mldsa.equals(pair.publicKey)) throw misfit();
    this.#secretKey = pair?.secretKey ?? null;
  }

  static readPublic(from: Reader): MLDSA44Ed25519Material {
    return this.#join(from.string(), null);
  }

  static readPrivate(from: Reader): MLDSA44Ed25519Material {
    const halves = from.string();
    const seeds = from.string();
    if (seeds.length !== SEED + 32) throw new BadKeyError(`an ${MLDSA44_ED25519} private key has 64 bytes`);
    return this.#join(halves, seeds);
  }

  static #join(halves: Buffer, seeds: Buffer | null): MLDSA44Ed25519Material {
    const flaw = compositeFlaw(halves);
    if (flaw !== null) throw new BadKeyError(flaw);
    const part = (bytes: Buffer, from: number, to?: number): Buffer => Buffer.from(bytes.subarray(from, to));
    const ed25519 = new EdwardsMaterial(ED25519, part(halves, PUBLIC), seeds && part(seeds, SEED));
    return new MLDSA44Ed25519Material(part(halves, 0, PUBLIC), seeds && part(seeds, 0, SEED), ed25519);
  }

  /** A new one, with this private Ed25519 key for its other half. */
  static generate(ed25519: EdwardsMaterial): MLDSA44Ed25519Material {
    const seed = randomBytes(SEED);
    return new MLDSA44Ed25519Material(Buffer.from(mldsa44().keygen(seed).publicKey), seed, ed25519);
  }

  get isPublic(): boolean {
    return this.#seed === null;
  }

  public(): MLDSA44Ed25519Material {
    return new MLDSA44Ed25519Material(this.#mldsa, null, this.#ed25519.public());
  }

  data(): KeyData {
    const data = { ...this.#ed25519.data(), mldsa: Buffer.from(this.#mldsa) };
    return this.#seed ? { ...data, seed: Buffer.from(this.#seed) } : data;
  }

  blob(): Buffer {
    const out = new Writer(2048);
    this.#writePublic(out);
    return out.payload();
  }

  privateBlob(): Buffer {
    const { k } = this.#ed25519.data();
    if (!this.#seed || !k) throw new KeyError("a public key has no private blob");
    const out = new Writer(2048);
    this.#writePublic(out);
    out.string(Buffer.concat([this.#seed, k]));
    return out.payload();
  }

  #writePublic(out: Writer): void {
    out.string(MLDSA44_ED25519);
    out.string(Buffer.concat([this.#mldsa, this.#ed25519.data().a]));
  }

  sign(_algorithm: string, data: Buffer): Buffer {
    const message = represent(data);
    const first = mldsa44().sign(message, this.#secretKey!, { context: LABEL });
    return Buffer.concat([first, this.#ed25519.sign("", message)]);
  }

  verify(_algorithm: string, signature: Reader, data: Buffer): boolean {
    const value = signature.string();
    signature.end();
    if (value.length !== SIGNATURE + 64) return false;
    const message = represent(data);
    return (
      this.#ed25519.verifyValue(value.subarray(SIGNATURE), message) &&
      mldsa44().verify(value.subarray(0, SIGNATURE), message, this.#mldsa, { context: LABEL })
    );
  }
}

/** What is wrong with a public key, or null. */
export function compositeFlaw(halves: Buffer): string | null {
  if (halves.length === PUBLIC + ED25519.length) return pointFlaw(ED25519, halves.subarray(PUBLIC));
  return `an ${MLDSA44_ED25519} public key has 1344 bytes, not ${halves.length}`;
}

/** What both halves sign. */
function represent(data: Buffer): Buffer {
  return Buffer.concat([HEAD, createHash("sha512").update(data).digest()]);
}

function misfit(): BadKeyError {
  return new BadKeyError(`the halves of the ${MLDSA44_ED25519} key do not fit together`);
}

let loaded: typeof noble.ml_dsa44 | null = null;

function mldsa44(): typeof noble.ml_dsa44 {
  loaded ??= (createRequire(import.meta.url)("@noble/post-quantum/ml-dsa.js") as typeof noble).ml_dsa44;
  return loaded;
}
