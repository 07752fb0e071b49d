/** The calculations of HTTP digest authentication (twisted.cred._digest, RFC 2617 section 3.2.2). */
import { createHash } from "node:crypto";
import { KeyError } from "@strombus/reactor/exceptions";
import type { BytesLike } from "@strombus/reactor/interfaces";

/** Node's name of the hash for each value of the `algorithm` field, in lower case. */
export const algorithms: ReadonlyMap<string, string> = new Map([
  ["md5", "md5"],
  ["md5-sess", "md5"],
  ["sha", "sha1"],
]);

/**
 * H(A1) in hex: `H(user:realm:password)`, or `preHA1` where that is known, hashed again with both nonces for md5-sess.
 *
 * @throws TypeError if a non-empty `preHA1` comes with user, realm or password, or md5-sess without a nonce.
 * @throws KeyError if the algorithm is unknown.
 */
export function calcHA1(
  algorithm: string,
  username: BytesLike | null,
  realm: BytesLike | null,
  password: BytesLike | null,
  nonce: BytesLike | null,
  cnonce: BytesLike | null,
  preHA1: BytesLike | null = null,
): string {
  const secrets = [username, realm, password];
  if (preHA1 !== null && preHA1.length > 0 && secrets.some((secret) => secret !== null)) {
    throw new TypeError("preHA1 already holds user, realm and password: give either it or them");
  }
  const ha1 = preHA1 === null ? hash(algorithm, secrets) : bytes(preHA1).toString();
  return algorithm === "md5-sess" ? hash(algorithm, [ha1, nonce, cnonce]) : ha1;
}

/**
 * H(A2) in hex: `H(method:uri)`, and the hash of the body after it for qop auth-int.
 *
 * @throws TypeError if the uri, or the hash that auth-int needs, is null; KeyError if the algorithm is unknown.
 */
export function calcHA2(
  algorithm: string,
  method: BytesLike,
  uri: BytesLike | null,
  qop: BytesLike | null,
  hentity: BytesLike | null,
): string {
  const integrity = qop !== null && bytes(qop).equals(bytes("auth-int"));
  return hash(algorithm, integrity ? [method, uri, hentity] : [method, uri]);
}

/**
 * What a client that knows H(A1) answers to a challenge, in hex; the counter, the client's nonce and qop count only
 * where there are both counter and client nonce.
 *
 * @throws TypeError if the nonce, or the qop that counts, is null; KeyError if the algorithm is unknown.
 */
export function calcResponse(
  HA1: BytesLike,
  HA2: BytesLike,
  algorithm: string,
  nonce: BytesLike | null,
  nonceCount: BytesLike | null,
  cnonce: BytesLike | null,
  qop: BytesLike | null,
): string {
  const counted = !isEmpty(nonceCount) && !isEmpty(cnonce);
  return hash(algorithm, counted ? [HA1, nonce, nonceCount, cnonce, qop, HA2] : [HA1, nonce, HA2]);
}

/** Lower-case hex of the parts joined by colons. */
function hash(algorithm: string, parts: readonly (BytesLike | null)[]): string {
  const name = algorithms.get(algorithm);
  if (name === undefined) throw new KeyError(`no digest algorithm ${JSON.stringify(algorithm.slice(0, 32))}`);
  const digest = createHash(name);
  parts.forEach((part, index) => {
    if (part === null) throw new TypeError("a part of the digest is missing");
    if (index > 0) digest.update(":");
    digest.update(part);
  });
  return digest.digest("hex");
}

function bytes(value: BytesLike): Buffer {
  return typeof value === "string" ? Buffer.from(value) : Buffer.from(value);
}

function isEmpty(value: BytesLike | null): boolean {
  return value === null || value.length === 0;
}
