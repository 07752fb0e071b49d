/** Names of host key algorithms (RFC 4253 section 6.6, RFC 8332, OpenSSH's PROTOCOL.certkeys): which key each is about. */

const CERTIFICATE = "-cert-v01@openssh.com";
/** SHA-1, which nobody should sign by any more; and DSA, which knows nothing else (rule A8). */
const SHA1 = "ssh-rsa";
const DSA = "ssh-dss";

export interface HostKeyAlgorithm {
  /** The type of the key. */
  readonly format: string;
  /** The key is shown in a certificate. */
  readonly certified: boolean;
  /** How the key signs: RSA has a choice, the others have one algorithm. */
  readonly signature: string;
}

export function hostKeyAlgorithm(name: string): HostKeyAlgorithm {
  const certified = name.endsWith(CERTIFICATE);
  const signature = certified ? name.slice(0, -CERTIFICATE.length) : name;
  return { format: signature.startsWith("rsa-sha2-") ? "ssh-rsa" : signature, certified, signature };
}

/** What a server's keys can do: by key type, how it signs; and the types that have a certificate, which goes first. */
export function algorithmsOf(
  keys: readonly { supportedSignatureAlgorithms(): readonly string[] }[],
  certified: ReadonlySet<string>,
): string[] {
  const plain = keys.flatMap((key) => key.supportedSignatureAlgorithms()).filter((name) => name !== DSA);
  const inCertificates = plain.filter((name) => name !== SHA1 && certified.has(hostKeyAlgorithm(name).format));
  return [...inCertificates.map((name) => `${name}${CERTIFICATE}`), ...plain];
}

/** Unless somebody names it. */
export function withoutSHA1(names: readonly string[]): string[] {
  return names.filter((name) => name !== SHA1);
}

export function namesSHA1(names: readonly string[]): boolean {
  return names.includes(SHA1);
}
