/** The files of an account, for SFTP (twisted.conch.unix). */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
} from "node:fs";
import { posix } from "node:path";
import { implementer } from "@strombus/reactor/components";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { type DirectoryEntry, type FileAttributes, type IDirectory, ISFTPServer } from "../interfaces.js";
import { lsLine } from "../ls.js";
import { attributesOf, change, changeOpen, LocalFile, openFlags } from "../sftp/local.js";
import { type BytesLike, toBuffer } from "../wire/writer.js";
import type { UnixConchUser } from "./avatar.js";

const DEFAULT_MODE = 0o777; // less the umask

/** Entries whose attributes are looked up at a time: to become the account takes longer than that. */
const BATCH = 100;

/** Whose files they are: a UnixConchUser, or another avatar that has these two. */
type Account = Pick<UnixConchUser, "getHomeDir" | "_runAsUser">;

/**
 * Serves all that the account can reach; a path that does not start at the root starts in the account's home. What it does
 * by path it does at once, as the account; open files are read and written in the thread pool.
 */
@implementer(ISFTPServer)
export class SFTPServerForUnixConchUser<A extends Account = UnixConchUser> implements ISFTPServer {
  readonly avatar: A;

  constructor(avatar: A) {
    this.avatar = avatar;
  }

  /** No extensions. */
  gotVersion(otherVersion: number, extData: ReadonlyMap<string, Buffer>): ReadonlyMap<string, BytesLike> {
    return new Map();
  }

  openFile(filename: Buffer, flags: number, attrs: FileAttributes): UnixSFTPFile {
    return new UnixSFTPFile(this, this._absPath(filename), flags, attrs);
  }

  removeFile(filename: Buffer): void {
    const path = this._absPath(filename);
    this.avatar._runAsUser(() => unlinkSync(path));
  }

  renameFile(oldpath: Buffer, newpath: Buffer): void {
    const [from, to] = [this._absPath(oldpath), this._absPath(newpath)];
    this.avatar._runAsUser(() => renameSync(from, to));
  }

  /** With the permissions that are asked for less the umask, as a file. */
  makeDirectory(path: Buffer, { permissions = DEFAULT_MODE, ...attrs }: FileAttributes): void {
    const absolute = this._absPath(path);
    this.avatar._runAsUser(
      () => mkdirSync(absolute, permissions),
      () => this._setAttrs(absolute, attrs),
    );
  }

  removeDirectory(path: Buffer): void {
    const absolute = this._absPath(path);
    this.avatar._runAsUser(() => rmdirSync(absolute));
  }

  openDirectory(path: Buffer): UnixSFTPDirectory {
    return new UnixSFTPDirectory(this, this._absPath(path));
  }

  getAttrs(path: Buffer, followLinks: boolean): FileAttributes {
    const absolute = this._absPath(path);
    return attributesOf(this.avatar._runAsUser(() => (followLinks ? statSync(absolute) : lstatSync(absolute))));
  }

  setAttrs(path: Buffer, attrs: FileAttributes): void {
    const absolute = this._absPath(path);
    this.avatar._runAsUser(() => this._setAttrs(absolute, attrs));
  }

  readLink(path: Buffer): Buffer {
    const absolute = this._absPath(path);
    return this.avatar._runAsUser(() => readlinkSync(absolute, { encoding: "buffer" }));
  }

  /** A target that does not start at the root starts in the account's home, wherever the link is. */
  makeLink(linkPath: Buffer, targetPath: Buffer): void {
    const [link, target] = [this._absPath(linkPath), this._absPath(targetPath)];
    this.avatar._runAsUser(() => symlinkSync(target, link));
  }

  /** As far as there is such a path; what there is not is kept as it is. */
  realPath(path: Buffer): Buffer {
    const absolute = posix.normalize(this._absPath(path).toString("latin1"));
    return Buffer.from(
      this.avatar._runAsUser(() => resolved(absolute)),
      "latin1",
    );
  }

  extendedRequest(extendedName: string, extendedData: Buffer): never {
    throw new NotImplementedError();
  }

  /** The path from the root on. */
  _absPath(path: Buffer): Buffer {
    if (path[0] === SLASH) return path;
    const home = this.avatar.getHomeDir() as string | { readonly path: string };
    return Buffer.concat([toBuffer(typeof home === "string" ? home : home.path), Buffer.of(SLASH), path]);
  }

  /** To be called as the account. */
  _setAttrs(path: Buffer, attrs: FileAttributes): void {
    change(
      {
        truncate: (size) => truncateSync(path, size),
        chown: (uid, gid) => chownSync(path, uid, gid),
        chmod: (mode) => chmodSync(path, mode),
        utimes: (atime, mtime) => utimesSync(path, atime, mtime),
      },
      attrs,
    );
  }
}

/** Of a path whose bytes are Latin-1 here, so that none is lost. */
function resolved(path: string): string {
  try {
    return realpathSync.native(Buffer.from(path, "latin1"), { encoding: "buffer" }).toString("latin1");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || path === "/") throw error;
    return posix.join(resolved(posix.dirname(path)), posix.basename(path));
  }
}

const SLASH = 0x2f;

/** A file of an account: opened as the account, by its permissions at that time. */
export class UnixSFTPFile extends LocalFile {
  readonly server: SFTPServerForUnixConchUser<Account>;

  /** @param filename from the root on @param flags the FXF_ bits */
  constructor(server: SFTPServerForUnixConchUser<Account>, filename: Buffer, flags: number, attrs: FileAttributes) {
    const { permissions = DEFAULT_MODE, ...others } = attrs;
    super(
      server.avatar._runAsUser(() => {
        // All others would wait, too, for whoever is at the other end of a FIFO.
        const fd = openSync(filename, openFlags(flags) | constants.O_NONBLOCK, permissions);
        try {
          changeOpen(fd, others);
        } catch (error) {
          closeSync(fd);
          throw error;
        }
        return fd;
      }),
    );
    this.server = server;
  }
}

/** A directory of an account: the names that it had when it was opened, without `.` and `..`. */
export class UnixSFTPDirectory implements IDirectory {
  readonly server: SFTPServerForUnixConchUser<Account>;
  readonly dir: Buffer;
  #names: Buffer[];

  constructor(server: SFTPServerForUnixConchUser<Account>, directory: Buffer) {
    this.server = server;
    this.dir = directory;
    this.#names = server.avatar._runAsUser(() => readdirSync(directory, { encoding: "buffer" }));
  }

  /** What has gone since is left out. */
  *[Symbol.iterator](): Generator<DirectoryEntry, void, undefined> {
    while (this.#names.length > 0) {
      const names = this.#names.splice(0, BATCH);
      const entries = this.server.avatar._runAsUser(() => names.flatMap((name) => this.#entry(name)));
      yield* entries;
    }
  }

  close(): void {
    this.#names = [];
  }

  #entry(name: Buffer): DirectoryEntry[] {
    const stat = lstatSync(Buffer.concat([this.dir, Buffer.of(SLASH), name]), { throwIfNoEntry: false });
    return stat === undefined ? [] : [[name, lsLine(name, stat), attributesOf(stat)]];
  }
}
