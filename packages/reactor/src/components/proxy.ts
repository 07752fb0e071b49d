/** Classes that stand in for a provider of an interface (twisted.python.components.proxyForInterface). */
import { type InterfaceToken, classImplements, membersOf } from "./interface.js";

/** Where a proxy keeps what it forwards to. */
export interface ProxyOptions {
  /** The attribute's name; default "original". */
  originalAttribute?: string | undefined;
}

/**
 * A class whose instances provide an interface by forwarding reads, writes, deletions and calls of exactly the members
 * it lists, those of its bases included, to the object given to the constructor. Subclasses override what they change.
 *
 * @throws TypeError if neither the token nor a base of it lists members: nothing could be forwarded.
 */
export function proxyForInterface<T extends object>(
  token: InterfaceToken<T>,
  options: ProxyOptions | string = {},
): new (original: T) => T {
  const names = membersOf(token);
  if (names.length === 0) throw new TypeError(`${token.name} lists no members, so a proxy would forward none`);
  const attribute = (typeof options === "string" ? options : options.originalAttribute) ?? "original";
  const originalOf = (proxy: object): object => Reflect.get(proxy, attribute) as object;

  class InterfaceProxy {
    constructor(original: T) {
      Reflect.set(this, attribute, original);
      return new Proxy(this, { deleteProperty });
    }
  }
  for (const name of names) Object.defineProperty(InterfaceProxy.prototype, name, forwarding(name));
  Object.defineProperty(InterfaceProxy, "name", { value: `(Proxy for ${token.name})` });
  classImplements(InterfaceProxy, token);
  return InterfaceProxy as new (original: T) => T;

  /** Reading, writing and calling are inherited accessors; only a deletion never reaches the prototype. */
  function deleteProperty(proxy: object, name: string | symbol): boolean {
    const forwarded = typeof name === "string" && names.includes(name) && !Object.hasOwn(proxy, name);
    return Reflect.deleteProperty(forwarded ? originalOf(proxy) : proxy, name);
  }

  function forwarding(name: string): PropertyDescriptor & ThisType<object> {
    return {
      configurable: true,
      get() {
        const original = originalOf(this);
        const value: unknown = Reflect.get(original, name);
        return typeof value === "function" ? (value.bind(original) as unknown) : value;
      },
      set(value: unknown) {
        Reflect.set(originalOf(this), name, value);
      },
    };
  }
}
