/** One folder of this system for SFTP, as if there were nothing else (S5). */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  type Dir,
  fstatSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  opendirSync,
  openSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from "node:fs";
import { posix, resolve } from "node:path";
import { implementer } from "@strombus/reactor/components";
import { type Deferred, fail } from "@strombus/reactor/defer";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { ProtocolError } from "../error.js";
import { type DirectoryEntry, type FileAttributes, type IDirectory, ISFTPServer } from "../interfaces.js";
import { lsLine } from "../ls.js";
import { bytes } from "../wire/fields.js";
import { layout } from "../wire/message.js";
import type { BytesLike } from "../wire/writer.js";
import { Beneath, type Found, latin1 } from "./beneath.js";
import { SFTPError, systemError } from "./errors.js";
import { attributesOf, change, LocalFile, openFlags } from "./local.js";
import {
  FX_BAD_MESSAGE,
  FX_PERMISSION_DENIED,
  FXF_APPEND,
  FXF_CREAT,
  FXF_EXCL,
  FXF_TRUNC,
  FXF_WRITE,
} from "./numbers.js";
import type { Place } from "./place.js";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;

// Less the umask.
const FILE_MODE = 0o666;
const DIRECTORY_MODE = 0o777;
/** What a client may set: neither setuid nor setgid nor the sticky bit. */
const PERMISSIONS = 0o777;

/** Names as bytes, of which Node's types know nothing here. */
const AS_BYTES = { encoding: "buffer" as BufferEncoding };

/** FXF_ bits by which a file is changed, or made. */
const CHANGING = FXF_WRITE | FXF_APPEND | FXF_CREAT | FXF_TRUNC;

/** Codes of a system, or a file system, that makes no second link to a file. */
const NO_LINKS = new Set(["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"]);

/** OpenSSH's rename that replaces (PROTOCOL section 4.3). */
const PosixRename = layout("posix-rename@openssh.com", { oldPath: bytes, newPath: bytes });

export interface SFTPServerForFolderOptions {
  /** Nothing can be changed. Default: false. */
  readonly readOnly?: boolean;
  /** Whom it serves. */
  readonly avatar?: unknown;
}

/**
 * Serves one folder to a user who need be no account of this system; for the client the folder is `/`.
 *
 * ```ts
 * registerAdapter((user: User) => new SFTPServerForFolder(`/srv/files/${user.name}`, { avatar: user }), User, ISFTPServer);
 * ```
 *
 * No path leads out, whatever links there are and whoever changes them meanwhile: on Linux by descriptors, elsewhere as
 * far as looking at each name allows. Links that clients make point within the folder for other programs too; but who moves
 * such a link, or a directory with it, to another depth has it point elsewhere, so that other programs should follow no
 * links in a folder to which clients can write.
 *
 * All but reading and writing is done at once: a local disk takes no longer than the thread pool would.
 */
@implementer(ISFTPServer)
export class SFTPServerForFolder implements ISFTPServer {
  readonly avatar: unknown;
  readonly #beneath: Beneath;
  readonly #readOnly: boolean;

  /** @throws Error when there is no such folder. */
  constructor(root: string, { readOnly = false, avatar = null }: SFTPServerForFolderOptions = {}) {
    const folder = resolve(root);
    if (!isDirectory(folder)) throw new Error(`cannot serve ${JSON.stringify(folder)} by SFTP: it is no directory`);
    this.avatar = avatar;
    this.#beneath = new Beneath(folder);
    this.#readOnly = readOnly;
  }

  gotVersion(otherVersion: number, extData: ReadonlyMap<string, Buffer>): ReadonlyMap<string, BytesLike> {
    return new Map([["posix-rename@openssh.com", "1"]]);
  }

