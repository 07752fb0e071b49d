/** Files of this system as SFTP has them: how they are opened, their attributes, and one that is open. */
import {
  close,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  read,
  type Stats,
  write,
} from "node:fs";
import { promisify } from "node:util";
import { type Deferred, DeferredLock } from "@strombus/reactor/defer";
import { type FileAttributes, ISFTPFile } from "../interfaces.js";
import { implementer } from "@strombus/reactor/components";
import { systemError } from "./errors.js";
import { FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_READ, FXF_TRUNC, FXF_WRITE } from "./numbers.js";

const closeFile = promisify(close);
const readFile = promisify(read);
const writeFile = promisify(write);

const PERMISSIONS = 0o7777;

/** FXF_ bits as those of open(2). A file that is opened neither to be read nor to be written can be read. */
export function openFlags(flags: number): number {
  const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = constants;
  let bits = O_RDONLY;
  if (flags & FXF_WRITE) bits = flags & FXF_READ ? O_RDWR : O_WRONLY;
  if (flags & FXF_APPEND) bits |= O_APPEND;
  if (flags & FXF_CREAT) bits |= O_CREAT;
  if (flags & FXF_TRUNC) bits |= O_TRUNC;
  if (flags & FXF_EXCL) bits |= O_EXCL;
  return bits;
}

/** Permissions have the type of the file with them; times are whole seconds. */
export function attributesOf(stat: Stats): FileAttributes {
  return {
    size: stat.size,
    uid: stat.uid,
    gid: stat.gid,
    permissions: stat.mode,
    atime: Math.floor(stat.atimeMs / 1000),
    mtime: Math.floor(stat.mtimeMs / 1000),
  };
}

/** What changes a file's attributes, in one way or another. */
export interface Changes {
  truncate(size: number): void;
  chown(uid: number, gid: number): void;
  chmod(mode: number): void;
  utimes(atime: number, mtime: number): void;
}

/** Makes those changes that the attributes ask for; the owner goes before the mode, whose setuid bits it would clear. */
export function change(changes: Changes, { size, uid, gid, permissions, atime, mtime }: FileAttributes): void {
  if (size !== undefined) changes.truncate(place(size));
  if (uid !== undefined && gid !== undefined) changes.chown(uid, gid);
  if (permissions !== undefined) changes.chmod(permissions & PERMISSIONS);
  if (atime !== undefined && mtime !== undefined) changes.utimes(atime, mtime);
}

/** An open file. What it is asked it does in that order; reading and writing wait in the thread pool. */
@implementer(ISFTPFile)
export class LocalFile implements ISFTPFile {
  /** Null when it is closed. */
  fd: number | null;
  readonly #turn = new DeferredLock();

  constructor(fd: number) {
    this.fd = fd;
  }

  close(): Deferred<void> {
    return this.#turn.run(async () => {
      const { fd } = this;
      this.fd = null;
      if (fd !== null) await closeFile(fd);
    });
  }

  /** Up to so many bytes; empty at the end of the file. */
  readChunk(offset: number | bigint, length: number): Deferred<Buffer> {
    return this.#turn.run(async () => {
      const { bytesRead, buffer } = await readFile(this.#open, Buffer.allocUnsafe(length), 0, length, place(offset));
      return buffer.subarray(0, bytesRead);
    });
  }

  /** All of it, in as many steps as the system takes. */
  writeChunk(offset: number | bigint, data: Buffer): Deferred<void> {
    return this.#turn.run(async () => {
      const start = place(offset);
      for (let done = 0; done < data.length;) {
        const { bytesWritten } = await writeFile(this.#open, data, done, data.length - done, start + done);
        done += bytesWritten;
      }
    });
  }

  getAttrs(): Deferred<FileAttributes> {
    return this.#turn.run(() => attributesOf(fstatSync(this.#open)));
  }

  setAttrs(attrs: FileAttributes): Deferred<void> {
    return this.#turn.run(() => changeOpen(this.#open, attrs));
  }

  get #open(): number {
    if (this.fd === null) throw systemError("EBADF");
    return this.fd;
  }
}

export function changeOpen(fd: number, attrs: FileAttributes): void {
  change(
    {
      truncate: (size) => ftruncateSync(fd, size),
      chown: (uid, gid) => fchownSync(fd, uid, gid),
      chmod: (mode) => fchmodSync(fd, mode),
      utimes: (atime, mtime) => futimesSync(fd, atime, mtime),
    },
    attrs,
  );
}

/** No file is so long that a bigint would be needed, and Node writes at none. @throws OSError of code EFBIG */
function place(offset: number | bigint): number {
  if (typeof offset === "bigint") throw systemError("EFBIG");
  return offset;
}
