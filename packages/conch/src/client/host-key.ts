/** Whether a server is the host that it should be, by what is known of hosts. */
import { type Deferred, maybeDeferred } from "@strombus/reactor/defer";
import type { MaybeLater } from "../interfaces.js";
import { Certificate } from "../keys/certificate.js";
import { certifiedName, isCertified } from "../keys/certificate-names.js";
import { Key } from "../ssh/keys.js";
import { hostKeyAlgorithm } from "../transport/host-key-algorithms.js";
import { Reader } from "../wire/reader.js";
import type { KnownHostsUI } from "./known-hosts-file.js";

/** What knows hosts: a KnownHostsFile, or an object of one's own. */
export interface KnownHosts {
  /** Resolve with true for the host's key; throw or reject for another. */
  verifyHostKey(ui: KnownHostsUI, hostname: string, ip: string, key: Key, port?: number): MaybeLater<boolean>;
  /** True for a good certificate by an authority that is believed; false to have the key in it verified. */
  verifyHostCertificate?(hostname: string, certificate: Certificate, port?: number): MaybeLater<boolean>;
  /** The types of the host's keys: a server is asked for them before others. */
  keyTypesOf?(hostname: string, port?: number): readonly string[];
  /** Whether an authority is believed for the host: a server is then asked for a certificate first. */
  hasAuthority?(hostname: string, port?: number): boolean;
}

export interface Host {
  readonly hostname: string;
  readonly ip: string;
  readonly port: number;
}

/** Verifies what the server has shown: its key, or a certificate of it. */
export function verifyHost(knownHosts: KnownHosts, ui: KnownHostsUI, host: Host, blob: Buffer): Deferred<boolean> {
  const { hostname, ip, port } = host;
  return maybeDeferred(async () => {
    if (!isCertified(new Reader(blob).text())) {
      return knownHosts.verifyHostKey(ui, hostname, ip, Key.fromString(blob, "blob"), port);
    }
    const certificate = Certificate.fromString(blob);
    if ((await knownHosts.verifyHostCertificate?.(hostname, certificate, port)) === true) return true;
    return knownHosts.verifyHostKey(ui, hostname, ip, certificate.key, port);
  });
}

/** The algorithms by which a host is asked to show itself, best first: as it is known. */
export function algorithmsFor(
  knownHosts: KnownHosts,
  { hostname, port }: Pick<Host, "hostname" | "port">,
  algorithms: readonly string[],
): string[] {
  const ordered = knownFirst(algorithms, knownHosts.keyTypesOf?.(hostname, port) ?? []);
  if (knownHosts.hasAuthority?.(hostname, port) !== true) return ordered;
  const certified = ordered.filter((each) => !isCertified(each)).map(certifiedName);
  return [...new Set([...certified, ...ordered])];
}

/** Algorithms in another order: those for keys that the host is known by come first. */
export function knownFirst(algorithms: readonly string[], types: readonly string[]): string[] {
  const isKnown = (algorithm: string): boolean => types.includes(hostKeyAlgorithm(algorithm).format);
  return [...algorithms.filter(isKnown), ...algorithms.filter((each) => !isKnown(each))];
}
