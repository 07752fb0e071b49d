/** One key of each type, made anew for every run, and how their blobs are put together. */
import { Key } from "../ssh/keys.js";
import { Writer, type BytesLike } from "../wire/writer.js";
import { RSA } from "./rsa.test.support.js";

export { RSA };
export const DSA = Key.generate("dsa");
export const P256 = Key.generate("ecdsa", 256);
export const P384 = Key.generate("ecdsa", 384);
export const P521 = Key.generate("ecdsa", 521);
export const ED25519 = Key.generate("ed25519");
export const ED448 = Key.generate("ed448");
export const MLDSA44_ED25519 = Key.generate("mldsa44-ed25519");
export const KEYS = [RSA, DSA, P256, P384, P521, ED25519, ED448, MLDSA44_ED25519];
export const PKCS8_KEYS = KEYS.filter((key) => key !== MLDSA44_ED25519);
export const PEM_KEYS = [RSA, DSA, P256, P384, P521];

/** Strings one behind the other; a bigint becomes an mpint. */
export function strings(...values: readonly (BytesLike | bigint)[]): Buffer {
  const out = new Writer();
  for (const each of values) {
    if (typeof each === "bigint") out.mpint(each);
    else out.string(each);
  }
  return out.payload();
}

export function numbers(key: Key): Record<string, bigint> {
  return key.data() as Record<string, bigint>;
}

export function point(key: Key): Buffer {
  const width = Math.ceil(key.size() / 8);
  const { x, y } = numbers(key);
  const hex = [x!, y!].map((each) => each.toString(16).padStart(2 * width, "0")).join("");
  return Buffer.from(`04${hex}`, "hex");
}

export function secret(key: Key): { a: Buffer; k: Buffer } {
  return key.data() as unknown as { a: Buffer; k: Buffer };
}

export const SK_ED25519 = strings("sk-ssh-ed25519@openssh.com", secret(ED25519).a, "ssh:");
export const SK_ECDSA = strings("sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", point(P256), "ssh:");

export function line(blob: Buffer, name = blob.toString("latin1", 4, 4 + blob.readUInt32BE())): string {
  return `${name} ${blob.toString("base64")} comment`;
}
