/** Key revocation lists, as by ssh-keygen -k (OpenSSH's PROTOCOL.krl). */
import { createHash } from "node:crypto";
import { ProtocolError } from "../error.js";
import { Key } from "../ssh/keys.js";
import { Reader } from "../wire/reader.js";
import type { Certificate } from "./certificate.js";
import { BadKeyError } from "./errors.js";

const MAGIC = Buffer.from("SSHKRL\n\0", "latin1");
const FORMAT = 1;
const MAX_SIZE = 16 * 1024 * 1024; // bytes
const SECTION = { CERTIFICATES: 1, KEY: 2, SHA1: 3, SIGNATURE: 4, SHA256: 5, EXTENSION: 255 } as const;
const OF_CERTIFICATES = {
  SERIAL_LIST: 0x20,
  SERIAL_RANGE: 0x21,
  SERIAL_BITMAP: 0x22,
  KEY_ID: 0x23,
  EXTENSION: 0x39,
} as const;

/** What one authority has taken back. */
interface Revoked {
  /** The authority's blob in hex; "" stands for all authorities. */
  readonly authority: string;
  readonly serials: Set<bigint>;
  readonly ranges: (readonly [from: bigint, to: bigint])[];
  /** A bit of `bits`, the last byte first, for each serial from `offset` on. */
  readonly bitmaps: { readonly offset: bigint; readonly bits: Buffer }[];
  readonly keyIds: Set<string>;
}

/** Which keys and certificates are no longer to be trusted. */
export class RevocationList {
  /** Counts up when the list is made anew. */
  readonly version: bigint;
  /** Seconds since 1970. */
  readonly generated: number;
  readonly comment: string;
  readonly #keys = new Set<string>();
  readonly #sha1 = new Set<string>();
  readonly #sha256 = new Set<string>();
  readonly #certificates: Revoked[] = [];

  private constructor(from: Reader) {
    if (!from.raw(MAGIC.length).equals(MAGIC) || from.uint32() !== FORMAT) {
      throw new BadKeyError("not a key revocation list of version 1");
    }
    this.version = from.uint64();
    this.generated = Number(from.uint64());
    from.uint64(); // flags: none is defined
    from.string(); // reserved
    this.comment = from.text();
    while (from.remaining > 0) this.#readSection(from.byte(), new Reader(from.string()), from);
  }

  /** @throws BadKeyError when it is malformed or holds what we do not understand: not reading that would trust too much. */
  static fromString(data: Uint8Array): RevocationList {
    if (data.length > MAX_SIZE) throw new BadKeyError("the revocation list is too large");
    try {
      return new RevocationList(new Reader(data));
    } catch (cause) {
      if (cause instanceof ProtocolError) throw new BadKeyError("malformed key revocation list", { cause });
      throw cause;
    }
  }

  /** A certificate is revoked with its key, with its authority, by its serial number or by its key id. */
  isRevoked(what: Key | Certificate): boolean {
    if (what instanceof Key) return this.#holds(what);
    const authority = what.authority.blob().toString("hex");
    return (
      this.#holds(what.key) ||
      this.#holds(what.authority) ||
      this.#certificates.some((each) => (each.authority === "" || each.authority === authority) && covers(each, what))
    );
  }

  #holds(key: Key): boolean {
    const blob = key.blob();
    return (
      this.#keys.has(blob.toString("hex")) ||
      (this.#sha1.size > 0 && this.#sha1.has(createHash("sha1").update(blob).digest("hex"))) ||
      (this.#sha256.size > 0 && this.#sha256.has(createHash("sha256").update(blob).digest("hex")))
    );
  }

  #readSection(type: number, body: Reader, whole: Reader): void {
    switch (type) {
      case SECTION.CERTIFICATES:
        this.#certificates.push(readCertificates(body));
        return;
      case SECTION.KEY:
        readHex(body, this.#keys);
        return;
      case SECTION.SHA1:
        readHex(body, this.#sha1);
        return;
      case SECTION.SHA256:
        readHex(body, this.#sha256);
        return;
      case SECTION.SIGNATURE:
        whole.string(); // not checked, as OpenSSH does not: who may write the file is the file system's matter
        return;
      case SECTION.EXTENSION:
        skipExtension(body);
        return;
      default:
        throw new BadKeyError(`the revocation list has a section of unknown type ${type}`);
    }
  }
}

function covers({ serials, ranges, bitmaps, keyIds }: Revoked, { serial, keyId }: Certificate): boolean {
  if (keyIds.has(keyId)) return true;
  // Serial 0 is what authorities give that do not count: revoking it would revoke them all.
  if (serial === 0n) return false;
  return (
    serials.has(serial) ||
    ranges.some(([from, to]) => from <= serial && serial <= to) ||
    bitmaps.some((each) => isSet(each, serial))
  );
}

function isSet({ offset, bits }: Revoked["bitmaps"][number], serial: bigint): boolean {
  const bit = serial - offset;
  if (bit < 0n || bit >= 8n * BigInt(bits.length)) return false;
  return ((bits[bits.length - 1 - Number(bit >> 3n)]! >> Number(bit & 7n)) & 1) === 1;
}

function readCertificates(body: Reader): Revoked {
  const authority = body.string().toString("hex");
  const revoked: Revoked = { authority, serials: new Set(), ranges: [], bitmaps: [], keyIds: new Set() };
  body.string(); // reserved
  while (body.remaining > 0) {
    const type = body.byte();
    const from = new Reader(body.string());
    switch (type) {
      case OF_CERTIFICATES.SERIAL_LIST:
        while (from.remaining > 0) revoked.serials.add(from.uint64());
        break;
      case OF_CERTIFICATES.SERIAL_RANGE:
        revoked.ranges.push([from.uint64(), from.uint64()]);
        break;
      case OF_CERTIFICATES.SERIAL_BITMAP:
        revoked.bitmaps.push({ offset: from.uint64(), bits: Buffer.from(from.string()) });
        break;
      case OF_CERTIFICATES.KEY_ID:
        while (from.remaining > 0) revoked.keyIds.add(from.text());
        break;
      case OF_CERTIFICATES.EXTENSION:
        skipExtension(from);
        break;
      default:
        throw new BadKeyError(`the revocation list has certificates of unknown type ${type}`);
    }
    from.end();
  }
  return revoked;
}

function readHex(body: Reader, into: Set<string>): void {
  while (body.remaining > 0) into.add(body.string().toString("hex"));
}

/** @throws BadKeyError when the extension is critical: there is none that we know. */
function skipExtension(body: Reader): void {
  const name = body.text();
  if (body.boolean()) throw new BadKeyError(`unknown critical extension ${JSON.stringify(name.slice(0, 64))}`);
  body.string();
  body.end();
}
