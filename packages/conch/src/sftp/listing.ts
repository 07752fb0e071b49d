/** The entries of a directory, as many at a time as one packet of SFTP takes. */
import { isLater } from "../channel/later.js";
import type { DirectoryEntry, IDirectory, MaybeLater } from "../interfaces.js";
import { toBuffer } from "../wire/writer.js";

/** What one answer has at most; an entry is never cut, so that it may have some bytes more. */
const MAX_ENTRIES = 250;
const MAX_BYTES = 128 * 1024;

type Step = IteratorResult<MaybeLater<DirectoryEntry>, unknown>;

/** Goes through an open directory once. Entries may come at once or later, as its iterator has it. */
export class Listing {
  readonly #iterator: { next(): Step | PromiseLike<Step> };
  /** Those that were asked for before. */
  #last: PromiseLike<unknown> | null = null;

  constructor(directory: IDirectory) {
    const iterator = directory[Symbol.iterator]?.() ?? directory[Symbol.asyncIterator]?.();
    if (iterator === undefined) throw new TypeError("an open directory can be iterated");
    this.#iterator = iterator;
  }

  /** The next entries; none at the end. */
  next(): MaybeLater<DirectoryEntry[]> {
    if (this.#last === null) {
      const entries = new Entries();
      const pending = this.#take(entries);
      return pending === null ? entries.list : this.#later(this.#wait(entries, pending));
    }
    const before = this.#last;
    return this.#later(before.then(() => this.#wait(new Entries(), null)));
  }

  /** Takes what is at hand; gives back what is not, or null when these are enough. */
  #take(entries: Entries): PromiseLike<Step | DirectoryEntry> | null {
    while (!entries.full) {
      const step = this.#iterator.next();
      if (isLater(step)) return step;
      if (step.done === true) return null;
      const { value } = step;
      if (isLater(value)) return value;
      entries.add(value);
    }
    return null;
  }

  async #wait(entries: Entries, first: PromiseLike<Step | DirectoryEntry> | null): Promise<DirectoryEntry[]> {
    for (let next = first ?? this.#take(entries); next !== null; next = this.#take(entries)) {
      const came = await next;
      if (!isStep(came)) entries.add(came);
      else if (came.done === true) break;
      else entries.add(await came.value);
    }
    return entries.list;
  }

  #later(entries: PromiseLike<DirectoryEntry[]>): PromiseLike<DirectoryEntry[]> {
    const ended = () => {
      if (this.#last === last) this.#last = null;
    };
    const last = entries.then(ended, ended);
    this.#last = last;
    return entries;
  }
}

class Entries {
  readonly list: DirectoryEntry[] = [];
  #bytes = 0;

  get full(): boolean {
    return this.list.length >= MAX_ENTRIES || this.#bytes >= MAX_BYTES;
  }

  add(entry: DirectoryEntry): void {
    this.list.push(entry);
    this.#bytes += toBuffer(entry[0]).length + toBuffer(entry[1]).length;
  }
}

function isStep(came: Step | DirectoryEntry): came is Step {
  return !Array.isArray(came);
}
