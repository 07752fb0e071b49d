/** What the classes of an Options object declare: rows of flags and parameters, and methods `opt_...`. */
import { ValueError } from "../exceptions.js";

/** Long name, letter, and what it does. */
export type FlagRow = readonly [long: string, short?: string | null, doc?: string];
/** Long name, letter, default, what it is, and what its text is turned into. */
export type ParameterRow = readonly [
  long: string,
  short?: string | null,
  value?: unknown,
  doc?: string,
  coerce?: (text: string) => unknown,
];

/** Long name of an option that is a method, and what it does. */
export type DocRow = readonly [long: string, doc: string];

export interface Argument {
  readonly takesValue: boolean;
  set(value: string): void;
}

/** One option, for the usage. */
export interface Entry {
  readonly long: string;
  readonly short: string | null;
  readonly takesValue: boolean;
  readonly doc: string;
}

export interface Declared {
  readonly long: ReadonlyMap<string, Argument>;
  readonly short: ReadonlyMap<string, Argument>;
  readonly defaults: ReadonlyMap<string, unknown>;
  readonly entries: readonly Entry[];
}

/** Reads the declarations of `options`, an Options object, from the base class down. */
export function declaredOptions(options: Map<string, unknown>): Declared {
  const long = new Map<string, Argument>();
  const short = new Map<string, Argument>();
  const defaults = new Map<string, unknown>();
  const entries = new Map<string, Entry>();
  const add = (entry: Entry, argument: Argument): void => {
    // A later declaration keeps the letter of one before it.
    const letter = entry.short ?? entries.get(entry.long)?.short ?? null;
    entries.set(entry.long, { ...entry, short: letter });
    long.set(entry.long, argument);
    if (letter !== null) short.set(letter, argument);
  };
  for (const [name, letter = null, doc = ""] of rows<FlagRow>(options, "optFlags")) {
    defaults.set(name, 0);
    const set = (): void => void options.set(name, 1);
    add({ long: name, short: letter, takesValue: false, doc }, { takesValue: false, set });
  }
  for (const [name, letter = null, value = null, doc = "", coerce] of rows<ParameterRow>(options, "optParameters")) {
    defaults.set(name, value);
    const set = (text: string): void =>
      void options.set(name, coerce === undefined ? text : coerced(name, text, coerce));
    const shown =
      value === null ? doc : `${doc} [default: ${typeof value === "string" ? value : JSON.stringify(value)}]`;
    add({ long: name, short: letter, takesValue: true, doc: shown }, { takesValue: true, set });
  }
  const docs = new Map(rows<DocRow>(options, "optDocs"));
  for (const [name, method] of methods(options)) {
    const takesValue = method.length > 0;
    const set = (value: string): void => {
      method.call(options, ...(takesValue ? [value] : []));
    };
    const option = name.replaceAll("_", "-");
    const doc = entries.get(option)?.doc ?? docs.get(option) ?? "";
    if (option.length === 1) short.set(option, { takesValue, set });
    else add({ long: option, short: null, takesValue, doc }, { takesValue, set });
  }
  return { long, short, defaults, entries: [...entries.values()] };
}

/** The rows of all classes, the base's first; of one name the last counts. */
function rows<Row extends readonly [string, ...unknown[]]>(options: object, list: string): Iterable<Row> {
  const found = new Map<string, Row>();
  for (const each of classes(options)) {
    const own: unknown = Object.hasOwn(each, list) ? (each as unknown as Record<string, unknown>)[list] : [];
    for (const row of own as readonly Row[]) found.set(row[0], row);
  }
  return found.values();
}

type Method = (...values: string[]) => unknown;

function methods(options: object): Map<string, Method> {
  const found = new Map<string, Method>();
  for (const { prototype } of classes(options)) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      if (!name.startsWith("opt_")) continue;
      found.set(name.slice("opt_".length), (prototype as Record<string, Method>)[name]!);
    }
  }
  return found;
}

function classes(options: object): { prototype: object }[] {
  const found: { prototype: object }[] = [];
  for (let at = Object.getPrototypeOf(options) as object | null; at !== null;) {
    const { constructor } = at as { constructor: unknown };
    if (constructor === Map || constructor === Object) break;
    found.unshift(constructor as { prototype: object });
    at = Object.getPrototypeOf(at) as object | null;
  }
  return found;
}

function coerced(name: string, text: string, coerce: (text: string) => unknown): unknown {
  const value = coerce(text);
  if (typeof value === "number" && Number.isNaN(value))
    throw new ValueError(`${JSON.stringify(text)} is no number: --${name}`);
  return value;
}
