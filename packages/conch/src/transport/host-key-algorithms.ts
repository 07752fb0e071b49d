/** Names of host key algorithms (RFC 4253 section 6.6, RFC 8332, OpenSSH's PROTOCOL.certkeys): which key each is about. */
import { certifiedName, isCertified, signingName } from "../keys/certificate-names.js";

/** SHA-1, which nobody should sign by any more; and DSA, which knows nothing else (rule A8). */
const SHA1 = "ssh-rsa";
const DSA = "ssh-dss";

/** Unless an application sets another limit. */
export const MIN_RSA_HOST_KEY_BITS = 2048;

export interface HostKeyAlgorithm {
  /** The type of the key. */
  readonly format: string;
  /** The key is shown in a certificate. */
  readonly certified: boolean;
  /** How the key signs: RSA has a choice, the others have one algorithm. */
  readonly signature: string;
}

export function hostKeyAlgorithm(name: string): HostKeyAlgorithm {
  const signature = signingName(name);
  return { format: signature.startsWith("rsa-sha2-") ? "ssh-rsa" : signature, certified: isCertified(name), signature };
}

/**
 * What a server's keys can do: by key, how it signs; first in certificates, for the types that have one. A name by which
 * nobody should sign any more is there if `listed` has it.
 */
export function algorithmsOf(
  keys: readonly { supportedSignatureAlgorithms(): readonly string[] }[],
  certified: ReadonlySet<string>,
  listed: readonly string[],
): string[] {
  const plain = keys.flatMap((key) => key.supportedSignatureAlgorithms()).filter((name) => name !== DSA);
  const inCertificates = plain.filter((name) => certified.has(hostKeyAlgorithm(name).format)).map(certifiedName);
  return [...inCertificates, ...plain].filter(
    (name) => hostKeyAlgorithm(name).signature !== SHA1 || listed.includes(name),
  );
}
