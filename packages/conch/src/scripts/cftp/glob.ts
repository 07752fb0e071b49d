/** Patterns of file names: `*`, `?` and `[...]`. Matching takes no longer than name times pattern, whoever made the name. */

const ANY = Symbol("*");
type Token = typeof ANY | ((character: string) => boolean);

export function isPattern(name: string): boolean {
  return /[*?]/.test(name);
}

/** @param hidden whether a name with a dot in front matches a pattern that has none there */
export function matcher(pattern: string, { hidden = false } = {}): (name: string) => boolean {
  const tokens = parse(Array.from(pattern));
  const matchesHidden = hidden || pattern.startsWith(".");
  return (name) => (matchesHidden || !name.startsWith(".")) && matches(tokens, Array.from(name));
}

function parse(pattern: readonly string[]): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!;
    const end = character === "[" ? pattern.indexOf("]", at + (pattern[at + 1] === "!" ? 3 : 2)) : -1;
    if (character === "*") tokens.push(ANY);
    else if (character === "?") tokens.push(() => true);
    else if (end < 0) tokens.push((each) => each === character);
    else {
      tokens.push(oneOf(pattern.slice(at + 1, end)));
      at = end;
    }
  }
  return tokens;
}

function oneOf(set: readonly string[]): (character: string) => boolean {
  const isNegated = set[0] === "!";
  const members = isNegated ? set.slice(1) : set;
  return (character) => {
    for (let at = 0; at < members.length; at++) {
      const isRange = members[at + 1] === "-" && at + 2 < members.length;
      const [first, last] = [members[at]!, members[isRange ? at + 2 : at]!];
      if (first <= character && character <= last) return !isNegated;
      if (isRange) at += 2;
    }
    return isNegated;
  };
}

/** Goes back to the last `*` only, which is enough. */
function matches(tokens: readonly Token[], name: readonly string[]): boolean {
  let [token, at] = [0, 0];
  let star: readonly [token: number, at: number] | null = null;
  while (at < name.length) {
    const expected = tokens[token];
    if (expected === ANY) star = [token++, at];
    else if (expected?.(name[at]!) === true) [token, at] = [token + 1, at + 1];
    else if (star === null) return false;
    else {
      star = [star[0], star[1] + 1];
      [token, at] = [star[0] + 1, star[1]];
    }
  }
  return tokens.slice(token).every((each) => each === ANY);
}
