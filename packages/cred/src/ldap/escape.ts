/** User names inside DNs and filters, where some characters have a meaning. */

/**
 * Text as a value in a DN (RFC 4514 section 2.4) or in a filter (RFC 4515 section 3): both take any byte as a backslash
 * and two hex digits, so everything in ASCII but letters and digits goes that way, meaning or not.
 */
export function escapeValue(text: string): string {
  return text.replace(/[\0-\x7f]/g, (character) =>
    /[A-Za-z0-9]/.test(character) ? character : `\\${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
