/** Text that a peer may have written, made harmless to look at. */

const MAX_CHARACTERS = 1024;

// C0 and C1 controls with DEL; line and paragraph separators; marks that change the direction of text; lone surrogates.

const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

const SHORT: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** One line without control or direction characters, cut to `limit` characters (default 1,024). */
export function escapeText(text: string, limit = MAX_CHARACTERS): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}... (${text.length - limit} more)` : text;
  return cut.replace(UNSAFE, escaped);
}

/** The same for a text of many lines, which keeps its newlines and tabs, and its length. */
export function escapeLines(text: string): string {
  return text.replace(UNSAFE, (character) =>
    character === "\n" || character === "\t" ? character : escaped(character),
  );
}

/** JSON text with what JSON itself does not escape written as \uXXXX: it means the same. */
export function escapeJSON(json: string): string {
  return json.replace(UNSAFE, unicodeEscape);
}

function escaped(character: string): string {
  const short = SHORT.get(character);
  if (short !== undefined) return short;
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : unicodeEscape(character);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