  /** Regular files only. Of the attributes only the permissions count, for a file that is made. */
  openFile(filename: Buffer, flags: number, { permissions = FILE_MODE }: FileAttributes): FolderFile {
    if (flags & CHANGING) this.#mayChange();
    const isToBeNew = (flags & FXF_CREAT) !== 0 && (flags & FXF_EXCL) !== 0;
    const fd = this.#beneath.reach(filename, !isToBeNew, ({ entry, place }) => {
      if (place !== null && !isToBeNew) return openRegular(place, openFlags(flags) & ~(O_CREAT | O_EXCL));
      if (!(flags & FXF_CREAT)) throw systemError("ENOENT");
      return regular(openSync(entry, openFlags(flags) | O_NOFOLLOW | O_NONBLOCK, permissions & PERMISSIONS));
    });
    return new FolderFile(fd, this.#readOnly);
  }

  removeFile(filename: Buffer): void {
    this.#mayChange();
    this.#beneath.reach(filename, false, ({ entry }) => unlinkSync(entry));
  }

  /** @throws an error of code EEXIST when the new path leads to something. */
  renameFile(oldpath: Buffer, newpath: Buffer): void {
    this.#rename(oldpath, newpath, renameToNew);
  }

  /** Of the attributes only the permissions count. */
  makeDirectory(path: Buffer, { permissions = DIRECTORY_MODE }: FileAttributes): void {
    this.#mayChange();
    this.#beneath.reach(path, false, ({ entry }) => mkdirSync(entry, permissions & PERMISSIONS));
  }

  removeDirectory(path: Buffer): void {
    this.#mayChange();
    this.#beneath.reach(path, false, ({ entry }) => rmdirSync(entry));
  }

  openDirectory(path: Buffer): FolderDirectory {
    return this.#beneath.reach(path, true, (found) => {
      const place = existing(found);
      if (!place.stat.isDirectory()) throw systemError("ENOTDIR");
      const itself = place.find(".");
      if (itself === null) throw systemError("ENOENT");
      return new FolderDirectory(itself);
    });
  }

  getAttrs(path: Buffer, followLinks: boolean): FileAttributes {
    return this.#beneath.reach(path, followLinks, (found) => attributesOf(existing(found).stat));
  }

  setAttrs(path: Buffer, attrs: FileAttributes): void {
    this.#mayChange();
    this.#beneath.reach(path, true, (found) => changePlace(existing(found), plain(attrs)));
  }

  /** As it is stored. */
  readLink(path: Buffer): Buffer {
    return this.#beneath.reach(path, false, (found) => {
      if (!existing(found).stat.isSymbolicLink()) throw systemError("EINVAL");
      return readlinkSync(found.entry, { encoding: "buffer" });
    });
  }

  /**
   * An absolute target starts at the client's root; it is stored as the way there from the link, since other programs
   * have another root.
   *
   * @throws SFTPError of FX_PERMISSION_DENIED for a target outside
   */
  makeLink(linkPath: Buffer, targetPath: Buffer): void {
    this.#mayChange();
    const target = latin1(targetPath);
    this.#beneath.reach(linkPath, false, ({ entry, directory }) => {
      symlinkSync(Buffer.from(targetWithin(directory, target), "latin1"), entry);
    });
  }

  /** As far as there is such a path; what there is not is kept as it is. */
  realPath(path: Buffer): Buffer {
    return this.#beneath.canonical(path);
  }

  extendedRequest(extendedName: string, extendedData: Buffer): void {
    if (extendedName !== "posix-rename@openssh.com") throw new NotImplementedError();
    const { oldPath, newPath } = renameRequest(extendedData);
    this.#rename(oldPath, newPath, (from, to) => renameSync(from.entry, to.entry));
  }

  #rename(oldPath: Buffer, newPath: Buffer, rename: (from: Found, to: Found) => void): void {
    this.#mayChange();
    this.#beneath.reach(oldPath, false, (from) => this.#beneath.reach(newPath, false, (to) => rename(from, to)));
  }

  #mayChange(): void {
    if (this.#readOnly) throw denied();
  }
}

/** An open file of a folder. */
export class FolderFile extends LocalFile {
  readonly #readOnly: boolean;

  constructor(fd: number, readOnly: boolean) {
    super(fd);
    this.#readOnly = readOnly;
  }

  override setAttrs(attrs: FileAttributes): Deferred<void> {
    return this.#readOnly ? fail(denied()) : super.setAttrs(plain(attrs));
  }
}

