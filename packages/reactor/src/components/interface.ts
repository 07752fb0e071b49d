/**
 * Interfaces as values (what zope.interface is to Twisted): tokens, and which objects provide them.
 *
 * A token is at once the run-time name of a TypeScript interface, an injection token of tsyringe, and the right side of
 * `instanceof`.
 */

/** A class, concrete or abstract. */
export type Class<T = object> = abstract new (...args: never[]) => T;

/** What an adapter or a declaration may be about: an interface or a class. */
export type Specification<T = unknown> = InterfaceToken<T> | Class<T>;

/**
 * The run-time value of the interface `T`. It has the type of a constructor, which makes it an injection token of
 * tsyringe; constructing it throws a TypeError.
 */
export interface InterfaceToken<T = unknown> {
  new (): T;
  /** The interface's name, for messages and logs. */
  readonly name: string;
  /** The interfaces it extends. */
  readonly bases: readonly InterfaceToken[];
  /** The members it lists itself; an empty list means that objects must declare the interface to provide it. */
  readonly members: readonly string[];
  /** Whether `object` provides the interface: declared by it or its class, or by having every listed member. */
  providedBy(object: unknown): object is T;
  /** Whether instances of `type` provide the interface by declaration, or by the methods of their class. */
  implementedBy(type: Class): boolean;
  [Symbol.hasInstance](object: unknown): object is T;
}

/** What every object and every function has is never a sign of an interface. */
const ROOTS: ReadonlySet<object> = new Set([Object.prototype, Function.prototype]);

const tokens = new WeakSet<object>();

/** What an object declares for itself and for all that inherit from it: a class declares on its prototype. */
const declarations = new WeakMap<object, readonly InterfaceToken[]>();

/**
 * Makes the token of an interface.
 *
 * ```ts
 * export interface IGreeter { greet(name: string): string }
 * export const IGreeter = interfaceToken<IGreeter>("IGreeter", [], ["greet"]);
 * ```
 *
 * @param bases the interfaces that it extends: who provides it provides them.
 * @param members its own members by name. With them an object that has them all, and provides the bases, provides the
 *   interface without any declaration. Leave them out where presence changes behaviour and must be declared.
 */
export function interfaceToken<T = unknown>(
  name: string,
  bases: readonly InterfaceToken[] = [],
  members: readonly (keyof T & string)[] = [],
): InterfaceToken<T> {
  class Interface {
    static readonly bases = [...bases];
    static readonly members = [...members];

    constructor() {
      throw new TypeError(`${name} is an interface: nothing is registered for it, and it cannot be constructed`);
    }

    static providedBy(object: unknown): object is T {
      return providedBy(token, object);
    }

    static implementedBy(type: Class): boolean {
      return implementedBy(token, type);
    }

    static [Symbol.hasInstance](object: unknown): object is T {
      return providedBy(token, object);
    }
  }
  Object.defineProperty(Interface, "name", { value: name });
  const token = Interface as unknown as InterfaceToken<T>;
  tokens.add(token);
  return token;
}

/** Whether `value` was made by `interfaceToken`. */
export function isInterfaceToken(value: unknown): value is InterfaceToken {
  return isObject(value) && tokens.has(value);
}

/**
 * Declares that instances of a class provide the interfaces: a class decorator, or a function to call with the class.
 *
 * ```ts
 * @implementer(IGreeter)
 * class Greeter {}
 * const Same = implementer(IGreeter)(class {});
 * ```
 */
export function implementer(...interfaces: InterfaceToken[]): <C extends Class>(type: C, context?: unknown) => C {
  return (type) => {
    classImplements(type, ...interfaces);
    return type;
  };
}

/** Adds to the interfaces that instances of `type`, and of its subclasses, provide. */
export function classImplements(type: Class, ...interfaces: InterfaceToken[]): void {
  declare(prototypeOf(type), interfaces, declarations.get(prototypeOf(type)));
}

/** Sets what this one object provides beyond what its class declares; a second call replaces the first. */
export function directlyProvides(object: object, ...interfaces: InterfaceToken[]): void {
  declare(object, interfaces);
}

/** Whether `object` provides the interface: declared by it or its class, or by having every member the token lists. */
export function providedBy<T>(token: InterfaceToken<T>, object: unknown): object is T {
  if (!isObject(object)) return false;
  for (let link: object | null = object; link !== null; link = prototypeAbove(link)) {
    if (declarations.get(link)?.some((declared) => extendsOrIs(declared, token)) === true) return true;
  }
  return fits(token, object);
}

/** Whether instances of `type` provide the interface, as far as its declarations and its prototype tell. */
export function implementedBy(token: InterfaceToken, type: Class): boolean {
  return providedBy(token, prototypeOf(type));
}

/** The interfaces that an object and its classes declare, the object's own first, without the bases of each. */
export function declaredInterfaces(object: unknown): InterfaceToken[] {
  return [...new Set(chain(object).flatMap((link) => declarations.get(link) ?? []))];
}

/** Whether `token` is `base` or inherits from it. */
export function extendsOrIs(token: InterfaceToken, base: InterfaceToken): boolean {
  return token === base || token.bases.some((parent) => extendsOrIs(parent, base));
}

/** The members that an interface and its bases list, each once. */
export function membersOf(token: InterfaceToken): string[] {
  return [...new Set([...token.bases.flatMap(membersOf), ...token.members])];
}

/**
 * What an object is, most specific first: its own interfaces, then each class from its own upwards (as the class's
 * prototype) followed by the interfaces it declares. A base comes after all that extend it.
 */
export function resolutionOrder(object: unknown): object[] {
  const order = chain(object).flatMap((link) => [link, ...withBases(declarations.get(link) ?? [])]);
  return keepLast(order);
}

/** Interfaces and all their bases, a base after all that extend it. */
export function withBases(interfaces: readonly InterfaceToken[]): InterfaceToken[] {
  return keepLast(interfaces.flatMap((token) => [token, ...withBases(token.bases)]));
}

/** The object under which a class or an interface stands in a resolution order. */
export function keyOf(specification: Specification): object {
  return isInterfaceToken(specification) ? specification : prototypeOf(specification as Class);
}

/** The object and what it inherits from, in order; a primitive counts as its wrapper; nothing for null and undefined. */
function chain(object: unknown): object[] {
  const links: object[] = [];
  if (object === null || object === undefined) return links;
  for (let link: object | null = Object(object) as object; link !== null; link = prototypeAbove(link)) links.push(link);
  return links;
}

/** Structural providing: every listed member is there, whatever its value, and every base is provided. */
function fits(token: InterfaceToken, object: object): boolean {
  if (token.members.length === 0) return false;
  const links = chain(object).filter((link) => !ROOTS.has(link));
  return (
    token.members.every((member) => links.some((link) => Object.hasOwn(link, member))) &&
    token.bases.every((base) => providedBy(base, object))
  );
}

function declare(key: object, interfaces: readonly InterfaceToken[], already: readonly InterfaceToken[] = []): void {
  for (const token of interfaces) {
    if (!isInterfaceToken(token)) throw new TypeError(`${String(token)} is not an interface`);
  }
  declarations.set(key, [...new Set([...already, ...interfaces])]);
}

function prototypeOf(type: Class): object {
  return type.prototype as object;
}

function prototypeAbove(object: object): object | null {
  return Object.getPrototypeOf(object) as object | null;
}

function keepLast<T>(items: readonly T[]): T[] {
  return [...new Set(items.toReversed())].reverse();
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
