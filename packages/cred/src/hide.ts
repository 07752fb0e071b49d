/**
 * Keeps fields out of what shows an object as a whole, such as `console.log`, `util.inspect` and `JSON.stringify` (L2).
 * They are read and written as before.
 */
export function hide<T extends object>(holder: T, ...names: (keyof T)[]): void {
  for (const name of names) Object.defineProperty(holder, name, { enumerable: false });
}
