/** Names of algorithms by which a key signs that is shown in a certificate (OpenSSH's PROTOCOL.certkeys, RFC 8332). */
import { MLDSA44_ED25519 } from "./mldsa44-ed25519.js";

const SUFFIX = "-cert-v01@openssh.com";
const MLDSA44_ED25519_CERTIFICATE = `${MLDSA44_ED25519}-cert`;

/** The suffix goes before a domain, where there is one. */
export function certifiedName(algorithm: string): string {
  if (algorithm === MLDSA44_ED25519) return MLDSA44_ED25519_CERTIFICATE;
  return `${algorithm.replace(/@openssh\.com$/, "")}${SUFFIX}`;
}

export function isCertified(name: string): boolean {
  return name.endsWith(SUFFIX) || name === MLDSA44_ED25519_CERTIFICATE;
}

/** By what the key in such a certificate signs; any other algorithm is its own. */
export function signingName(name: string): string {
  if (name === MLDSA44_ED25519_CERTIFICATE) return MLDSA44_ED25519;
  if (!name.endsWith(SUFFIX)) return name;
  const algorithm = name.slice(0, -SUFFIX.length);
  return algorithm.startsWith("sk-") ? `${algorithm}@openssh.com` : algorithm;
}
