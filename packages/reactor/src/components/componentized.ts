/** Objects made of parts (twisted.python.components): adapters, and what caches them per object. */
import { inspect } from "node:util";
import { KeyError } from "../exceptions.js";
import { type Class, type InterfaceToken, declaredInterfaces } from "./interface.js";
import { askHooks, conform, getAdapterFactory } from "./registry.js";

/** Base class of adapters that keep what they adapt. */
export class Adapter<T = unknown> {
  /** True keeps a `Componentized` from caching this adapter. */
  temporaryAdapter = false;
  /** True caches this adapter for every interface that its class is the registered factory of. */
  multiComponent = true;

  constructor(readonly original: T) {}

  /** Asks the original, so that adapting an adapter leads to the object behind it. */
  __conform__(token: InterfaceToken): unknown {
    return conform(token, this.original);
  }
}

/** An object whose adapters are made once: adapting it to the same interface twice gives the same adapter. */
export class Componentized {
  readonly #components = new Map<InterfaceToken, unknown>();

  /** The cached component for an interface, else a new adapter, cached unless it is temporary, else `fallback`. */
  getComponent<T, D = null>(token: InterfaceToken<T>, fallback: D = null as D): T | D {
    if (this.#components.has(token)) return this.#components.get(token) as T;
    const adapter = askHooks(token, this);
    if (adapter === null) return fallback;
    const { temporaryAdapter, multiComponent } = adapter as Partial<Adapter>;
    if (temporaryAdapter !== true) {
      this.setComponent(token, adapter);
      if (multiComponent === true) this.addComponent(adapter);
    }
    return adapter as T;
  }

  setComponent(token: InterfaceToken, component: unknown): void {
    this.#components.set(token, component);
  }

  /** @throws KeyError if there is no component for the interface. */
  unsetComponent(token: InterfaceToken): void {
    if (!this.#components.delete(token)) throw new KeyError(token.name);
  }

  /** Makes this object's component for an interface out of an adapter class. */
  setAdapter(token: InterfaceToken, adapterClass: new (original: this) => unknown): void {
    this.setComponent(token, new adapterClass(this));
  }

  /** Makes an adapter and adds it as `addComponent` does. */
  addAdapter<A>(adapterClass: new (original: this) => A, ignoreClass = false): A {
    const adapter = new adapterClass(this);
    this.addComponent(adapter, ignoreClass);
    return adapter;
  }

  /**
   * Sets a component for every interface it declares whose registered factory is its class; with `ignoreClass` for
   * every interface it declares.
   */
  addComponent(component: unknown, ignoreClass = false): void {
    for (const token of declaredInterfaces(component)) {
      if (ignoreClass || this.#factoryFor(token) === (component as object).constructor) {
        this.setComponent(token, component);
      }
    }
  }

  /** Forgets a component and returns the interfaces it stood for. */
  removeComponent(component: unknown): InterfaceToken[] {
    const removed = [...this.#components].filter(([, held]) => held === component).map(([token]) => token);
    for (const token of removed) this.#components.delete(token);
    return removed;
  }

  __conform__(token: InterfaceToken): unknown {
    return this.getComponent(token);
  }

  /** For subclasses that print themselves: interface names and components. */
  protected components(): ReadonlyMap<string, unknown> {
    return new Map([...this.#components].map(([token, component]) => [token.name, component]));
  }

  #factoryFor(token: InterfaceToken): unknown {
    return getAdapterFactory(this.constructor as unknown as Class, token);
  }
}

/** A `Componentized` that prints its components. */
export class ReprableComponentized extends Componentized {
  override toString(): string {
    return `${this.constructor.name} ${inspect(this.components())}`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}
