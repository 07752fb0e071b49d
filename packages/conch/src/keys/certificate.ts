/** OpenSSH certificates, version 01: a key, whom it stands for, until when, and an authority's signature (PROTOCOL.certkeys). */
import { randomBytes } from "node:crypto";
import { Key, type Signer } from "../ssh/keys.js";
import { Reader } from "../wire/reader.js";
import { Writer, toBuffer, type BytesLike } from "../wire/writer.js";
import { decodeBase64 } from "./base64.js";
import { certifiedName } from "./certificate-names.js";
import { BadKeyError, CertificateError } from "./errors.js";
import { MAX_KEY_FILE } from "./limits.js";
import { MLDSA44_ED25519 } from "./mldsa44-ed25519.js";

/** How many strings a key has behind its name. */
const FIELDS: ReadonlyMap<string, number> = new Map([
  ["ssh-ed25519", 1],
  ["ecdsa-sha2-nistp256", 2],
  ["ecdsa-sha2-nistp384", 2],
  ["ecdsa-sha2-nistp521", 2],
  ["ssh-rsa", 2],
  ["sk-ssh-ed25519@openssh.com", 2],
  ["sk-ecdsa-sha2-nistp256@openssh.com", 3],
  [MLDSA44_ED25519, 1],
]);

/** Type of the certificate by type of the key in it. */
const TYPES: ReadonlyMap<string, string> = new Map([...FIELDS.keys()].map((key) => [key, certifiedName(key)]));
const KEY_TYPES: ReadonlyMap<string, string> = new Map([...TYPES].map(([key, certificate]) => [certificate, key]));

/** By what an authority may sign: nothing with SHA-1, and no DSA. */
const AUTHORITY_ALGORITHMS = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
  MLDSA44_ED25519,
] as const;

const FOREVER = 2n ** 64n - 1n;
const KINDS = { user: 1, host: 2 } as const;
const MAX_ENTRIES = 256; // principals, critical options, extensions: of each

/** Critical options of user certificates; hosts have none. An option that is not here refuses its certificate. */
const USER_OPTIONS = new Set(["force-command", "source-address", "verify-required"]);

export type CertificateKind = "user" | "host";

/** What a certificate says. Names of options and extensions are OpenSSH's; one without a value has "". */
export interface CertificateContent {
  readonly kind: CertificateKind;
  readonly serial: bigint;
  readonly keyId: string;
  /** User names, or host names. */
  readonly principals: readonly string[];
  /** Seconds since 1970; valid from `validAfter` on, and until just before `validBefore`, which Infinity leaves open. */
  readonly validAfter: number;
  readonly validBefore: number;
  readonly criticalOptions: ReadonlyMap<string, string>;
  readonly extensions: ReadonlyMap<string, string>;
}

/** What {@link Certificate.check} asks for. */
export interface CertificateRules {
  readonly kind: CertificateKind;
  /** The user or the host that it must name. A certificate without names stands for nobody. */
  readonly principal: string;
  /** Seconds since 1970. */
  readonly now: number;
  /** The authorities to believe. */
  readonly authorities: readonly Key[];
  /** What they may sign by; without SHA-1 by default. */
  readonly algorithms?: readonly string[];
}

/** What {@link Certificate.issue} is told. */
export type CertificateRequest = Pick<CertificateContent, "kind" | "keyId" | "principals" | "validBefore"> &
  Partial<CertificateContent> & {
    readonly key: Key;
    /** By default the best of the authority's. */
    readonly signatureType?: string;
  };

/** The blob of the key in a certificate. @throws BadKeyError, ProtocolError if the certificate is malformed. */
export function certifiedBlob(certificate: Uint8Array): Buffer {
  return Certificate.fromString(certificate).key.blob();
}

