/** Whether a server is the host that it should be, by the file that the command line names (twisted.conch.client.default). */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import type { Deferred } from "@strombus/reactor/defer";
import { Reader } from "../wire/reader.js";
import { verifyHost } from "./host-key.js";
import { expandUser } from "./home.js";
import { KnownHostsFile, type KnownHostsUI } from "./known-hosts-file.js";
import type { ConchOptions } from "./options.js";
import { terminalUI } from "./terminal.js";

export const _KNOWN_HOSTS = "~/.ssh/known_hosts";

/** What knows its options by its factory, as SSHClientTransport of `client/direct` does. */
export interface OptionedTransport {
  readonly factory: { readonly options: ConchOptions };
}

/**
 * Asks the user about unknown hosts; without a terminal they are refused.
 *
 * @param host the server's address; its name and port are among the options
 * @param pubKey the host's key, or its certificate
 * @returns what fires with true, or fails with HostKeyChanged, HostKeyRevoked, UserRejectedKey or CertificateError
 */
export function verifyHostKey(
  transport: OptionedTransport,
  host: string,
  pubKey: Buffer,
  _fingerprint: string,
  ui: KnownHostsUI = terminalUI(),
): Deferred<boolean> {
  const { options } = transport.factory;
  const { host: hostname, port } = options;
  return verifyHost(knownHostsOf(options), ui, { hostname, ip: host, port }, pubKey);
}

/**
 * Looks for a host by the words of the file as they are: hidden names and patterns are not understood.
 *
 * @returns 1 for the host's key, 2 where only other keys of its type are known, 0 where none is. Without the option and
 *   without a folder `~/.ssh` that is made, and said.
 */
export function isInKnownHosts(host: string, pubKey: Buffer, options: ConchOptions): 0 | 1 | 2 {
  const folder = expandUser("~/.ssh");
  if (options.get("known-hosts") === null && !existsSync(folder)) {
    options.output.write(`${folder} is made.\n`);
    mkdirSync(folder, { mode: 0o700 });
  }
  const type = new Reader(pubKey).text();
  let found: 0 | 2 = 0;
  for (const line of linesOf(pathOf(options))) {
    const [hosts = "", keyType, key] = line.trim().split(/\s+/);
    if (key === undefined || keyType !== type || !hosts.split(",").includes(host)) continue;
    if (Buffer.from(key, "base64").equals(pubKey)) return 1;
    found = 2;
  }
  return found;
}

/** The types of the keys that the host is known by, in the file's order; null where there are none. */
export function getHostKeyAlgorithms(host: string, options: ConchOptions): string[] | null {
  const types = knownHostsOf(options).keyTypesOf(host, options.port);
  return types.length === 0 ? null : types;
}

/** The file that the command line names, or the user's own. */
export function knownHostsOf(options: ConchOptions): KnownHostsFile {
  return KnownHostsFile.fromPath(pathOf(options));
}

function pathOf(options: ConchOptions): string {
  return expandUser((options.get("known-hosts") as string | null | undefined) ?? _KNOWN_HOSTS);
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
}
