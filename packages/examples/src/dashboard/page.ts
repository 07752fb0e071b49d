/** The page: made whole by the server, without scripts, so that there is nothing that a peer's text could run in. */
import { createHash } from "node:crypto";

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); gap: .75rem; }
dl div { border: 1px solid #8884; border-radius: .5rem; padding: .5rem .75rem; }
dt { font-size: .8rem; opacity: .7; } dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .25rem .75rem .25rem 0; }
th { font-size: .8rem; opacity: .7; font-weight: normal; } tr + tr td { border-top: 1px solid #8883; }
td { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
`;

/** What browsers may do with the page: show it, and its own style; nothing else, and nowhere else. */
export const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export type Row = readonly string[];

export interface Table {
  readonly title: string;
  readonly columns: Row;
  readonly rows: readonly Row[];
}

/** Every text may be a peer's. */
export function page(
  title: string,
  figures: readonly (readonly [name: string, value: string])[],
  tables: readonly Table[],
) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="2">
<meta name="viewport" content="width=device-width">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escape(title)}</h1>
<dl>
${figures.map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`).join("\n")}
</dl>
${tables.map(table).join("\n")}
</body>
</html>
`;
}

function table({ title, columns, rows }: Table): string {
  const row = (cells: Row, tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join("")}</tr>`;
  const body = rows.map((cells) => row(cells, "td")).join("\n");
  return `<h2>${escape(title)}</h2>\n<table>\n${row(columns, "th")}\n${body}\n</table>`;
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
]);

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES.get(character)!);
}