/** A certificate of OpenSSH's: `fromString` reads one, `issue` makes one. Nothing in it is to be believed before `check`. */
export class Certificate implements CertificateContent {
  /** As it travels; its own bytes. */
  readonly blob: Buffer;
  /** Such as "ssh-ed25519-cert-v01@openssh.com". */
  readonly sshType: string;
  /** The public key that is certified. */
  readonly key: Key;
  readonly kind: CertificateKind;
  readonly serial: bigint;
  readonly keyId: string;
  readonly principals: readonly string[];
  readonly validAfter: number;
  readonly validBefore: number;
  readonly criticalOptions: ReadonlyMap<string, string>;
  readonly extensions: ReadonlyMap<string, string>;
  /** Who signed, or so it says: only {@link check} finds out. */
  readonly authority: Key;
  readonly #signed: Buffer;
  readonly #signature: Buffer;

  private constructor(blob: Buffer) {
    this.blob = blob;
    const from = new Reader(blob);
    this.sshType = from.text();
    const keyType = KEY_TYPES.get(this.sshType);
    if (keyType === undefined) throw new BadKeyError("not a type of certificate that we know");
    from.string(); // the nonce
    this.key = readKey(from, keyType);
    this.serial = from.uint64();
    this.kind = readKind(from.uint32());
    this.keyId = readText(from);
    this.principals = readNames(from.string());
    this.validAfter = Number(from.uint64());
    const validBefore = from.uint64();
    this.validBefore = validBefore === FOREVER ? Infinity : Number(validBefore);
    this.criticalOptions = readOptions(from.string());
    this.extensions = readOptions(from.string());
    from.string(); // reserved
    this.authority = Key.fromString(from.string(), "blob"); // which is no certificate: they do not nest
    this.#signed = blob.subarray(0, blob.length - from.remaining);
    this.#signature = from.string();
    from.end();
  }

  /**
   * Reads a certificate as it travels, or the line of a `-cert.pub` file. Nothing of it is to be believed before
   * {@link check}.
   *
   * @throws BadKeyError when it is malformed, of another type, or signed by another certificate.
   */
  static fromString(data: BytesLike): Certificate {
    const bytes = toBuffer(data);
    if (bytes.length > MAX_KEY_FILE) throw new BadKeyError("the certificate is too large");
    try {
      return new Certificate(bytes[0] === 0 ? Buffer.from(bytes) : readLine(bytes));
    } catch (cause) {
      if (cause instanceof BadKeyError) throw cause;
      throw new BadKeyError("malformed certificate", { cause });
    }
  }

  /**
   * Certifies a key.
   *
   * @param authority is a private key, or what can sign as one.
   * @throws BadKeyError when there are no certificates for keys of this type.
   */
  static async issue(authority: Signer, request: CertificateRequest): Promise<Certificate> {
    const { key, signatureType = authority.supportedSignatureAlgorithms()[0]! } = request;
    const sshType = TYPES.get(key.sshType());
    if (sshType === undefined) throw new BadKeyError(`there are no certificates for keys of type ${key.sshType()}`);
    const out = new Writer(2048);
    out.string(sshType);
    out.string(randomBytes(32));
    out.raw(key.blob().subarray(4 + key.sshType().length));
    out.uint64(request.serial ?? 0n);
    out.uint32(KINDS[request.kind]);
    out.string(request.keyId);
    out.string(writeStrings(request.principals));
    out.uint64(BigInt(request.validAfter ?? 0));
    out.uint64(request.validBefore === Infinity ? FOREVER : BigInt(request.validBefore));
    out.string(writeOptions(request.criticalOptions));
    out.string(writeOptions(request.extensions));
    out.string("");
    out.string(authority.blob());
    out.string(await authority.sign(Buffer.from(out.payload()), signatureType));
    return Certificate.fromString(out.payload());
  }

