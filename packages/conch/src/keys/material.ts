/** What a key is made of: one class for each family implements this, and `Key` is the face of all. */
import type { KeyObject } from "node:crypto";
import type { Reader } from "../wire/reader.js";

export type KeyType = "RSA" | "DSA" | "EC" | "Ed25519" | "Ed448" | "MLDSA44-Ed25519";

/** A key's numbers by the names that Twisted gives them. */
export type KeyData = Record<string, bigint | Buffer | string>;

export interface KeyMaterial {
  readonly type: KeyType;
  /** The name at the head of the public blob. */
  readonly sshType: string;
  readonly isPublic: boolean;
  /** In bits: the modulus, p or the curve. */
  readonly size: number;
  /** The signature algorithms that this key can make or check, the best first. */
  readonly signatureAlgorithms: readonly string[];
  /** The private half if there is one, else the public one; null where node:crypto has no form for it. */
  readonly keyObject: KeyObject | null;

  public(): KeyMaterial;
  data(): KeyData;
  /** The public key as it travels. */
  blob(): Buffer;
  /** @throws KeyError when this is a public key. */
  privateBlob(): Buffer;
  /** The signature's value, without the algorithm's name in front. The caller has checked `algorithm` and privacy. */
  sign(algorithm: string, data: Buffer): Buffer;
  /** Reads what follows the algorithm's name, to the end; a malformed value may throw. */
  verify(algorithm: string, signature: Reader, data: Buffer): boolean;
}
