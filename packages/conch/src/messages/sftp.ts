/** Messages of SFTP, version 3 (draft-ietf-secsh-filexfer-02): what follows the type of a packet. */
import { ProtocolError } from "../error.js";
import { bytes, counted, type Field, type Fields, rest, text, trailingText, uint32 } from "../wire/fields.js";
import { layout, type Message, message as declare } from "../wire/message.js";
import type { Reader } from "../wire/reader.js";
import { type BytesLike, keep, type Writer } from "../wire/writer.js";

/** Which attributes a file's have (section 5). */
export const FILEXFER_ATTR_SIZE = 1;
export const FILEXFER_ATTR_UIDGID = 2;
export const FILEXFER_ATTR_PERMISSIONS = 4;
export const FILEXFER_ATTR_ACMODTIME = 8;
export const FILEXFER_ATTR_EXTENDED = 0x80000000;

const MAX_UINT32 = 2 ** 32 - 1;
const MAX_UINT64 = 2n ** 64n - 1n;
const MAX_EXTENSIONS = 64;

/** The name of each extension's attribute starts so, which leads to nothing that objects inherit. */
const EXTENSION = "ext_";

/** The attributes of a file; those that are missing are not known, or not to be changed. */
export interface FileAttributes {
  /** In bytes; a bigint when it is no safe integer. */
  size?: number | bigint;
  uid?: number;
  gid?: number;
  permissions?: number;
  /** Seconds since 1970. */
  atime?: number;
  /** Seconds since 1970. */
  mtime?: number;
  [extension: `ext_${string}`]: Buffer;
}

/** A size or an offset: a bigint when it is no safe integer. */
const uint64: Field<number | bigint> = {
  kind: "uint64",
  write: (out, value) => out.uint64(within64(value)),
  read(from) {
    const value = from.uint64();
    return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  },
};

/** A file's attributes (section 5): a word that says which there are, then those. */
const attributes: Field<FileAttributes> = {
  kind: "attributes",
  write(out, attrs) {
    const { size, uid, gid, permissions, atime, mtime } = attrs;
    const extensions = Object.keys(attrs).filter((each) => each.startsWith(EXTENSION)) as `ext_${string}`[];
    const owners = uid === undefined || gid === undefined ? null : [uid, gid];
    const times = atime === undefined || mtime === undefined ? null : [atime, mtime];
    out.uint32(
      (size === undefined ? 0 : FILEXFER_ATTR_SIZE) +
        (owners === null ? 0 : FILEXFER_ATTR_UIDGID) +
        (permissions === undefined ? 0 : FILEXFER_ATTR_PERMISSIONS) +
        (times === null ? 0 : FILEXFER_ATTR_ACMODTIME) +
        (extensions.length === 0 ? 0 : FILEXFER_ATTR_EXTENDED),
    );
    if (size !== undefined) out.uint64(within64(size));
    for (const each of owners ?? []) out.uint32(within32(each));
    if (permissions !== undefined) out.uint32(within32(permissions));
    for (const each of times ?? []) out.uint32(within32(each));
    if (extensions.length > 0) out.uint32(extensions.length);
    for (const each of extensions) {
      out.string(each.slice(EXTENSION.length));
      out.string(attrs[each]!);
    }
  },
  read(from) {
    const attrs: FileAttributes = {};
    const flags = from.uint32();
    if (flags & FILEXFER_ATTR_SIZE) attrs.size = uint64.read(from);
    if (flags & FILEXFER_ATTR_UIDGID) [attrs.uid, attrs.gid] = [from.uint32(), from.uint32()];
    if (flags & FILEXFER_ATTR_PERMISSIONS) attrs.permissions = from.uint32();
    if (flags & FILEXFER_ATTR_ACMODTIME) [attrs.atime, attrs.mtime] = [from.uint32(), from.uint32()];
    if (flags & FILEXFER_ATTR_EXTENDED) {
      for (let count = bounded(from.uint32()); count > 0; count--)
        attrs[`${EXTENSION}${from.text()}`] = keep(from.string());
    }
    return attrs;
  },
};

/** What extensions are told as: by name. */
export type Extensions = ReadonlyMap<string, BytesLike> | Readonly<Record<string, BytesLike>>;

