/** Classes and functions, where either will do. */

/** Only a class has a `prototype` that cannot be replaced. */
export function isClass<C extends abstract new (...args: never[]) => unknown>(
  entry: C | ((...args: never[]) => unknown),
): entry is C {
  return Object.getOwnPropertyDescriptor(entry, "prototype")?.writable === false;
}

/** A class, or a function that makes what the class would. */
export type Source<T, A extends unknown[] = unknown[]> = (new (...args: A) => T) | ((...args: A) => T);

export function made<T, A extends unknown[]>(source: Source<T, A>, ...args: A): T {
  return isClass(source) ? new source(...args) : source(...args);
}

/** What mixins extend. */
export type Constructor<T = object> = abstract new (...args: any[]) => T; // eslint-disable-line @typescript-eslint/no-explicit-any -- TypeScript asks it of mixins
