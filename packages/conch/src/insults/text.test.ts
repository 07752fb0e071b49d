import { globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { describe, expect, test } from "vitest";
import { CharacterAttribute } from "./helper.js";
import { assembleFormattedText, attributes as A, flatten, type FormattedText, neg } from "./text.js";

/** What is assembled, what comes of it. */
const texts: readonly (readonly [FormattedText, string])[] = [
  ["plain", "plain"],
  [A.normal("Hello, world."), "Hello, world."],
  [A.bold("Hello, world."), "\x1b[1mHello, world."],
  [A.underline("Hello, world."), "\x1b[4mHello, world."],
  [A.blink("Hello, world."), "\x1b[5mHello, world."],
  [A.reverseVideo("Hello, world."), "\x1b[7mHello, world."],
  [A.bold(A.blink("Hello", neg(A.bold(" world")), ".")), "\x1b[1;5mHello\x1b[0;5m world\x1b[1;5m."],
  [A.normal(A.fg.red("Hello, "), A.fg.green("world!")), "\x1b[31mHello, \x1b[32mworld!"],
  [A.normal(A.bg.red("Hello, "), A.bg.green("world!")), "\x1b[41mHello, \x1b[42mworld!"],
  [A.fg.red(A.bg.green("x"), "y"), "\x1b[31;42mx\x1b[0;31my"],
  [A.bold("a", A.normal("b"), "c"), "\x1b[1ma\x1b[0mb\x1b[1mc"],
  [A.fg.black("b"), "\x1b[30mb"],
  [A.bold(["a", [A.fg.blue("b")]]), "\x1b[1ma\x1b[1;34mb"],
];

describe("formatted text", () => {
  for (const [text, expected] of texts) {
    test(JSON.stringify(expected), () => expect(assembleFormattedText(text)).toBe(expected));
  }

  test("can end plain", () => {
    expect(assembleFormattedText(A.bold("x"), { reset: true })).toBe("\x1b[1mx\x1b[0m");
  });

  test("each attribute is a node of its own, to which children are added", () => {
    expect(A.bold).not.toBe(A.bold);
    const node = A.fg.red("a");
    expect(node("b")).toBe(node);
    expect(assembleFormattedText(node)).toBe("\x1b[31ma\x1b[31mb");
  });

  test("other children, and the opposite of a colour, are errors", () => {
    for (const child of [1, null, {}, () => {}, [["x", 1]]]) {
      expect(() => A.bold(child as never)).toThrow("strings and nodes");
    }
    expect(() => assembleFormattedText(1 as never)).toThrow("strings and nodes");
    for (const node of [A.fg.red("x"), A.normal("x")]) expect(() => neg(node)).toThrow(TypeError);
  });

  test("flatten goes on from attributes of one's own, and is told once to be deprecated", () => {
    const told: unknown[] = [];
    const observer = (event: LogEvent) => void told.push(event.log_format);
    globalLogPublisher.addObserver(observer);
    for (let i = 0; i < 2; i++) {
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- Twisted's programs may call it
      expect(flatten(A.bold("x"), new CharacterAttribute({ blink: true }))).toBe("\x1b[1;5mx");
    }
    globalLogPublisher.removeObserver(observer);
    expect(told).toEqual(["flatten is deprecated: use assembleFormattedText"]);
  });
});
