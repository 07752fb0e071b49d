/** The lines of a known_hosts file (twisted.conch.client.knownhosts; SSH_KNOWN_HOSTS FILE FORMAT in sshd(8)). */
import { createHmac, timingSafeEqual } from "node:crypto";
import { implementer } from "@strombus/reactor/components";
import { InvalidEntry } from "../error.js";
import { IKnownHostEntry } from "../interfaces.js";
import { decodeBase64 } from "../keys/base64.js";
import { matchesPattern } from "../permissions/pattern.js";
import { Key } from "../ssh/keys.js";

/** Hosts, type, key, and behind one more blank a comment, which keeps its own. */
const LINE = /^[ \t]*([^ \t]+)[ \t]+([^ \t]+)[ \t]+([^ \t]+)(?:[ \t](.*))?$/s;
const MARKED = /^[ \t]*@(revoked|cert-authority)[ \t]+(.*)$/s;
const WILDCARD = /[*?]/;

/** What plain and hashed entries have in common: a key, under the type that the file gives it. */
abstract class KeyEntry implements IKnownHostEntry {
  constructor(
    readonly keyType: string,
    readonly publicKey: Key,
    readonly comment: string | null,
  ) {}

  abstract matchesHost(hostname: string): boolean;

  matchesKey(key: unknown): boolean {
    return this.publicKey.equals(key);
  }

  protected line(hosts: string): string {
    const words = [hosts, this.keyType, this.publicKey.blob().toString("base64")];
    if (this.comment !== null) words.push(this.comment);
    return words.join(" ");
  }
}

/** An entry whose hosts can be read: names and addresses, compared as they are written, and OpenSSH's patterns of them. */
@implementer(IKnownHostEntry)
export class PlainEntry extends KeyEntry {
  readonly #hostnames: readonly string[];

  constructor(hostnames: readonly string[], keyType: string, publicKey: Key, comment: string | null) {
    super(keyType, publicKey, comment);
    this.#hostnames = hostnames;
  }

  /** @throws InvalidEntry with fewer than three words, BadKeyError when the key cannot be read. */
  static fromString(line: string): PlainEntry {
    const { hosts, keyType, key, comment } = split(line);
    return new PlainEntry(hosts.split(","), keyType, key, comment);
  }

  /** `*`, `?` and a `!` in front, which excludes, are OpenSSH's. */
  matchesHost(hostname: string): boolean {
    let matches = false;
    for (const each of this.#hostnames) {
      if (each.startsWith("!") && matchesPattern(hostname, each.slice(1))) return false;
      matches ||= each === hostname || (WILDCARD.test(each) && matchesPattern(hostname, each));
    }
    return matches;
  }

  override toString(): string {
    return this.line(this.#hostnames.join(","));
  }
}

/** An entry for one host whose name is hidden: only who knows it finds it. */
@implementer(IKnownHostEntry)
export class HashedEntry extends KeyEntry {
  static readonly MAGIC = "|1|";
  readonly #hostSalt: Buffer;
  readonly #hostHash: Buffer;

  constructor(hostSalt: Buffer, hostHash: Buffer, keyType: string, publicKey: Key, comment: string | null) {
    super(keyType, publicKey, comment);
    this.#hostSalt = hostSalt;
    this.#hostHash = hostHash;
  }

  /** An entry for this host. */
  static of(hostname: string, salt: Buffer, key: Key): HashedEntry {
    return new HashedEntry(salt, hashOf(salt, hostname), key.sshType(), key, null);
  }

  /** @throws InvalidEntry when it has not three words, or no salt and hash; BadKeyError for what is not base64 or no key. */
  static fromString(line: string): HashedEntry {
    const { hosts, keyType, key, comment } = split(line);
    const parts = hosts.slice(HashedEntry.MAGIC.length).split("|");
    const [salt, hash] = parts;
    if (!hosts.startsWith(HashedEntry.MAGIC) || salt === undefined || hash === undefined || parts.length !== 2) {
      throw new InvalidEntry("a hashed entry has a salt and a hash");
    }
    return new HashedEntry(decodeBase64(salt), decodeBase64(hash), keyType, key, comment);
  }

  matchesHost(hostname: string): boolean {
    const hash = hashOf(this.#hostSalt, hostname);
    return hash.length === this.#hostHash.length && timingSafeEqual(hash, this.#hostHash);
  }

  equals(other: unknown): boolean {
    return (
      other instanceof HashedEntry &&
      this.#hostSalt.equals(other.#hostSalt) &&
      this.#hostHash.equals(other.#hostHash) &&
      this.keyType === other.keyType &&
      this.publicKey.equals(other.publicKey) &&
      this.comment === other.comment
    );
  }

  override toString(): string {
    const [salt, hash] = [this.#hostSalt, this.#hostHash].map((each) => each.toString("base64"));
    return this.line(`${HashedEntry.MAGIC}${salt}|${hash}`);
  }
}

/** A line that says nothing of a host's key: empty, a comment, or not to be read. */
@implementer(IKnownHostEntry)
export class UnparsedEntry implements IKnownHostEntry {
  readonly #line: string;

  constructor(line: string) {
    this.#line = line.replace(/\n$/, "");
  }

  matchesHost(_hostname: string): boolean {
    return false;
  }

  matchesKey(_key: unknown): boolean {
    return false;
  }

  toString(): string {
    return this.#line;
  }
}

/**
 * An entry behind a marker: its key is revoked, or an authority's that certifies hosts. It names no host's own key, so it
 * matches none; what it marks is `entry`.
 */
@implementer(IKnownHostEntry)
export class MarkedEntry extends UnparsedEntry {
  constructor(
    line: string,
    readonly marker: "revoked" | "cert-authority",
    readonly entry: PlainEntry | HashedEntry,
  ) {
    super(line);
  }
}

/** Any line; one that cannot be read is an UnparsedEntry. */
export function parseEntry(line: string): IKnownHostEntry {
  try {
    const [, marker, rest] = MARKED.exec(line) ?? [];
    if (rest === undefined) return parseKeyEntry(line);
    return new MarkedEntry(line, marker as MarkedEntry["marker"], parseKeyEntry(rest));
  } catch {
    return new UnparsedEntry(line);
  }
}

function parseKeyEntry(line: string): PlainEntry | HashedEntry {
  return line.startsWith(HashedEntry.MAGIC) ? HashedEntry.fromString(line) : PlainEntry.fromString(line);
}

function split(line: string): { hosts: string; keyType: string; key: Key; comment: string | null } {
  const [, hosts, keyType, key, comment] = LINE.exec(line.replace(/\r?\n?$/, "")) ?? [];
  if (hosts === undefined || keyType === undefined || key === undefined) {
    throw new InvalidEntry("an entry has hosts, a type and a key");
  }
  return { hosts, keyType, key: Key.fromString(decodeBase64(key), "blob"), comment: comment ?? null };
}

function hashOf(salt: Buffer, hostname: string): Buffer {
  return createHmac("sha1", salt).update(hostname, "utf8").digest();
}
