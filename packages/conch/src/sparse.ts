/**
 * Collections that are empty most of the time, or have one entry, several to each of thousands of connections. An empty Map
 * or Set takes 200 bytes; these make theirs when they need it and let it go with the last entry.
 */

const NONE = Symbol("none");

/** One item stands in the object itself. An iteration over one item sees what was there when it began. */
export class SparseSet<T> {
  #item: T | typeof NONE = NONE;
  #items: Set<T> | null = null; // two and more, until all are gone

  get size(): number {
    if (this.#items !== null) return this.#items.size;
    return this.#item === NONE ? 0 : 1;
  }

  has(item: T): boolean {
    return this.#items?.has(item) ?? this.#item === item;
  }

  add(item: T): this {
    if (this.#items !== null) this.#items.add(item);
    else if (this.#item === NONE) this.#item = item;
    else if (this.#item !== item) {
      this.#items = new Set([this.#item, item]);
      this.#item = NONE;
    }
    return this;
  }

  delete(item: T): boolean {
    if (this.#items === null) {
      if (this.#item !== item) return false;
      this.#item = NONE;
      return true;
    }
    const was = this.#items.delete(item);
    if (this.#items.size === 0) this.#items = null;
    return was;
  }

  clear(): void {
    this.#items = null;
    this.#item = NONE;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return (this.#items ?? (this.#item === NONE ? [] : [this.#item])).values();
  }
}

/** One entry stands in the object itself. An iteration over one entry sees what was there when it began. */
export class SparseMap<K, V> implements Map<K, V> {
  #key: K | typeof NONE = NONE;
  #value: V | undefined = undefined;
  #entries: Map<K, V> | null = null; // two and more, until all are gone

  get size(): number {
    if (this.#entries !== null) return this.#entries.size;
    return this.#key === NONE ? 0 : 1;
  }

  has(key: K): boolean {
    return this.#entries === null ? this.#key === key : this.#entries.has(key);
  }

  get(key: K): V | undefined {
    if (this.#entries !== null) return this.#entries.get(key);
    return this.#key === key ? this.#value : undefined;
  }

  set(key: K, value: V): this {
    if (this.#entries === null && this.#key !== NONE && this.#key !== key) {
      this.#entries = this.#copy();
      this.#key = NONE;
      this.#value = undefined;
    }
    if (this.#entries !== null) {
      this.#entries.set(key, value);
    } else {
      this.#key = key;
      this.#value = value;
    }
    return this;
  }

  delete(key: K): boolean {
    if (!this.has(key)) return false;
    this.#entries?.delete(key);
    if (this.#entries === null || this.#entries.size === 0) this.clear();
    return true;
  }

  clear(): void {
    this.#entries?.clear();
    this.#entries = null;
    this.#key = NONE;
    this.#value = undefined;
  }

  forEach(callback: (value: V, key: K, map: Map<K, V>) => void, thisArg?: unknown): void {
    for (const [key, value] of this) callback.call(thisArg, value, key, this);
  }

  entries(): MapIterator<[K, V]> {
    return (this.#entries ?? this.#copy()).entries();
  }

  keys(): MapIterator<K> {
    return (this.#entries ?? this.#copy()).keys();
  }

  values(): MapIterator<V> {
    return (this.#entries ?? this.#copy()).values();
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }

  get [Symbol.toStringTag](): string {
    return Map.prototype[Symbol.toStringTag];
  }

  #copy(): Map<K, V> {
    return this.#key === NONE ? new Map<K, V>() : new Map([[this.#key, this.#value as V]]);
  }
}
