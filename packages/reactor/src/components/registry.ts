/** The adapter registry (twisted.python.components): how an object that is not an IFoo is given one. */
import { AssertionError, ValueError } from "../exceptions.js";
import {
  type InterfaceToken,
  type Specification,
  extendsOrIs,
  isInterfaceToken,
  keyOf,
  providedBy,
  resolutionOrder,
  withBases,
} from "./interface.js";

/** Makes the adapter of `original`: a class taking it, or a function, which may return null for "no adapter". */
export type AdapterFactory<From = never> = (new (original: From) => unknown) | ((original: From) => unknown);

/** Asked in order by `adapt` for objects that do not provide the interface; null or undefined passes to the next. */
export type AdapterHook = (token: InterfaceToken, object: unknown) => unknown;

/** `object` neither provides the interface nor can be adapted to it. */
export class CannotAdapt extends TypeError {
  override readonly name = "CannotAdapt";
  readonly code = "ERR_CANNOT_ADAPT";

  constructor(
    readonly object: unknown,
    readonly token: InterfaceToken,
  ) {
    super(`could not adapt ${describe(object)} to ${token.name}`);
  }
}

/** Whether a second registration for the same pair replaces the first instead of throwing; see `setAllowDuplicates`. */
export let ALLOW_DUPLICATES = false;

/** Sets `ALLOW_DUPLICATES`: an imported binding cannot be assigned. */
export function setAllowDuplicates(allow: boolean): void {
  ALLOW_DUPLICATES = allow;
}

/** Which factory adapts what to which interface. */
export class AdapterRegistry {
  readonly #factories = new Map<object, Map<InterfaceToken, AdapterFactory>>();

  /** Registers, or replaces, the factory for exactly this pair. */
  register(from: Specification, to: InterfaceToken, factory: AdapterFactory): void {
    const key = keyOf(from);
    const row = this.#factories.get(key) ?? new Map<InterfaceToken, AdapterFactory>();
    this.#factories.set(key, row.set(to, factory));
  }

  /** The factory registered for exactly this pair, else null. */
  registered(from: Specification, to: InterfaceToken): AdapterFactory | null {
    return this.#factories.get(keyOf(from))?.get(to) ?? null;
  }

  /** The factory that serves `from`, a class or an interface, else null. */
  lookup(from: Specification, to: InterfaceToken): AdapterFactory | null {
    return this.#first(isInterfaceToken(from) ? withBases([from]) : resolutionOrder(keyOf(from)), to);
  }

  /** The adapter of `object`, else null: of its interfaces and classes the most specific with a factory decides. */
  queryAdapter(object: unknown, to: InterfaceToken): unknown {
    const factory = this.#first(resolutionOrder(object), to) ?? this.#first(this.#structural(object), to);
    return factory === null ? null : (construct(factory, object) ?? null);
  }

  #first(order: readonly object[], to: InterfaceToken): AdapterFactory | null {
    for (const key of order) {
      const row = this.#factories.get(key);
      const factory = row && nearest(row, to);
      if (factory) return factory;
    }
    return null;
  }

  /** The interfaces with adapters that an object provides by its members alone. */
  #structural(object: unknown): InterfaceToken[] {
    const interfaces = [...this.#factories.keys()].filter(isInterfaceToken);
    return withBases(interfaces.filter((token) => providedBy(token, object)));
  }
}

const globalRegistry = new AdapterRegistry();

/** The registry that `registerAdapter` fills and `adapt` asks. */
export function getRegistry(): AdapterRegistry {
  return globalRegistry;
}

/** What `adapt` asks in order; it starts with the global registry alone. */
export const adapterHooks: AdapterHook[] = [(token, object) => globalRegistry.queryAdapter(object, token)];

/**
 * Registers how objects of a class, or providers of an interface, are adapted to one or more interfaces.
 *
 * ```ts
 * registerAdapter(SessionForUser, User, ISession); // adapt(ISession, user) is new SessionForUser(user)
 * ```
 *
 * Subclasses are served too, and may have a factory of their own.
 *
 * @throws AssertionError without a target; ValueError, and nothing is registered, if one of the pairs has a factory
 *   already and `ALLOW_DUPLICATES` is false.
 */
export function registerAdapter<From>(
  factory: AdapterFactory<From>,
  from: Specification<From>,
  ...interfaces: InterfaceToken[]
): void {
  if (interfaces.length === 0) throw new AssertionError("an adapter is registered for at least one interface");
  for (const token of ALLOW_DUPLICATES ? [] : interfaces) {
    if (globalRegistry.registered(from, token)) {
      throw new ValueError(`an adapter of ${from.name} to ${token.name} is already registered`);
    }
  }
  for (const token of interfaces) globalRegistry.register(from, token, factory);
}

/** The factory that would adapt instances of a class, or providers of an interface, else `fallback` (default null). */
export function getAdapterFactory<D = null>(
  from: Specification,
  to: InterfaceToken,
  fallback: D = null as D,
): AdapterFactory | D {
  return globalRegistry.lookup(from, to) ?? fallback;
}

/**
 * `object` as an IFoo: what its `__conform__(IFoo)` gives, else itself if it provides IFoo, else an adapter.
 *
 * @param fallback given when there is none; null and undefined count as given.
 * @throws CannotAdapt when there is none and no fallback.
 */
export function adapt<T>(token: InterfaceToken<T>, object: unknown): T;
export function adapt<T, D>(token: InterfaceToken<T>, object: unknown, fallback: D): T | D;
export function adapt<T, D>(token: InterfaceToken<T>, object: unknown, ...rest: [fallback?: D]): T | D {
  const found = conform(token, object) ?? askHooks(token, object);
  if (found !== null && found !== undefined) return found as T;
  if (rest.length > 0) return rest[0] as D;
  throw new CannotAdapt(object, token);
}

/** `adapt` without the object's own `__conform__`: itself, else an adapter, else null. */
export function askHooks(token: InterfaceToken, object: unknown): unknown {
  if (providedBy(token, object)) return object;
  for (const hook of adapterHooks) {
    const adapter = hook(token, object);
    if (adapter !== null && adapter !== undefined) return adapter;
  }
  return null;
}

/** What the object's `__conform__` gives for the interface, else null. */
export function conform(token: InterfaceToken, object: unknown): unknown {
  if (object === null || object === undefined) return null;
  const { __conform__: method } = object as { __conform__?: unknown };
  return typeof method === "function" ? ((method.call(object, token) as unknown) ?? null) : null;
}

/** The factory for `to` itself, else the most general of those for interfaces that extend it. */
function nearest(row: ReadonlyMap<InterfaceToken, AdapterFactory>, to: InterfaceToken): AdapterFactory | null {
  const [first, ...others] = [...row.keys()].filter((token) => extendsOrIs(token, to));
  if (!first) return null;
  return row.get(others.reduce((best, token) => (extendsOrIs(best, token) ? token : best), first)) ?? null;
}

function construct(factory: AdapterFactory, original: unknown): unknown {
  if (isClass(factory)) return new factory(original as never);
  return factory(original as never);
}

/** A class cannot be called, and is known by its fixed `prototype`. */
function isClass(factory: AdapterFactory): factory is new (original: never) => unknown {
  return Object.getOwnPropertyDescriptor(factory, "prototype")?.writable === false;
}

/** Enough to recognise an object by; its contents stay out of messages. */
function describe(object: unknown): string {
  if (typeof object === "function") return object.name;
  if (typeof object !== "object" || object === null) return typeof object;
  return (object.constructor as { name?: string } | undefined)?.name ?? "an object";
}
