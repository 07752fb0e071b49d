/**
 * X25519 over node:crypto (RFC 7748), with public keys as their 32 bytes. They go in and out as JSON Web Keys where they
 * can: OpenSSL's DER decoder takes ten times as long.
 */
import { createPublicKey, diffieHellman, generateKeyPair, generateKeyPairSync, type KeyObject } from "node:crypto";
import { KeyExchangeError } from "../error.js";
import { checkLength, type Curve } from "./curve.js";

const X25519_LENGTH = 32;

interface X25519Pair {
  readonly publicBytes: Buffer;
  readonly privateKey: KeyObject;
}

export const x25519: Curve = {
  valueLength: X25519_LENGTH,
  pair() {
    const { publicBytes, privateKey } = x25519Pair();
    return { value: publicBytes, secret: (theirs) => x25519Secret(privateKey, theirs) };
  },
};

const READY = 32; // pairs
const FEW = 8; // pairs

/** Pairs made ahead by the thread pool, from the first exchange on; each is used once. */
const ready: X25519Pair[] = [];
let ordered = 0;

/** A fresh pair. They are ordered many at a time: waking the pool for each login takes longer than making the pair here. */
function x25519Pair(): X25519Pair {
  const pair = ready.pop() ?? makePair();
  if (ready.length + ordered < FEW) while (ready.length + ordered < READY) orderPair();
  return pair;
}

function orderPair(): void {
  ordered++;
  generateKeyPair("x25519", undefined, (error, publicKey, privateKey) => {
    ordered--;
    if (error === null) ready.push({ publicBytes: jwkBytes(publicKey), privateKey });
  });
}

/**
 * Encoded by the generator itself: a garbage collection while a pair's key is exported that was generated synchronously
 * may wait for ever for a lock that the export holds (seen on Node 20). What the thread pool makes is free of that.
 */
function makePair(): X25519Pair {
  const { publicKey, privateKey } = generateKeyPairSync("x25519", {
    publicKeyEncoding: { format: "der", type: "spki" },
  } as never) as unknown as { publicKey: Buffer; privateKey: KeyObject };
  return { publicBytes: publicKey.subarray(-X25519_LENGTH), privateKey };
}

function jwkBytes(publicKey: KeyObject): Buffer {
  return Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url");
}

/** @throws KeyExchangeError unless `theirs` is 32 bytes and the result is not all zero (RFC 8731 section 3). */
export function x25519Secret(ours: KeyObject, theirs: Buffer): Buffer {
  checkLength("X25519", theirs, X25519_LENGTH);
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