/** Extensions by name, to the end of the packet (section 4). */
const extensions: Field<Map<string, Buffer>, Extensions> = {
  kind: "extensions",
  write(out: Writer, told) {
    const pairs: Iterable<[string, BytesLike]> = told instanceof Map ? told : Object.entries(told);
    for (const [name, data] of pairs) {
      out.string(name);
      out.string(data);
    }
  },
  read(from: Reader) {
    const pairs = new Map<string, Buffer>();
    while (from.remaining > 0) {
      bounded(pairs.size + 1);
      pairs.set(from.text(), keep(from.string()));
    }
    return pairs;
  },
};

/** As with OpenSSH anything may follow the last field: the WRITE of rclone 1.60 may have zeros there. */
function message<const N extends string, F extends Fields>(name: N, number: number, fields: F): Message<N, F> {
  return declare(name, number, fields, "anything");
}

export const Init = message("INIT", 1, { version: uint32, extensions });
export const Version = message("VERSION", 2, { version: uint32, extensions });

// Requests: the id comes back in the answer.
export const Open = message("OPEN", 3, { id: uint32, filename: bytes, flags: uint32, attrs: attributes });
export const Close = message("CLOSE", 4, { id: uint32, handle: bytes });
export const Read = message("READ", 5, { id: uint32, handle: bytes, offset: uint64, length: uint32 });
export const Write = message("WRITE", 6, { id: uint32, handle: bytes, offset: uint64, data: bytes });
/** A WRITE up to its data. */
export const WriteHead = layout("WRITE", { id: uint32, handle: bytes, offset: uint64, length: uint32 });
export const Lstat = message("LSTAT", 7, { id: uint32, path: bytes });
export const Fstat = message("FSTAT", 8, { id: uint32, handle: bytes });
export const Setstat = message("SETSTAT", 9, { id: uint32, path: bytes, attrs: attributes });
export const Fsetstat = message("FSETSTAT", 10, { id: uint32, handle: bytes, attrs: attributes });
export const Opendir = message("OPENDIR", 11, { id: uint32, path: bytes });
export const Readdir = message("READDIR", 12, { id: uint32, handle: bytes });
export const Remove = message("REMOVE", 13, { id: uint32, path: bytes });
export const Mkdir = message("MKDIR", 14, { id: uint32, path: bytes, attrs: attributes });
export const Rmdir = message("RMDIR", 15, { id: uint32, path: bytes });
export const Realpath = message("REALPATH", 16, { id: uint32, path: bytes });
export const Stat = message("STAT", 17, { id: uint32, path: bytes });
export const Rename = message("RENAME", 18, { id: uint32, oldPath: bytes, newPath: bytes });
export const Readlink = message("READLINK", 19, { id: uint32, path: bytes });
/** The draft has the link's path first; OpenSSH, and who follows it, the target's. */
export const Symlink = message("SYMLINK", 20, { id: uint32, first: bytes, second: bytes });
export const Extended = message("EXTENDED", 200, { id: uint32, name: text, data: rest });

// Answers. Servers of before version 3 leave out a status' message and language.
export const Status = message("STATUS", 101, {
  id: uint32,
  code: uint32,
  message: trailingText,
  language: trailingText,
});
export const Handle = message("HANDLE", 102, { id: uint32, handle: bytes });
export const Data = message("DATA", 103, { id: uint32, data: bytes });
/** A DATA up to its data. */
export const DataHead = layout("DATA", { id: uint32, length: uint32 });
export const Name = message("NAME", 104, {
  id: uint32,
  entries: counted({ filename: bytes, longname: bytes, attrs: attributes }),
});
export const Attrs = message("ATTRS", 105, { id: uint32, attrs: attributes });
export const ExtendedReply = message("EXTENDED_REPLY", 201, { id: uint32, data: rest });

function bounded(count: number): number {
  if (count > MAX_EXTENSIONS) throw new ProtocolError(`${count} extensions, more than ${MAX_EXTENSIONS}`);
  return count;
}

/** A file may be older than 1970, or have been changed in 2107: as near as can be said. */
function within32(value: number): number {
  return Math.min(Math.max(Math.trunc(value), 0), MAX_UINT32);
}

/** @throws RangeError for what is no whole number, or does not fit. */
function within64(value: number | bigint): bigint {
  const whole = BigInt(value);
  if (whole < 0n || whole > MAX_UINT64) throw new RangeError(`${whole} is no size and no offset`);
  return whole;
}
