/** Public keys of FIDO security keys and their signatures (OpenSSH's PROTOCOL.u2f). */
import { createHash, type KeyObject } from "node:crypto";
import { KeyError } from "@strombus/reactor/exceptions";
import type { Reader } from "../wire/reader.js";
import { ECMaterial, curveOf } from "./ecdsa.js";
import { ED25519, EdwardsMaterial } from "./edwards.js";
import { BadKeyError } from "./errors.js";
import type { KeyData, KeyMaterial, KeyType } from "./material.js";

export const SK_ED25519 = "sk-ssh-ed25519@openssh.com";
export const SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com";

/** What the authenticator says about a signature that is good. */
export interface SecurityKeyProof {
  /** Somebody touched it. */
  readonly userPresent: boolean;
  /** It asked for a PIN or a finger. */
  readonly userVerified: boolean;
  /** How many signatures it has made, where it counts. */
  readonly counter: number;
}

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;

/** Verifies only; a blob without application, or with the name of another curve, loads but verifies nothing. */
export class SecurityKeyMaterial implements KeyMaterial {
  readonly isPublic = true;
  readonly sshType: string;
  readonly signatureAlgorithms: readonly string[];
  readonly #inner: ECMaterial | EdwardsMaterial;
  readonly #application: Buffer | null;
  readonly #blob: Buffer;

  private constructor(sshType: string, inner: ECMaterial | EdwardsMaterial, application: Buffer | null, blob: Buffer) {
    this.sshType = sshType;
    this.signatureAlgorithms = [sshType];
    this.#inner = inner;
    this.#application = application;
    this.#blob = blob;
  }

  /** @param blob is the whole of what `from` reads: it is kept, since not all that loads could be written again. */
  static readPublic(from: Reader, sshType: string, blob: Buffer): SecurityKeyMaterial {
    let inner: ECMaterial | EdwardsMaterial;
    let usable = true;
    if (sshType === SK_ED25519) {
      inner = EdwardsMaterial.readPublic(ED25519, from);
    } else {
      const curve = curveOf("ecdsa-sha2-nistp256");
      usable = from.text() === curve.name;
      inner = new ECMaterial(curve, Buffer.from(from.string()), null);
    }
    const application = from.remaining > 0 ? Buffer.from(from.string()) : null;
    return new SecurityKeyMaterial(sshType, inner, usable ? application : null, Buffer.from(blob));
  }

  get type(): KeyType {
    return this.#inner.type;
  }

  get size(): number {
    return this.#inner.size;
  }

  get keyObject(): KeyObject {
    return this.#inner.keyObject;
  }

  /** The origin that the key was made for, "ssh:" unless chosen; null when the blob had none that counts. */
  get application(): string | null {
    return this.#application?.toString() ?? null;
  }

  public(): this {
    return this;
  }

  data(): KeyData {
    return this.#inner.data();
  }

  blob(): Buffer {
    return this.#blob;
  }

  privateBlob(): Buffer {
    throw new KeyError("a public key has no private blob");
  }

  sign(): Buffer {
    throw new BadKeyError("the private half of this key never leaves its device");
  }

  /** Without a touch a signature is worth nothing here; {@link prove} tells more. */
  verify(_algorithm: string, signature: Reader, data: Buffer): boolean {
    return this.prove(signature, data)?.userPresent === true;
  }

  /** What a good signature proves; null for a bad one. */
  prove(signature: Reader, data: Buffer): SecurityKeyProof | null {
    const value = signature.string();
    const flags = signature.byte();
    const counter = signature.uint32();
    signature.end();
    if (!this.#application) return null;
    const tail = Buffer.alloc(5);
    tail[0] = flags;
    tail.writeUInt32BE(counter, 1);
    const signed = Buffer.concat([sha256(this.#application), tail, sha256(data)]);
    if (!this.#inner.verifyValue(value, signed)) return null;
    return { userPresent: (flags & USER_PRESENT) !== 0, userVerified: (flags & USER_VERIFIED) !== 0, counter };
  }
}

function sha256(data: Buffer): Buffer {
  return createHash("sha256").update(data).digest();
}
