/**
 * Paths of a client within one folder, which is its root as chroot(2) makes one: `..` does not climb above it, and links
 * are followed here and not by the system, absolute ones from the root (S5).
 */
import { readlinkSync } from "node:fs";
import { posix } from "node:path";
import { systemError } from "./errors.js";
import { type Place, type Start, startOfSystem } from "./place.js";

const MAX_PATH = 4095; // bytes, as on Linux
const MAX_LINKS = 40;
/** Names that one path may have with all its links: links could make it so long that others would have to wait (R9). */
const MAX_NAMES = 1024;

/** What a path leads to. */
export interface Found {
  /** Leads to it, or to where it could be made, in calls that do not follow links. */
  readonly entry: Buffer;
  /** Null when there is nothing yet. */
  readonly place: Place | null;
  /** The directory in which it is, as the client sees it and without links; Latin-1. */
  readonly directory: string;
}

export class Beneath {
  readonly #root: string;
  readonly #start: Start;

  /** @param root a path of this system; it is looked up each time that a path is */
  constructor(root: string, start: Start = startOfSystem()) {
    this.#root = root;
    this.#start = start;
  }

  /**
   * Gives what a path leads to, for as long as the call takes.
   *
   * @param follow whether a link that has the last name is followed, if need be to where there is nothing yet
   * @throws OSError of code ENOENT, ENOTDIR, ELOOP or ENAMETOOLONG, and what the system throws
   */
  reach<T>(path: Buffer, follow: boolean, use: (found: Found) => T): T {
    return this.#walk(path, follow, (trail) => use(trail.found()));
  }

  /** The path from the root on, without links; names for which there is nothing are kept. */
  canonical(path: Buffer): Buffer {
    return this.#walk(path, true, (trail) => Buffer.from(trail.path, "latin1"));
  }

  #walk<T>(path: Buffer, follow: boolean, use: (trail: Trail) => T): T {
    const names = namesOf(latin1(path));
    const trail = new Trail(this.#start(this.#root));
    try {
      trail.walk(names, follow);
      return use(trail);
    } finally {
      trail.close();
    }
  }
}

/** The way from the root to where a walk is, each directory of it held open: back is only where it came from. */
class Trail {
  readonly #steps: { readonly name: string; readonly place: Place }[];
  /** Names to go, the next at the end. */
  #left: string[] = [];

  constructor(root: Place) {
    this.#steps = [{ name: ".", place: root }];
  }

  /** As far as there is something. */
  walk(names: readonly string[], follow: boolean): void {
    this.#left = names.toReversed();
    let links = 0;
    for (let count = 0; this.#left.length > 0; count++) {
      if (count === MAX_NAMES) throw systemError("ELOOP");
      const here = this.#place;
      if (!here.stat.isDirectory()) throw systemError("ENOTDIR");
      const name = this.#left.pop()!;
      if (name === "..") {
        this.#back();
        continue;
      }
      const place = here.find(name);
      if (place === null) {
        this.#left.push(name);
        return;
      }
      this.#steps.push({ name, place });
      if (!place.stat.isSymbolicLink() || (this.#left.length === 0 && !follow)) continue;
      links += 1;
      if (links > MAX_LINKS) throw systemError("ELOOP");
      this.#back();
      const target = readlinkSync(here.at(name), "latin1");
      if (target.startsWith("/")) while (this.#steps.length > 1) this.#back();
      this.#left.push(...namesOf(target).reverse());
    }
  }

  /** @throws OSError of code ENOENT when more than the last name leads to nothing. */
  found(): Found {
    if (this.#left.length > 1) throw systemError("ENOENT");
    const directory = posix.dirname(this.path);
    if (this.#left.length === 1) return { entry: this.#place.at(this.#left[0]!), place: null, directory };
    const { name, place } = this.#steps.at(-1)!;
    const { place: parent } = this.#steps.at(-2) ?? this.#steps[0]!; // the root is "." in itself
    return { entry: parent.at(name), place, directory };
  }

  get path(): string {
    const names = [...this.#steps.slice(1).map(({ name }) => name), ...this.#left.toReversed()];
    return posix.normalize(`/${names.join("/")}`);
  }

  close(): void {
    for (const { place } of this.#steps) place.close();
  }

  get #place(): Place {
    return this.#steps.at(-1)!.place;
  }

  #back(): void {
    if (this.#steps.length > 1) this.#steps.pop()!.place.close();
  }
}

/** Of bytes that can be a path, so that none is lost. @throws OSError of code ENOENT or ENAMETOOLONG */
export function latin1(path: Buffer): string {
  if (path.length > MAX_PATH) throw systemError("ENAMETOOLONG");
  if (path.includes(0)) throw systemError("ENOENT");
  return path.toString("latin1");
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}
