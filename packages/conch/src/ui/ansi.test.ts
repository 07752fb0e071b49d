import { expect, test } from "vitest";
import { AnsiParser, ColorText } from "./ansi.js";

class Recorder extends AnsiParser {
  readonly seen: string[] = [];

  override writeString({ text, fg, bg, display, bold, underline, flash, reverse }: ColorText): void {
    const flags = [
      [bold, "bold"],
      [underline, "underline"],
      [flash, "flash"],
      [reverse, "reverse"],
      [!display, "hidden"],
    ];
    this.seen.push([`${fg}${bg}`, ...flags.flatMap(([is, name]) => (is ? [name] : [])), text].join(" "));
  }
  override parseCursor(cursor: string): void {
    this.seen.push(`cursor ${cursor}`);
  }
  override parseErase(erase: string): void {
    this.seen.push(`erase ${erase}`);
  }
}

function parsed(...chunks: string[]): string[] {
  const parser = new Recorder(ColorText.WHITE, ColorText.BLACK);
  for (const chunk of chunks) parser.parseString(chunk);
  return parser.seen;
}

// what is parsed, what is told
for (const [text, expected] of [
  ["text", ["wb text"]],
  ["", ["wb "]],
  ["a\x1b[31mb\x1b[mc", ["wb a", "rb b", "wb c"]],
  ["\x1b[1;4;5;31;42mx", ["wb ", "Rg bold underline flash x"]],
  ["\x1b[7;31mx", ["wb ", "br reverse x"]],
  ["\x1b[1;4;5;7;8mx\x1b[22;24;25;27;28my", ["wb ", "bW bold underline flash reverse hidden x", "wb y"]],
  ["\x1b[31;42mx\x1b[39my\x1b[49mz", ["wb ", "rg x", "wg y", "wb z"]],
  ["\x1b[1;31mx\x1b[;34my", ["wb ", "Rb bold x", "lb y"]],
  ["\x1b[31mx\x1b[1;?1my", ["wb ", "rb x", "wb y"]],
  ["\x1b[31;99mx", ["wb ", "rb x"]],
  [
    "a\x1b[2;3Hb\x1b[sc\x1b[2Jd\x1b[3Pe",
    ["wb a", "cursor 2;3H", "wb b", "cursor s", "wb c", "erase 2J", "wb d", "erase 3P", "wb e"],
  ],
  ["a\x1b[?25hb\x1b[0pc\x1b[5zd\x1b[5@e", ["wb a", "wb b", "wb c", "wb d", "wb e"]],
  ["a\x1b7b\x1b\x1bc", ["wb a", "wb b", "wb ", "wb "]],
  ["a\x1b[3\x1b[31mb", ["wb a", "wb ", "rb b"]],
  ["a\x1b[3éb", ["wb a", "wb éb"]],
] as const) {
  test(`${JSON.stringify(text)} is ${expected.join(", ")}`, () => {
    expect(parsed(text)).toEqual(expected);
  });
}

test("a sequence may be cut anywhere", () => {
  const text = "a\x1b[31mb\x1b[2;3Hc";
  for (let at = 0; at <= text.length; at++) {
    const told = parsed(text.slice(0, at), text.slice(at)).filter((each) => !each.endsWith(" "));
    expect(told).toEqual(["wb a", "rb b", "cursor 2;3H", "rb c"]);
  }
  expect(parsed("\x1b[3", "1", "m", "x").at(-1)).toBe("rb x");
});

test("a sequence that has no end is not kept", () => {
  const parser = new Recorder();
  parser.parseString("\x1b[");
  for (let i = 0; i < 1000; i++) parser.parseString("1111111111");
  expect(parser.prepend.length).toBeLessThan(300);
});

test("text without its sequences", () => {
  const strip = (text: string): string => new AnsiParser().stripEscapes(text);
  expect(strip("a\x1b[31mb\x1b[2;3Hc\x1b[Kd")).toBe("abcd");
  expect(strip("a\x1b[5zbmc")).toBe("ac");
  expect(strip("a\x1b[31")).toBe("a");
  expect(strip(`${"\x1b".repeat(20_000)}ma`)).toBe("a");
});

test("colours have names and letters", () => {
  expect(ColorText.COLOR_NAMES[ColorText.MAGENTA]).toBe("Magenta");
  expect(ColorText.COLORS.join("").toUpperCase()).toBe(ColorText.BOLD_COLORS.join(""));
  const parser = new AnsiParser();
  parser.bold = true;
  expect([parser.pickColor(ColorText.BLUE, 0), parser.pickColor(ColorText.BLUE, 1)]).toEqual(["L", "l"]);
});
