/**
 * X25519 over node:crypto (RFC 7748), with public keys as their 32 bytes. They go in and out as JSON Web Keys: OpenSSL's
 * DER decoder takes ten times as long.
 */
import { createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from "node:crypto";
import { KeyExchangeError } from "../error.js";

export const X25519_LENGTH = 32;

export interface X25519Pair {
  readonly publicBytes: Buffer;
  readonly privateKey: KeyObject;
}

export function x25519Pair(): X25519Pair {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  return { publicBytes: Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url"), privateKey };
}

/** @throws KeyExchangeError unless `theirs` is 32 bytes and the result is not all zero (RFC 8731 section 3). */
export function x25519Secret(ours: KeyObject, theirs: Buffer): Buffer {
  if (theirs.length !== X25519_LENGTH) {
    throw new KeyExchangeError(`an X25519 value has ${X25519_LENGTH} bytes, this one ${theirs.length}`);
  }
  let secret: Buffer;
  try {
    const jwk = { kty: "OKP", crv: "X25519", x: theirs.toString("base64url") };
    secret = diffieHellman({ privateKey: ours, publicKey: createPublicKey({ key: jwk, format: "jwk" }) });
  } catch (cause) {
    throw new KeyExchangeError("the X25519 value is not usable", { cause }); // OpenSSL refuses small orders itself
  }
  if (secret.every((byte) => byte === 0)) throw new KeyExchangeError("the X25519 secret is all zero");
  return secret;
}
