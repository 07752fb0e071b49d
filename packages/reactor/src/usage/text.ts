/** What `--help` prints. */
import type { Entry } from "./declared.js";

export interface UsageFrame {
  readonly synopsis: string | null;
  readonly longdesc: string | null;
  /** Characters of a line. */
  readonly width: number;
}

/** The options by letter, or else by name, with what they do beside them, wrapped. */
export function usageText(entries: readonly Entry[], { synopsis, longdesc, width }: UsageFrame): string {
  const rows = [...entries]
    .sort((a, b) => (key(a) < key(b) ? -1 : 1))
    .map((each) => [optionText(each), each.doc] as const);
  const column = Math.max(0, ...rows.map(([option]) => option.length)) + 2;
  const lines = rows.flatMap(([option, doc]) =>
    wrap(doc, Math.max(20, width - column)).map((line, at) =>
      ((at === 0 ? option : "").padEnd(column) + line).trimEnd(),
    ),
  );
  const head = synopsis ?? `Usage: ${process.argv[1]?.split(/[\\/]/).at(-1) ?? ""} [options]`;
  const tail = longdesc === null ? [] : ["", ...wrap(longdesc, width)];
  return [head, "Options:", ...lines, ...tail, ""].join("\n");
}

function key({ short, long }: Entry): string {
  return short ?? long;
}

function optionText({ short, long, takesValue }: Entry): string {
  return `  ${short === null ? "   " : `-${short},`} --${long}${takesValue ? "=" : ""}`;
}

function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1)!;
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
