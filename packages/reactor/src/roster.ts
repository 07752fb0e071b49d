/**
 * Those who are there at the moment, where many come and go. A `Set` of V8's makes a new table for every dozen of them, and
 * each table that it leaves behind keeps who was in it, and the next table, until the next full collection: in the end
 * all who were ever there. Here a table keeps an entry that is empty when its owner has gone.
 */
export class Roster<T extends object> implements IRoster<T>, Iterable<T> {
  readonly #mine = Symbol("entry"); // each has its entry itself: a WeakMap would keep it from being collected soon
  readonly #entries = new Set<Entry<T>>();

  get size(): number {
    return this.#entries.size;
  }

  has(one: T): boolean {
    return this.#entryOf(one) !== undefined;
  }

  add(one: T): this {
    if (this.has(one)) return this;
    const entry = { one };
    (one as Owner<T>)[this.#mine] = entry;
    this.#entries.add(entry);
    return this;
  }

  /** @returns whether it was there */
  delete(one: T): boolean {
    const entry = this.#entryOf(one);
    if (entry === undefined) return false;
    (one as Owner<T>)[this.#mine] = undefined;
    entry.one = null;
    return this.#entries.delete(entry);
  }

  clear(): void {
    for (const one of this) this.delete(one);
  }

  /** In the order in which they came; as with a `Set`, others may come and go meanwhile. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (const { one } of this.#entries) if (one !== null) yield one;
  }

  #entryOf(one: T): Entry<T> | undefined {
    return (one as Owner<T>)[this.#mine];
  }
}

/** What those who come and go need of it: a `Set` will do too. */
export interface IRoster<T> {
  add(one: T): unknown;
  delete(one: T): unknown;
}

interface Entry<T> {
  one: T | null;
}

type Owner<T> = Record<symbol, Entry<T> | undefined>;
