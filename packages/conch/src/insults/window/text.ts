/** Text in cells of a screen: nothing of it acts on the terminal, and none takes more columns than there are. */

/** What acts on terminals or has no look of its own: control, format, halves of characters, separators of lines. */
const UNSHOWN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** They change how wide some terminals, and not others, take the character before. */
const VARIATION_SELECTORS = /[\ufe00-\ufe0f]/g;
const COMBINING = /^[\p{Mn}\p{Me}]$/u;
/** Two columns wide (Unicode Standard Annex 11). */
const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation})$/u;
/** Code units of text that are looked at for a column: the marks that combine on one character are not endless. */
const UNITS = 8;

/** Tabs are spaces; what has no look is U+FFFD. */
export function shown(text: string): string {
  return text.replaceAll("\t", " ").replace(VARIATION_SELECTORS, "").replace(UNSHOWN, "\ufffd");
}

/** How many columns shown text takes. */
export function columnsOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let columns = 0;
  for (const ch of text) columns += COMBINING.test(ch) ? 0 : WIDE.test(ch) ? 2 : 1;
  return columns;
}

/** The beginning of the text, in at most so many columns. */
export function cut(text: string, columns: number): string {
  let kept = "";
  let left = columns;
  for (const ch of shown(text.slice(0, columns * UNITS))) {
    left -= columnsOf(ch);
    if (left < 0) break;
    kept += ch;
  }
  return kept;
}

/** The beginning of the text and spaces, or what else fills, in exactly so many columns. */
export function fitted(text: string, columns: number, fill = " "): string {
  const kept = cut(text, columns);
  return kept + fill.repeat(columns - columnsOf(kept));
}

/** The lines of text, not more than `height`. */
export function linesOf(text: string, height: number): string[] {
  return text.split(/\r\n|[\r\n]/, height);
}

/** Words in rows of so many columns, not more than `height`; a word that is longer goes on over rows of its own. */
export function wrapped(text: string, columns: number, height: number): string[] {
  const rows: string[] = [];
  for (const line of linesOf(text.slice(0, (columns + 1) * height * UNITS), height)) {
    let row = "";
    for (let word of shown(line).split(/\s+/)) {
      if (row !== "" && columnsOf(row) + 1 + columnsOf(word) <= columns) {
        row += ` ${word}`;
        continue;
      }
      if (row !== "") rows.push(row);
      for (let piece = cut(word, columns); piece.length < word.length; piece = cut(word, columns)) {
        if (rows.length >= height) return rows;
        piece ||= String.fromCodePoint(word.codePointAt(0)!); // wider than the row, which then stays empty
        rows.push(piece);
        word = word.slice(piece.length);
      }
      row = word;
      if (rows.length >= height) return rows;
    }
    rows.push(row);
  }
  return rows.slice(0, height);
}
