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
  writev,
} from "node:fs";
import { promisify } from "node:util";
import { implementer } from "@strombus/reactor/components";
import { Deferred } from "@strombus/reactor/defer";
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { type FileAttributes, ISFTPFile } from "../interfaces.js";
import { systemError } from "./errors.js";
import { FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_READ, FXF_TRUNC, FXF_WRITE } from "./numbers.js";

const closeFile = promisify(close);
const readFile = promisify(read);
const writeFile = promisify(writev);

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

/** Bytes that are read or written at once, where requests follow each other in the file. */
const MAX_AT_ONCE = 512 * 1024;

interface Reading {
  readonly kind: "read";
  readonly start: number;
  readonly length: number;
  readonly done: Deferred<Buffer>;
}

interface Writing {
  readonly kind: "write";
  readonly start: number;
  readonly length: number;
  readonly data: Buffer;
  readonly done: Deferred<void>;
}

interface Other {
  readonly kind: "other";
  readonly call: () => MaybeAsync;
  readonly done: Deferred<void>;
}

/**
 * An open file. What it is asked it does in that order. Reading and writing wait in the thread pool; what clients ask
 * without waiting for each answer goes there as one, since the way there takes longer than the reading.
 */
@implementer(ISFTPFile)
export class LocalFile implements ISFTPFile {
  /** Null when it is closed. */
  fd: number | null;
  readonly #waiting: (Reading | Writing | Other)[] = [];
  #working = false;

  constructor(fd: number) {
    this.fd = fd;
  }

  close(): Deferred<void> {
    return this.#call(async () => {
      const { fd } = this;
      this.fd = null;
      if (fd !== null) await closeFile(fd);
    });
  }

  /** Up to so many bytes; empty at the end of the file. */
  readChunk(offset: number | bigint, length: number): Deferred<Buffer> {
    const done = new Deferred<Buffer>();
    this.#add(() => ({ kind: "read", start: place(offset), length, done }), done);
    return done;
  }

  /** All of it, in as many steps as the system takes. */
  writeChunk(offset: number | bigint, data: Buffer): Deferred<void> {
    const done = new Deferred<void>();
    this.#add(() => ({ kind: "write", start: place(offset), length: data.length, data, done }), done);
    return done;
  }

  getAttrs(): Deferred<FileAttributes> {
    let attrs: FileAttributes = {};
    return this.#call(() => {
      attrs = attributesOf(fstatSync(this.#open));
    }).addCallback(() => attrs);
  }

  setAttrs(attrs: FileAttributes): Deferred<void> {
    return this.#call(() => changeOpen(this.#open, attrs));
  }

  get #open(): number {
    if (this.fd === null) throw systemError("EBADF");
    return this.fd;
  }

  #call(call: () => MaybeAsync): Deferred<void> {
    const done = new Deferred<void>();
    this.#add(() => ({ kind: "other", call, done }), done);
    return done;
  }

  #add<T>(task: () => Reading | Writing | Other, done: Deferred<T>): void {
    try {
      this.#waiting.push(task());
    } catch (error) {
      done.errback(error);
      return;
    }
    if (this.#working) return;
    this.#working = true;
    queueMicrotask(() => void this.#work()); // by then more may have come that is done with it
  }

  async #work(): Promise<void> {
    for (let first = this.#waiting.shift(); first !== undefined; first = this.#waiting.shift()) {
      if (first.kind === "read") await this.#read(this.#withNext(first));
      else if (first.kind === "write") await this.#write(this.#withNext(first));
      else await fulfil([first.done], first.call);
    }
    this.#working = false;
  }

  /** With those behind it that go on where it ends. */
  #withNext<T extends Reading | Writing>(first: T): T[] {
    const tasks = [first];
    for (let end = first.start + first.length; ; end += tasks.at(-1)!.length) {
      const [next] = this.#waiting;
      if (next?.kind !== first.kind || next.start !== end) break;
      if (end + next.length - first.start > MAX_AT_ONCE) break;
      tasks.push(this.#waiting.shift() as T);
    }
    return tasks;
  }

  /** What gets nothing at the end of what came is asked for again, by itself: it may not be the end of the file. */
  async #read(tasks: Reading[]): Promise<void> {
    const [{ start }] = tasks as [Reading];
    const length = tasks.reduce((sum, task) => sum + task.length, 0);
    let got: Buffer;
    try {
      const { bytesRead, buffer } = await readFile(this.#open, Buffer.allocUnsafe(length), 0, length, start);
      got = buffer.subarray(0, bytesRead);
    } catch (error) {
      for (const { done } of tasks) done.errback(error);
      return;
    }
    for (const [index, task] of tasks.entries()) {
      const from = task.start - start;
      if (index > 0 && from >= got.length) await this.#read([task]);
      else task.done.callback(got.subarray(from, from + task.length));
    }
  }

  #write(tasks: Writing[]): Promise<void> {
    return fulfil(
      tasks.map(({ done }) => done),
      async () => {
        let [{ start: at }] = tasks as [Writing];
        let left = tasks.map(({ data }) => data);
        while (left.length > 0) {
          const { bytesWritten } = await writeFile(this.#open, left, at);
          at += bytesWritten;
          left = without(left, bytesWritten);
        }
      },
    );
  }
}

/** All of them get what comes of the call. */
async function fulfil(waiting: readonly Deferred<void>[], call: () => MaybeAsync): Promise<void> {
  try {
    await call();
  } catch (error) {
    for (const each of waiting) each.errback(error);
    return;
  }
  for (const each of waiting) each.callback();
}

/** What is left of pieces of data when so many bytes are gone. */
function without(pieces: readonly Buffer[], bytes: number): Buffer[] {
  let left = bytes;
  return pieces.flatMap((piece) => {
    const gone = Math.min(left, piece.length);
    left -= gone;
    return gone === piece.length ? [] : [piece.subarray(gone)];
  });
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
