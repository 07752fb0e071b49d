import { globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { Clock, failureResultOf, StringTransport, successResultOf } from "@strombus/reactor/testing";
import { beforeEach, describe, expect, test } from "vitest";
import {
  BLACK,
  CharacterAttribute,
  ExpectableBuffer,
  ExpectationTimeout,
  GREEN,
  RED,
  TerminalBuffer,
  WHITE,
} from "./helper.js";
import { BLINK, BOLD, ClientProtocol, modes, NORMAL, REVERSE_VIDEO, UNDERLINE } from "./insults.js";

let term: TerminalBuffer;
beforeEach(() => {
  term = new TerminalBuffer();
  void term.makeConnection(new StringTransport());
});

const screen = (...rows: string[]) => [...rows, ...Array<string>(24 - rows.length).fill("")].join("\n");
const at = () => [term.x, term.y];
const look = (x: number, y: number) => term.getCharacter(x, y)![1];

describe("a new screen", () => {
  test("is 80 by 24, blank, and wraps", () => {
    expect([term.width, term.height, at()]).toEqual([80, 24, [0, 0]]);
    expect(term.toString()).toBe("\n".repeat(23));
    expect(term.toBytes()).toEqual(Buffer.from("\n".repeat(23)));
    expect([...term.privateModes].sort()).toEqual([25, 7]);
    expect([...term.modes]).toEqual([]);
    expect(term.getCharacter(0, 0)![0]).toBe(term.void);
    expect(term.getCharacter(80, 24)).toBeUndefined();
  });
});

describe("writing", () => {
  test("CR keeps the row, LF the column, and a written LF goes to column 0", () => {
    term.cursorForward(5);
    term.cursorDown(3);
    term.insertAtCursor("\r");
    expect(at()).toEqual([0, 3]);
    term.cursorForward(5);
    term.insertAtCursor("\n");
    expect(at()).toEqual([5, 4]);
    term.write("\n");
    expect(at()).toEqual([0, 5]);
  });

  test("overtypes or inserts", () => {
    for (const [mode, expected] of [
      [false, "hello, earth."],
      [true, "hello, earth.world."],
    ] as const) {
      term.reset();
      term.write("hello, world.");
      term.cursorBackward(6);
      if (mode) term.setModes([modes.IRM]);
      term.write("earth.");
      expect(term.toString()).toBe(screen(expected));
      term.resetModes([modes.IRM]);
    }
    expect(term.lines[0]).toHaveLength(80);
  });

  test("pads with the fill, wraps late, and takes UTF-8 in pieces", () => {
    term.cursorPosition(5, 5);
    term.write(Buffer.from("é").subarray(0, 1));
    term.write(Buffer.from("é").subarray(1));
    term.fill = ".";
    expect(term.toString().split("\n")[5]).toBe(".....é");
    term.reset();
    term.cursorPosition(75, 0);
    term.write("Hello");
    expect(at()).toEqual([80, 0]);
    term.write(", world\x07\x00\x85");
    expect(term.toString()).toBe(screen(`${".".repeat(75)}Hello`, ", world"));
  });

  test("scrolls", () => {
    for (let i = 0; i < 100; i++) term.write(`line ${i}\n`);
    expect(term.toString().split("\n").slice(0, 2)).toEqual(["line 77", "line 78"]);
    expect([at(), term.lines.length]).toEqual([[0, 23], 24]);
    term.cursorHome();
    term.reverseIndex();
    expect(term.toString().split("\n").slice(0, 2)).toEqual(["", "line 77"]);
    expect([at(), term.lines.length]).toEqual([[0, 0], 24]);
  });

  test("scrolls within a region", () => {
    term.write("1\n2\n3\n4");
    term.setScrollRegion(2, 3);
    term.cursorPosition(0, 2);
    term.index();
    expect(term.toString()).toBe(screen("1", "3", "", "4"));
    term.cursorPosition(0, 1);
    term.reverseIndex();
    expect(term.toString()).toBe(screen("1", "", "3", "4"));
    term.setScrollRegion(99, 3);
    expect(term.lines).toHaveLength(24);
  });
});

describe("the cursor", () => {
  test("stays on the screen, but for one column", () => {
    term.cursorDown(4);
    term.cursorDown(24);
    term.cursorForward(80);
    expect(at()).toEqual([80, 23]);
    term.cursorUp(99);
    term.cursorBackward(99);
    expect(at()).toEqual([0, 0]);
    term.cursorPosition(1e300, Infinity);
    expect(at()).toEqual([79, 23]);
    term.index();
    expect(term.y).toBe(23);
    term.cursorPosition(5, 1);
    term.nextLine();
    expect(term.reportCursorPosition()).toEqual([0, 2]);
  });

  test("is saved once, and is home without", () => {
    term.cursorPosition(3, 4);
    term.saveCursor();
    term.cursorHome();
    term.restoreCursor();
    expect(at()).toEqual([3, 4]);
    term.restoreCursor();
    expect(at()).toEqual([0, 0]);
  });
});

describe("attributes", () => {
  test("a single shift lasts for one character, shifting out until shifting in", () => {
    for (const [shift, slot] of [
      ["singleShift2", "G2"],
      ["singleShift3", "G3"],
    ] as const) {
      term.reset();
      term[shift]();
      term.write("Hi");
      expect([0, 1].map((x) => look(x, 0).charset)).toEqual([slot, "G0"]);
    }
    term.reset();
    term.shiftOut();
    term.write("a");
    term.shiftIn();
    term.write("b");
    expect([0, 1].map((x) => look(x, 0).charset)).toEqual(["G1", "G0"]);
  });

  test("accumulate, are taken back together or each, as numbers or text", () => {
    term.selectGraphicRendition(BOLD, UNDERLINE, BLINK, REVERSE_VIDEO);
    term.write("W");
    term.selectGraphicRendition(NORMAL);
    term.write("X");
    term.selectGraphicRendition(BLINK);
    term.write("Y");
    term.selectGraphicRendition("1");
    term.write("Z");
    term.selectGraphicRendition(22, 25);
    term.write("0");
    const on = { bold: true, underline: true, blink: true, reverseVideo: true };
    for (const [x, expected] of [on, {}, { blink: true }, { blink: true, bold: true }, {}].entries()) {
      expect(look(x, 0).equals(new CharacterAttribute(expected))).toBe(true);
    }
  });

  test("colours, of a palette passed over, and back", () => {
    term.selectGraphicRendition(30 + RED, 40 + GREEN);
    term.write("W");
    term.selectGraphicRendition(38, 5, 1, 48, 2, 4, 4, 4, 91, 39);
    term.write("X");
    term.selectGraphicRendition(NORMAL, 8, "?", 38);
    term.write("Y");
    const colors = [0, 1, 2].map((x) => [look(x, 0).foreground, look(x, 0).background]);
    expect(colors).toEqual([
      [RED, GREEN],
      [WHITE, GREEN],
      [WHITE, BLACK],
    ]);
    expect(look(2, 0).equals(new CharacterAttribute())).toBe(true);
  });

  test("are equal by their fields", () => {
    expect(new CharacterAttribute().equals(new CharacterAttribute())).toBe(true);
    expect(new CharacterAttribute().equals({})).toBe(false);
    for (const other of [
      { charset: "G1" },
      { bold: true },
      { underline: true },
      { blink: true },
      { reverseVideo: true },
      { foreground: RED },
      { background: RED },
      { _subtracting: true },
    ] as const) {
      expect(new CharacterAttribute(other).equals(new CharacterAttribute())).toBe(false);
      expect(new CharacterAttribute(other).equals(new CharacterAttribute(other).copy())).toBe(true);
    }
    const told: unknown[] = [];
    const observer = (event: LogEvent) => void told.push(event.log_format);
    globalLogPublisher.addObserver(observer);
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- Twisted's programs may call it
    expect(new CharacterAttribute().wantOne({ bold: true }).toVT102()).toBe("\x1b[1m");
    globalLogPublisher.removeObserver(observer);
    expect(told).toEqual(["wantOne is deprecated: use insults.text.assembleFormattedText"]);
    const off = new CharacterAttribute({ bold: true, blink: true })._withAttribute("bold", false);
    expect([off.toVT102(), off._withAttribute("bold", false).toVT102()]).toEqual(["\x1b[0;5m", "\x1b[0;5m"]);
  });
});

describe("erasing", () => {
  beforeEach(() => {
    term.write("line 1\nline 2\nline 3");
    term.cursorPosition(3, 1);
  });

  // what is done, what is left
  for (const [name, ...rows] of [
    ["eraseLine", "line 1", "", "line 3"],
    ["eraseToLineEnd", "line 1", "lin", "line 3"],
    ["eraseToLineBeginning", "line 1", "     2", "line 3"],
    ["eraseDisplay", ""],
    ["eraseToDisplayEnd", "line 1", "lin"],
    ["eraseToDisplayBeginning", "", "     2", "line 3"],
    ["insertLine", "line 1", "", "line 2", "line 3"],
    ["deleteLine", "line 1", "line 3"],
    ["deleteCharacter", "line 1", "lin 2", "line 3"],
  ] as const) {
    test(name, () => {
      term[name]();
      expect(term.toString()).toBe(screen(...rows));
      expect(at()).toEqual([3, 1]);
    });
  }

  test("much is no more than all, and rows stay as many as they are", () => {
    term.deleteCharacter(1e9);
    term.cursorPosition(0, 22);
    for (const name of ["deleteLine", "insertLine"] as const) term[name](1e9);
    expect([term.lines.length, ...term.lines.map((row) => row.length)]).toEqual([24, ...Array<number>(24).fill(80)]);
    expect(term.toString()).toBe(screen("line 1", "lin", "line 3"));
  });
});

test("what a screen has not", () => {
  for (const name of [
    "getHost",
    "getPeer",
    "loseConnection",
    "horizontalTabulationSet",
    "tabulationClear",
    "tabulationClearAll",
    "doubleHeightLine",
    "singleWidthLine",
    "doubleWidthLine",
  ] as const) {
    expect(() => term[name]()).toThrow(`no ${name}`);
  }
  expect(() => term.writeSequence([])).toThrow("no writeSequence");
  expect(term.unhandledControlSequence("\x1b[z")).toBeUndefined();
});

test("a peer can make it keep no more than a few modes", () => {
  const client = new ClientProtocol(() => term);
  void client.makeConnection(new StringTransport());
  for (let i = 0; i < 20_000; i++) void client.dataReceived(Buffer.from(`\x1b[${i}h\x1b[?${i}h`));
  expect([term.modes.size, term.privateModes.size]).toEqual([10_000, 10_000]);
});

test("keypad modes, and the names of keys", () => {
  term.applicationKeypadMode();
  expect(term.keypadMode).toBe("app");
  term.numericKeypadMode();
  expect([term.keypadMode, term.F1, TerminalBuffer.HOME]).toEqual(["num", "[F1]", "[HOME]"]);
});

describe("expecting", () => {
  let buffer: ExpectableBuffer;
  let clock: Clock;
  beforeEach(() => {
    buffer = new ExpectableBuffer();
    void buffer.makeConnection(new StringTransport());
    clock = new Clock();
  });

  test("text that comes in pieces, in time", () => {
    const found = buffer.expect("hello world", { timeout: 1, scheduler: clock });
    for (const piece of ["greeting puny ", "hello wo", "rld\n"]) {
      expect(found.called).toBe(false);
      buffer.write(piece);
      if (piece === "hello wo") expect(clock.calls).toHaveLength(1);
    }
    expect(successResultOf(found)[0]).toBe("hello world");
    expect(clock.calls).toEqual([]);
  });

  test("two things in order, and what is there already, but no text twice", () => {
    const [first, second] = [buffer.expect(/hello/g), buffer.expect(Buffer.from("world"))];
    buffer.write("world ... hello ...");
    expect([first.called, second.called]).toEqual([true, false]);
    buffer.write(" world");
    expect(successResultOf(second)[0]).toBe("world");
    buffer.cursorHome();
    expect([buffer.expect("hello").called, buffer.expect("hello").called]).toEqual([true, false]);
  });

  test("one that is too late fails and stands in nobody's way", () => {
    const late = buffer.expect("zoom", { timeout: 1, scheduler: clock });
    const next = buffer.expect("done");
    buffer.write("done");
    clock.advance(1.1);
    expect(failureResultOf(late).value).toBeInstanceOf(ExpectationTimeout);
    expect(next.called).toBe(true);
  });
});
