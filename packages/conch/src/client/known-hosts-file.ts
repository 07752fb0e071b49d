/** Which keys hosts are known to have (twisted.conch.client.knownhosts). */
import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { type Deferred, maybeDeferred } from "@strombus/reactor/defer";
import { HostKeyChanged, HostKeyRevoked, UserRejectedKey } from "../error.js";
import type { IKnownHostEntry, MaybeLater } from "../interfaces.js";
import type { Certificate } from "../keys/certificate.js";
import { FingerprintFormats } from "../keys/fingerprint.js";
import type { Key } from "../ssh/keys.js";
import { HashedEntry, MarkedEntry, parseEntry, PlainEntry } from "./known-host-entries.js";

const SSH_PORT = 22;
const SALT_BYTES = 20;
const NEWLINE = 0x0a;

/** Who is asked about unknown hosts. */
export interface KnownHostsUI {
  /** A question to be answered with yes or no. */
  prompt(text: string): MaybeLater<boolean>;
  warn(text: string): void;
}

/** An entry, and where it stands; in memory it has no place. */
interface Placed {
  readonly entry: IKnownHostEntry;
  readonly lineno: number | null;
}

/**
 * The file in which a client remembers hosts. It is read afresh for each question, so that what others write is seen.
 *
 * Of OpenSSH's format, patterns and the marks `@revoked` and `@cert-authority` are read too.
 */
export class KnownHostsFile {
  readonly #savePath: string;
  #added: HashedEntry[] = [];
  #overwrites = true;

  /** Without what the file holds now, which the first {@link save} overwrites; see {@link fromPath}. */
  constructor(savePath: string) {
    this.#savePath = savePath;
  }

  /** With what the file holds, if there is one; `save` appends to it. */
  static fromPath(path: string): KnownHostsFile {
    const file = new KnownHostsFile(path);
    file.#overwrites = false;
    return file;
  }

  get savePath(): string {
    return this.#savePath;
  }

