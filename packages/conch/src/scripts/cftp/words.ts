/** The words of a command's line: names of files, with and without quotes. */
import { ValueError } from "@strombus/reactor/exceptions";

/** What a quoted name may have behind a backslash. */
const ESCAPABLE = /["'\\]/;

/** The first name of a line and what follows it. @throws ValueError for quotes that do not end, and unknown escapes */
export function firstName(line: string): [name: string, rest: string] {
  const text = line.trim();
  const quote = text[0];
  if (quote !== '"' && quote !== "'") {
    const [, name = "", rest = ""] = /^(\S*)\s*([^]*)$/.exec(text)!;
    return [name, rest];
  }
  let name = "";
  for (let at = 1; at < text.length; at++) {
    const character = text[at]!;
    if (character === quote) return [name, text.slice(at + 1).trimStart()];
    if (character !== "\\") {
      name += character;
      continue;
    }
    const escaped = text[++at] ?? "";
    if (!ESCAPABLE.test(escaped)) throw new ValueError(`\\${escaped} is no escape of a quoted name`);
    name += escaped;
  }
  throw new ValueError("a quoted name has no end");
}

/** So many names, none of them empty. @throws ValueError with the usage when there are fewer; more are ignored */
export function names(line: string, count: number, usage: string): string[] {
  const found: string[] = [];
  let rest = line;
  while (found.length < count) {
    const [name, left] = firstName(rest);
    if (name === "") throw new ValueError(`usage: ${usage}`);
    found.push(name);
    rest = left;
  }
  return found;
}
