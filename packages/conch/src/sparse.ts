/**
 * Collections that are empty most of the time, several to each of thousands of connections. An empty Map or Set takes 200
 * bytes; these make theirs for the first entry and let it go with the last.
 */

export class SparseSet<T> {
  #items: Set<T> | null = null;

  get size(): number {
    return this.#items?.size ?? 0;
  }

  has(item: T): boolean {
    return this.#items?.has(item) ?? false;
  }

  add(item: T): this {
    (this.#items ??= new Set()).add(item);
    return this;
  }

  delete(item: T): boolean {
    const was = this.#items?.delete(item) ?? false;
    if (this.#items?.size === 0) this.#items = null;
    return was;
  }

  clear(): void {
    this.#items = null;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return (this.#items ?? []).values();
  }
}

export class SparseMap<K, V> {
  #entries: Map<K, V> | null = null;

  get size(): number {
    return this.#entries?.size ?? 0;
  }

  has(key: K): boolean {
    return this.#entries?.has(key) ?? false;
  }

  get(key: K): V | undefined {
    return this.#entries?.get(key);
  }

  set(key: K, value: V): this {
    (this.#entries ??= new Map<K, V>()).set(key, value);
    return this;
  }

  delete(key: K): boolean {
    const was = this.#entries?.delete(key) ?? false;
    if (this.#entries?.size === 0) this.#entries = null;
    return was;
  }
}
