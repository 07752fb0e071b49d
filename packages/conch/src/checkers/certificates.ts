/** Users whom an authority vouches for (CERTIFICATES in ssh-keygen(1)). */
import { UnauthorizedLogin } from "@strombus/cred/error";
import type { Certificate } from "../keys/certificate.js";
import { CertificateError } from "../keys/errors.js";
import { Permissions } from "../permissions.js";
import { SourceList } from "../permissions/source.js";
import type { Key } from "../ssh/keys.js";

/** What a certificate must say to stand for a user. */
export interface CertificateDemand {
  readonly authorities: readonly Key[];
  /** The names of which the certificate must bear one. */
  readonly principals: readonly string[];
  /** Seconds since 1970. */
  readonly now: number;
  /** Where the user comes from; null when that is not known. */
  readonly address: string | null;
}

/** Extensions without which something is forbidden: a certificate grants what it lists. */
const EXTENSIONS = {
  pty: "permit-pty",
  portForwarding: "permit-port-forwarding",
  agentForwarding: "permit-agent-forwarding",
  x11Forwarding: "permit-X11-forwarding",
  userRc: "permit-user-rc",
} as const;

/**
 * What the bearer of a certificate may do.
 * @throws UnauthorizedLogin when it does not stand for the user, here and now
 */
export function certified(certificate: Certificate, demand: CertificateDemand): Permissions {
  const { authorities, principals, now, address } = demand;
  const principal = principals.find((each) => certificate.principals.includes(each));
  if (principal === undefined) throw new UnauthorizedLogin("the certificate does not name this user");
  try {
    certificate.check({ kind: "user", principal, now, authorities });
  } catch (cause) {
    if (!(cause instanceof CertificateError)) throw cause;
    throw new UnauthorizedLogin(`certificate ${JSON.stringify(certificate.keyId.slice(0, 64))}: ${cause.message}`, {
      cause,
    });
  }
  const sources = certificate.criticalOptions.get("source-address");
  if (sources !== undefined && !comesFrom(sources, address)) {
    throw new UnauthorizedLogin("the certificate is not for this address");
  }
  const has = (extension: string): boolean => certificate.extensions.has(extension);
  return new Permissions({
    pty: has(EXTENSIONS.pty),
    portForwarding: has(EXTENSIONS.portForwarding),
    agentForwarding: has(EXTENSIONS.agentForwarding),
    x11Forwarding: has(EXTENSIONS.x11Forwarding),
    userRc: has(EXTENSIONS.userRc),
    command: certificate.criticalOptions.get("force-command") ?? null,
  });
}

/** A list that cannot be read is one that nobody is on. */
function comesFrom(sources: string, address: string | null): boolean {
  try {
    return address !== null && new SourceList(sources, { patterns: false }).matches(address);
  } catch {
    return false;
  }
}