  /** First those that are not saved, then the lines of the file. */
  *iterentries(): Generator<IKnownHostEntry, void> {
    for (const { entry } of this.#placed()) yield entry;
  }

  /**
   * Whether this is the host's key. The first entry for the host with a key of this type decides.
   *
   * @throws HostKeyChanged when that entry has another key, HostKeyRevoked when the key must not be used.
   */
  hasHostKey(hostname: string, key: Key): boolean {
    const type = key.sshType();
    let decisive: (Placed & { readonly isIts: boolean }) | null = null;
    for (const { entry, lineno } of this.#placed()) {
      if (isRevoked(entry, hostname, key)) throw new HostKeyRevoked(entry, this.#savePath, lineno);
      if (decisive !== null || !(entry instanceof PlainEntry || entry instanceof HashedEntry)) continue;
      if (entry.keyType === type && entry.matchesHost(hostname)) {
        decisive = { entry, lineno, isIts: entry.matchesKey(key) };
      }
    }
    if (decisive === null || decisive.isIts) return decisive !== null;
    throw new HostKeyChanged(decisive.entry, decisive.lineno === null ? null : this.#savePath, decisive.lineno);
  }

  /** Remembers a key, under the hidden name of its host, until {@link save} writes it. */
  addHostKey(hostname: string, key: Key): HashedEntry {
    const entry = HashedEntry.of(hostname, randomBytes(SALT_BYTES), key);
    this.#added.push(entry);
    return entry;
  }

  /** Writes what was added, each entry on a line of its own; makes folders that are missing. */
  save(): void {
    mkdirSync(dirname(this.#savePath), { recursive: true, mode: 0o700 });
    const file = openSync(this.#savePath, this.#overwrites ? "w+" : "a+", 0o600);
    try {
      const lines = this.#added.map((entry) => `${entry.toString()}\n`).join("");
      if (lines !== "") writeSync(file, endsInLine(file) ? `\n${lines}` : lines);
    } finally {
      closeSync(file);
    }
    this.#added = [];
    this.#overwrites = false;
  }

  /**
   * Is this the host's key? An unknown host is for the user to decide, and what they accept is saved.
   *
   * With a port other than 22 the host is also looked for, first, as `[hostname]:port`, and saved so.
   *
   * @returns what fires with true, or fails with HostKeyChanged, HostKeyRevoked, or UserRejectedKey.
   */
  verifyHostKey(ui: KnownHostsUI, hostname: string, ip: string, key: Key, port = SSH_PORT): Deferred<boolean> {
    return maybeDeferred(async () => {
      const name = nameAt(hostname, port);
      const address = nameAt(ip, port);
      const isKnown = this.#isKnown(hostname, key, port);
      const isAddressKnown = this.#isKnown(ip, key, port);
      if (isKnown && isAddressKnown) return true;
      if (!isKnown) {
        if (!(await ui.prompt(question(hostname, ip, key)))) {
          throw new UserRejectedKey("the host is not known, and its key was not accepted");
        }
        this.addHostKey(name, key);
      } else {
        ui.warn(
          `Warning: Permanently added the ${key.type()} host key for IP address '${ip}' to the list of known hosts.\n`,
        );
      }
      if (!isAddressKnown && address !== name) this.addHostKey(address, key);
      this.save();
      return true;
    });
  }

  /**
   * Whether an authority that is believed for this host says that the key is its own.
   *
   * @returns false when none is: the key in it is then to be verified by itself.
   * @throws CertificateError when one is and the certificate is not good, HostKeyRevoked for a key that must not be used.
   */
  verifyHostCertificate(hostname: string, certificate: Certificate, port = SSH_PORT): boolean {
    const name = nameAt(hostname, port);
    const authorities: Key[] = [];
    for (const { entry, lineno } of this.#placed()) {
      for (const key of [certificate.key, certificate.authority]) {
        if ([hostname, name].some((each) => isRevoked(entry, each, key))) {
          throw new HostKeyRevoked(entry, this.#savePath, lineno);
        }
      }
      if (isAuthorityFor(entry, [hostname, name]) && entry.entry.matchesKey(certificate.authority)) {
        authorities.push(certificate.authority);
      }
    }
    if (authorities.length === 0) return false;
    certificate.check({ kind: "host", principal: hostname, now: Date.now() / 1000, authorities });
    return true;
  }

  /** The types of keys that are known of a host, in the file's order. */
  keyTypesOf(hostname: string, port = SSH_PORT): string[] {
    const names = [nameAt(hostname, port), hostname];
    const types = new Set<string>();
    for (const { entry } of this.#placed()) {
      if (!(entry instanceof PlainEntry || entry instanceof HashedEntry)) continue;
      if (names.some((each) => entry.matchesHost(each))) types.add(entry.keyType);
    }
    return [...types];
  }

  /** Whether an authority is believed for a host. */
  hasAuthority(hostname: string, port = SSH_PORT): boolean {
    const names = [nameAt(hostname, port), hostname];
    for (const { entry } of this.#placed()) if (isAuthorityFor(entry, names)) return true;
    return false;
  }

  #isKnown(host: string, key: Key, port: number): boolean {
    const name = nameAt(host, port);
    return this.hasHostKey(name, key) || (name !== host && this.hasHostKey(host, key));
  }

  *#placed(): Generator<Placed, void> {
    for (const entry of this.#added) yield { entry, lineno: null };
    if (this.#overwrites) return;
    const lines = this.#read().split("\n");
    if (lines.at(-1) === "") lines.pop();
    for (const [index, line] of lines.entries()) yield { entry: parseEntry(line), lineno: index + 1 };
  }

  /** A file that cannot be read knows nobody. */
  #read(): string {
    try {
      return readFileSync(this.#savePath, "utf8");
    } catch {
      return "";
    }
  }
}

/** As OpenSSH writes a host at another port than SSH's own. */
function nameAt(host: string, port: number): string {
  return port === SSH_PORT ? host : `[${host}]:${port}`;
}

function isRevoked(entry: IKnownHostEntry, hostname: string, key: Key): boolean {
  return (
    entry instanceof MarkedEntry &&
    entry.marker === "revoked" &&
    entry.entry.matchesKey(key) &&
    entry.entry.matchesHost(hostname)
  );
}

function isAuthorityFor(entry: IKnownHostEntry, names: readonly string[]): entry is MarkedEntry {
  return (
    entry instanceof MarkedEntry &&
    entry.marker === "cert-authority" &&
    names.some((each) => entry.entry.matchesHost(each))
  );
}

/** Whether a last line without an end stands in the way of the next. */
function endsInLine(file: number): boolean {
  const { size } = fstatSync(file);
  const last = Buffer.alloc(1);
  return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
}

function question(hostname: string, ip: string, key: Key): string {
  const type = key.type() === "EC" ? "ECDSA" : key.type();
  const fingerprint = key.fingerprint(FingerprintFormats.SHA256_BASE64);
  return (
    `The authenticity of host '${hostname} (${ip})' can't be established.\n` +
    `${type} key fingerprint is SHA256:${fingerprint}.\n` +
    "Are you sure you want to continue connecting (yes/no)? "
  );
}
