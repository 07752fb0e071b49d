/** Patterns of names (PATTERNS in ssh_config(5)). */

/** Whether all of `text` fits `pattern`, in any case of A to Z; `*` stands for any characters, `?` for any one. */
export function matchesPattern(text: string, pattern: string): boolean {
  const [name, form] = [text.toLowerCase(), pattern.toLowerCase()];
  // Back to the last `*` at a mismatch: no text makes this slower than the product of the lengths.
  let [at, of, star, mark] = [0, 0, -1, 0];
  while (at < name.length) {
    if (form[of] === "*") [star, mark, of] = [of, at, of + 1];
    else if (of < form.length && (form[of] === "?" || form[of] === name[at])) [at, of] = [at + 1, of + 1];
    else if (star >= 0) [mark, at, of] = [mark + 1, mark + 1, star + 1];
    else return false;
  }
  while (form[of] === "*") of++;
  return of === form.length;
}