/** An open directory of a folder: its entries as they are read, without `.` and `..`. */
export class FolderDirectory implements IDirectory {
  readonly #place: Place;
  /** Null when it is closed. */
  #names: Dir | null;

  /** @param place is the directory's from now on, and closed with it, or when it cannot be read */
  constructor(place: Place) {
    this.#place = place;
    try {
      this.#names = opendirSync(place.path, AS_BYTES);
    } catch (error) {
      place.close();
      throw error;
    }
  }

  /** What has gone since is left out. */
  *[Symbol.iterator](): Generator<DirectoryEntry, void, undefined> {
    for (let name = this.#next(); name !== null; name = this.#next()) {
      const found = this.#place.find(name.toString("latin1"));
      if (found === null) continue;
      found.close();
      yield [name, lsLine(name, found.stat), attributesOf(found.stat)];
    }
  }

  close(): void {
    const names = this.#names;
    this.#names = null;
    if (names === null) return;
    this.#place.close();
    names.closeSync();
  }

  #next(): Buffer | null {
    return (this.#names?.readSync()?.name ?? null) as Buffer | null;
  }
}

/** Never replaces: of a file by a second link to it, as OpenSSH has it, else as far as can be seen. */
function renameToNew(from: Found, to: Found): void {
  const { stat } = existing(from);
  if (to.place !== null) throw systemError("EEXIST");
  if (stat.isFile() && linkIfPossible(from.entry, to.entry)) {
    try {
      unlinkSync(from.entry);
    } catch (error) {
      unlinkSync(to.entry);
      throw error;
    }
  } else renameSync(from.entry, to.entry);
}

function linkIfPossible(from: Buffer, to: Buffer): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (NO_LINKS.has((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

/** What a link in a directory is to hold for a target; all three in the client's terms. */
function targetWithin(directory: string, target: string): string {
  if (target === "") throw systemError("ENOENT");
  if (target.startsWith("/")) return posix.relative(directory, target) || ".";
  // A name before `..` could be a link, and `..` then lead from where that points to.
  const way = posix.normalize(target);
  const ups = way.split("/").filter((name) => name === "..").length;
  const depth = directory.split("/").filter((name) => name !== "").length;
  if (ups > depth) throw denied();
  return way;
}

function renameRequest(data: Buffer): { readonly oldPath: Buffer; readonly newPath: Buffer } {
  try {
    return PosixRename.decode(data);
  } catch (error) {
    if (error instanceof ProtocolError) throw new SFTPError(FX_BAD_MESSAGE, error.message);
    throw error;
  }
}

function changePlace(place: Place, attrs: FileAttributes): void {
  change(
    {
      truncate: (size) => {
        const fd = openRegular(place, O_WRONLY);
        try {
          ftruncateSync(fd, size);
        } finally {
          closeSync(fd);
        }
      },
      chown: (uid, gid) => chownSync(place.path, uid, gid),
      chmod: (mode) => chmodSync(place.path, mode),
      utimes: (atime, mtime) => utimesSync(place.path, atime, mtime),
    },
    attrs,
  );
}

function plain(attrs: FileAttributes): FileAttributes {
  return attrs.permissions === undefined ? attrs : { ...attrs, permissions: attrs.permissions & PERMISSIONS };
}

function existing({ place }: Found): Place {
  if (place === null) throw systemError("ENOENT");
  return place;
}

/** Looks before: to open a device can do something to it. */
function openRegular(place: Place, flags: number): number {
  mustBeRegular(place.stat);
  return regular(place.open(flags));
}

/** Looks behind: something else may have got the name. */
function regular(fd: number): number {
  try {
    mustBeRegular(fstatSync(fd));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function mustBeRegular(stat: { isFile(): boolean; isDirectory(): boolean }): void {
  if (!stat.isFile()) throw systemError(stat.isDirectory() ? "EISDIR" : "EACCES");
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function denied(): SFTPError {
  return new SFTPError(FX_PERMISSION_DENIED, "Permission denied");
}
