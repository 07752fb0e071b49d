/** What the walk of a path stands on: by a descriptor, or by a path where the system leads to no descriptors by name. */
import { closeSync, constants, existsSync, fstatSync, lstatSync, openSync, type Stats, statSync } from "node:fs";
import { NotImplementedError } from "@strombus/reactor/exceptions";

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Holds what has the name, and neither reads nor waits for it. Linux alone has it, and Node does not tell it. */
const O_PATH = 0o10000000;

/** A file, a directory or a link that was found: to be closed. Names are Latin-1, each character one byte. */
export interface Place {
  /** As it was when it was found. */
  readonly stat: Stats;
  /** Leads to it, in calls that follow links; no way for one that is a link. */
  readonly path: Buffer;
  /** Leads to what has this name in the directory that it is, in calls that do not follow links. */
  at(name: string): Buffer;
  /** What has this name in it, a link as itself; null when there is nothing. */
  find(name: string): Place | null;
  /** A descriptor of it; a FIFO without a peer is not waited for. */
  open(flags: number): number;
  close(): void;
}

/** Where walks begin: at a directory of this system, whatever links lead there. */
export type Start = (root: string) => Place;

/** As the system has it. @throws NotImplementedError on Windows */
export function startOfSystem(): Start {
  if (process.platform === "win32") throw new NotImplementedError("names on Windows have separators of their own");
  return process.platform === "linux" && existsSync("/proc/self/fd") ? startByDescriptor : startByPath;
}

export function startByDescriptor(root: string): Place {
  return new Descriptor(openSync(root, O_PATH | O_DIRECTORY));
}

/** Whoever swaps a directory for a link in the very moment between two calls leads these astray. */
export function startByPath(root: string): Place {
  return new PlainPath(Buffer.from(root), statSync(root));
}

/** Stays with what it is, wherever that is moved and whatever gets its name. */
class Descriptor implements Place {
  readonly stat: Stats;
  readonly path: Buffer;
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
    this.path = Buffer.from(`/proc/self/fd/${fd}`);
    try {
      this.stat = fstatSync(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  at(name: string): Buffer {
    return Buffer.from(`/proc/self/fd/${this.#fd}/${name}`, "latin1");
  }

  find(name: string): Place | null {
    try {
      return new Descriptor(openSync(this.at(name), O_PATH | O_NOFOLLOW));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
  }

  open(flags: number): number {
    return openSync(this.path, flags | O_NONBLOCK);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

class PlainPath implements Place {
  constructor(
    readonly path: Buffer,
    readonly stat: Stats,
  ) {}

  at(name: string): Buffer {
    return Buffer.concat([this.path, Buffer.from(`/${name}`, "latin1")]);
  }

  find(name: string): Place | null {
    const path = this.at(name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat === undefined ? null : new PlainPath(path, stat);
  }

  open(flags: number): number {
    return openSync(this.path, flags | O_NOFOLLOW | O_NONBLOCK);
  }

  close(): void {}
}