  /**
   * Does an authority that we believe say that this key belongs to that principal, now?
   *
   * @throws CertificateError with the reason when not. Options are the caller's to enforce; one that nobody here knows
   *   refuses the certificate, as it is critical.
   */
  check(rules: CertificateRules): void {
    const { algorithms = AUTHORITY_ALGORITHMS } = rules;
    if (!rules.authorities.some((each) => each.public().equals(this.authority))) {
      throw new CertificateError("signed by an authority that we do not know");
    }
    if (!this.authority.verify(this.#signature, this.#signed, algorithms)) {
      throw new CertificateError("the authority's signature is not good");
    }
    if (this.kind !== rules.kind)
      throw new CertificateError(`a ${this.kind} certificate, where a ${rules.kind}'s is due`);
    // Not the other way round: a `now` that is no number is never inside.
    if (!(rules.now >= this.validAfter)) throw new CertificateError("not valid yet");
    if (!(rules.now < this.validBefore)) throw new CertificateError("expired");
    if (!this.principals.includes(rules.principal)) throw new CertificateError("it does not name this principal");
    for (const name of this.criticalOptions.keys()) {
      if (this.kind !== "user" || !USER_OPTIONS.has(name)) {
        throw new CertificateError(`unknown critical option ${JSON.stringify(name.slice(0, 64))}`);
      }
    }
  }

  /**
   * Did the certified key sign `data`? Of a security key a touch is due unless the extension `no-touch-required` is there,
   * and its PIN or finger when the critical option `verify-required` is.
   */
  verify(signature: BytesLike, data: BytesLike, algorithms?: readonly string[]): boolean {
    const proof = this.key.verifySecurityKey(signature, data);
    if (proof === null) {
      return !this.criticalOptions.has("verify-required") && this.key.verify(signature, data, algorithms);
    }
    if (algorithms && !algorithms.includes(this.key.sshType())) return false;
    if (this.criticalOptions.has("verify-required") && !proof.userVerified) return false;
    return proof.userPresent || this.extensions.has("no-touch-required");
  }

  /** The line of a `-cert.pub` file, without its newline. */
  toString(comment = ""): string {
    return `${this.sshType} ${this.blob.toString("base64")}${comment && ` ${comment}`}`;
  }
}

function readLine(line: Buffer): Buffer {
  const [name, base64] = line
    .toString("latin1")
    .trim()
    .split(/[ \t]+/, 2);
  const blob = decodeBase64(base64 ?? "");
  if (new Reader(blob).text() !== name) throw new BadKeyError("the line of a certificate names another type");
  return blob;
}

/** The key's fields stand in the certificate without the name. */
function readKey(from: Reader, keyType: string): Key {
  const out = new Writer(512);
  out.string(keyType);
  for (let left = FIELDS.get(keyType)!; left > 0; left--) out.string(from.string());
  return Key.fromString(out.payload(), "blob");
}

function readKind(number: number): CertificateKind {
  if (number === KINDS.user) return "user";
  if (number === KINDS.host) return "host";
  throw new BadKeyError(`unknown kind of certificate ${number}`);
}

function readNames(packed: Buffer): string[] {
  const from = new Reader(packed);
  const names: string[] = [];
  while (from.remaining > 0) {
    if (names.length === MAX_ENTRIES) throw new BadKeyError("the certificate has too many principals");
    names.push(readText(from));
  }
  return names;
}

/** Names and values, each value a string within a string, or nothing. */
function readOptions(packed: Buffer): Map<string, string> {
  const from = new Reader(packed);
  const options = new Map<string, string>();
  while (from.remaining > 0) {
    const name = readText(from);
    const inner = new Reader(from.string());
    const value = inner.remaining > 0 ? readText(inner) : "";
    inner.end();
    if (options.has(name) || options.size === MAX_ENTRIES) throw new BadKeyError("options are repeated or too many");
    options.set(name, value);
  }
  return options;
}

/** Names are compared, so none may stand for bytes that it was not written with. */
function readText(from: Reader): string {
  const bytes = from.string();
  const text = bytes.toString("utf8");
  if (!Buffer.from(text, "utf8").equals(bytes)) throw new BadKeyError("a text of the certificate is not UTF-8");
  return text;
}

function writeStrings(values: readonly string[]): Buffer {
  const out = new Writer();
  for (const each of values) out.string(each);
  return out.payload();
}

/** In the order of their names. */
function writeOptions(options: ReadonlyMap<string, string> = new Map()): Buffer {
  const out = new Writer();
  for (const [name, value] of [...options].sort(([left], [right]) => (left < right ? -1 : 1))) {
    out.string(name);
    out.string(value === "" ? "" : writeStrings([value]));
  }
  return out.payload();
}
