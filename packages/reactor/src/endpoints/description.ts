/** The grammar of endpoint descriptions: fields with colons between, `name=value` or by place, a backslash quotes. */
import { ValueError } from "../exceptions.js";

/** Arguments by name. */
export type Arguments = ReadonlyMap<string, string>;

export interface Description {
  readonly type: string;
  readonly args: string[];
  readonly kwargs: Arguments;
}

/** @throws ValueError for a backslash at the end, TypeError for a name given twice */
export function parseDescription(description: string): Description {
  const args: string[] = [];
  const kwargs = new Map<string, string>();
  for (const { name, value } of fieldsOf(description)) {
    if (name === null) args.push(value);
    else if (kwargs.has(name)) throw new TypeError(`${name} is given twice`);
    else kwargs.set(name, value);
  }
  return { type: args.shift() ?? "", args, kwargs };
}

/** For putting any text into a description. */
export function quoteStringArgument(argument: string): string {
  return argument.replaceAll("\\", "\\\\").replaceAll(":", "\\:");
}

/** Each argument by its name. @throws TypeError for too many, missing ones of the first `needed`, unknown or repeated names */
export function bind(
  type: string,
  names: readonly string[],
  needed: number,
  args: readonly string[],
  kwargs: Arguments,
): Map<string, string> {
  if (args.length > names.length) throw new TypeError(`${type}: ${args.length} arguments are too many`);
  const given = new Map<string, string>(args.map((value, i) => [names[i]!, value]));
  for (const [name, value] of kwargs) {
    if (!names.includes(name)) throw new TypeError(`${type}: unknown argument ${JSON.stringify(name)}`);
    if (given.has(name)) throw new TypeError(`${type}: ${name} is given twice`);
    given.set(name, value);
  }
  for (const name of names.slice(0, needed)) {
    if (!given.has(name)) throw new TypeError(`${type}: ${name} is missing`);
  }
  return given;
}

/** @throws ValueError */
export function integer(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new ValueError(`${name} is a number, not ${JSON.stringify(text)}`);
  return Number(text);
}

/** Behind the first `=` of a field further ones are data. */
function* fieldsOf(description: string): Generator<{ name: string | null; value: string }> {
  let name: string | null = null;
  let value = "";
  for (let at = 0; at < description.length; at++) {
    const character = description[at]!;
    if (character === "\\") {
      at += 1;
      if (at === description.length) throw new ValueError("a backslash at the end quotes nothing");
      value += description[at]!;
    } else if (character === "=" && name === null) {
      name = value;
      value = "";
    } else if (character === ":") {
      yield { name, value };
      name = null;
      value = "";
    } else {
      value += character;
    }
  }
  yield { name, value };
}
