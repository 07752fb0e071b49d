/** Which user keys and signatures are looked at (RFC 4252 section 7, RFC 8332 section 3): judged before any checker is asked. */
import { ProtocolError } from "../error.js";
import { certifiedBlob } from "../keys/certificate.js";
import { signingName } from "../keys/certificate-names.js";
import { ED25519, ED448, type EdwardsCurve, pointFlaw } from "../keys/edwards.js";
import { BadKeyError } from "../keys/errors.js";
import { MLDSA44_ED25519, compositeFlaw } from "../keys/mldsa44-ed25519.js";
import { Reader } from "../wire/reader.js";

const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 16_384;

/** What a signature algorithm asks of a key blob: its type, and that the fields after it are sound. */
interface BlobRule {
  readonly type: string;
  /** Reads the fields after the type and tells what is wrong with them, or null. */
  readonly flaw: (fields: Reader) => string | null;
}

const rsa: BlobRule = { type: "ssh-rsa", flaw: rsaFlaw };

const rules: ReadonlyMap<string, BlobRule> = new Map<string, BlobRule>([
  ["rsa-sha2-512", rsa],
  ["rsa-sha2-256", rsa],
  // Only where an application put it on its list: SHA-1.
  ["ssh-rsa", rsa],
  ["ssh-ed25519", edwards(ED25519)],
  ["ssh-ed448", edwards(ED448)],
  [MLDSA44_ED25519, { type: MLDSA44_ED25519, flaw: (fields) => compositeFlaw(fields.string()) }],
  ["ecdsa-sha2-nistp256", ecdsa("nistp256", 32)],
  ["ecdsa-sha2-nistp384", ecdsa("nistp384", 48)],
  ["ecdsa-sha2-nistp521", ecdsa("nistp521", 66)],
  ["sk-ssh-ed25519@openssh.com", securityKey({ ...edwards(ED25519), type: "sk-ssh-ed25519@openssh.com" })],
  [
    "sk-ecdsa-sha2-nistp256@openssh.com",
    securityKey({ ...ecdsa("nistp256", 32), type: "sk-ecdsa-sha2-nistp256@openssh.com" }),
  ],
]);

/**
 * What stands against logging in with this key by this algorithm, or null. Algorithm, key type, curve and the signature's
 * own name must agree exactly, and the algorithm must be allowed (A7, A8).
 *
 * @param signature null for a key query
 */
export function keyFlaw(
  algorithm: string,
  blob: Uint8Array,
  signature: Uint8Array | null,
  allowed: readonly string[],
): string | null {
  // The list first: nothing of a key is parsed for an algorithm that nobody allowed.
  const signing = signingName(algorithm);
  const rule = allowed.includes(signing) ? rules.get(signing) : undefined;
  if (rule === undefined) return "signature algorithm not allowed";
  try {
    const flaw = signing === algorithm ? blobFlaw(blob, rule) : certificateFlaw(blob, rule);
    if (flaw !== null) return flaw;
    if (signature !== null && new Reader(signature).string().toString("latin1") !== signing) {
      return "signature of another algorithm";
    }
    return null;
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof BadKeyError) return "malformed key or signature";
    throw error;
  }
}

function blobFlaw(blob: Uint8Array, rule: BlobRule): string | null {
  const fields = new Reader(blob);
  if (fields.string().toString("latin1") !== rule.type) return "key type does not fit the signature algorithm";
  const flaw = rule.flaw(fields);
  if (flaw === null) fields.end();
  return flaw;
}

/** The key that it certifies is held to the same rules; the type of the certificate is that of the key in it. */
function certificateFlaw(blob: Uint8Array, rule: BlobRule): string | null {
  return blobFlaw(certifiedBlob(blob), rule);
}

function rsaFlaw(fields: Reader): string | null {
  const e = fields.string();
  const n = fields.string();
  if (!isPositive(e) || !isPositive(n)) return "RSA key with a number that is not positive and minimal";
  // The sign byte is no part of the size.
  const bits = bitLength(n);
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) return `RSA key of ${bits} bits`;
  if (bitLength(e) < 2 || (e.at(-1)! & 1) === 0) return "RSA key with an exponent that is even or below 3";
  if (bitLength(e) > 64) return "RSA key with an exponent of more than 64 bits";
  return null;
}

function edwards(curve: EdwardsCurve): BlobRule {
  return { type: curve.sshType, flaw: (fields) => pointFlaw(curve, fields.string()) };
}

function ecdsa(curve: string, bytes: number): BlobRule {
  return {
    type: `ecdsa-sha2-${curve}`,
    flaw(fields) {
      if (fields.string().toString("latin1") !== curve) return "ECDSA key of another curve";
      const point = fields.string();
      return point.length === 1 + 2 * bytes && point[0] === 4 ? null : "ECDSA key that is no uncompressed point";
    },
  };
}

/** The same key with the application string of a security key behind it (OpenSSH PROTOCOL.u2f). */
function securityKey(key: BlobRule): BlobRule {
  return {
    type: key.type,
    flaw(fields) {
      const flaw = key.flaw(fields);
      if (flaw === null) fields.string();
      return flaw;
    },
  };
}

/** An mpint above 0 in its shortest form. */
function isPositive(mpint: Buffer): boolean {
  if (mpint.length === 0 || mpint[0]! & 0x80) return false;
  return mpint[0] !== 0 || (mpint.length > 1 && (mpint[1]! & 0x80) !== 0);
}

/** Bits of a positive, minimal mpint. */
function bitLength(mpint: Buffer): number {
  return 8 * mpint.length - (Math.clz32(mpint[0]!) - 24);
}
