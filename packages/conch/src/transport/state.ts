/** What applications attach to a connection, each part under a key of its own that knows the type. */
import { SparseMap } from "../sparse.js";

/** Made once, in the module that owns what is attached; two keys of one name are two keys. */
export class StateKey<T> {
  /** Never set: it ties the key to its type. */
  declare readonly type: T;

  constructor(readonly name: string) {}
}

/**
 * The state of one connection: `transport.state`, which an avatar finds at `conn.transport.state`, a channel at
 * `conn.transport.state`, and a checker at `transportOf(credentials).state`.
 *
 * ```ts
 * const CLIENT_HASSH = new StateKey<string>("hassh");
 * transport.state.set(CLIENT_HASSH, hassh(offer));
 * channel.conn.transport.state.get(CLIENT_HASSH); // string | undefined
 * ```
 */
export class ConnectionState {
  readonly #values = new SparseMap<StateKey<unknown>, unknown>();

  get<T>(key: StateKey<T>): T | undefined {
    return this.#values.get(key) as T | undefined;
  }

  has(key: StateKey<unknown>): boolean {
    return this.#values.has(key);
  }

  set<T>(key: StateKey<T>, value: T): this {
    this.#values.set(key, value);
    return this;
  }

  delete(key: StateKey<unknown>): boolean {
    return this.#values.delete(key);
  }
}
