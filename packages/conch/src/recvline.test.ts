import { StringTransport } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { ExpectableBuffer } from "./insults/helper.js";
import { ClientProtocol, type ITerminalTransport, ServerProtocol } from "./insults/insults.js";
import { type Call, recordedTerminal } from "./insults/recorder.test.support.js";
import { HistoricRecvLine, LocalTerminalBufferMixin, RecvLine, TransportSequence } from "./recvline.js";
import { screenOf } from "./recvline/screen.test.support.js";

const [LEFT, RIGHT, UP, DOWN] = ["\x1b[D", "\x1b[C", "\x1b[A", "\x1b[B"];
const [HOME, INSERT, DELETE, END, BACKSPACE] = ["\x1b[1~", "\x1b[2~", "\x1b[3~", "\x1b[4~", "\x7f"];

class Echo extends HistoricRecvLine {
  readonly received: string[] = [];
  override lineReceived(line: string): void {
    this.received.push(line);
    this.terminal.write(`${line}\n${this.prompt}`);
  }
}

function started<T extends RecvLine>(line: T) {
  const transport = new StringTransport();
  const server = new ServerProtocol(() => line);
  void server.makeConnection(transport);
  return { line, server, transport, type: (text: string) => void server.dataReceived(Buffer.from(text)) };
}

test("it begins with a reset, the prompt and insert mode", () => {
  const { transport } = started(new RecvLine());
  expect(transport.value().toString()).toBe("\x1bc>>> \x1b[4h");
});

describe("editing", () => {
  // keys, what is left and right of the cursor then
  for (const [keys, left, right] of [
    ["xyz", "xyz", ""],
    [`xyz${LEFT}`, "xy", "z"],
    [`xyz${LEFT}${LEFT}`, "x", "yz"],
    [`xyz${LEFT.repeat(3)}`, "", "xyz"],
    [`xyz${LEFT.repeat(4)}`, "", "xyz"],
    [`xyz${LEFT.repeat(4)}${RIGHT}`, "x", "yz"],
    [`xyz${LEFT.repeat(4)}${RIGHT.repeat(4)}`, "xyz", ""],
    [`xyz${HOME}`, "", "xyz"],
    [`xyz${HOME}${HOME}${END}${END}`, "xyz", ""],
    [`xyz${BACKSPACE}`, "xy", ""],
    [`xyz\b`, "xy", ""],
    [`xyz${LEFT}${BACKSPACE}`, "x", "z"],
    [`xyz${HOME}${BACKSPACE}`, "", "xyz"],
    [`xyz${DELETE}`, "xyz", ""],
    [`xyz${LEFT}${DELETE}`, "xy", ""],
    [`xyz${HOME}${DELETE}`, "", "yz"],
    [`kls${LEFT}x`, "klx", "s"],
    [`xyz${HOME}${INSERT}X`, "X", "yz"],
    [`xyz${HOME}${INSERT}X${INSERT}Y`, "XY", "yz"],
    [`xyz${INSERT}a`, "xyza", ""],
    ["\t", "    ", ""],
    ["ab\tc", "ab  c", ""],
    [`abc${HOME}${RIGHT}\t`, "a   ", "bc"],
    ["é😀\x0b\x0c", "é😀\x0b\x0c", ""],
    ["\x1bx", "x", ""],
    [
      ["O", "[15~", "[24~", "[5~", "[6~", "[1;5z", "[I"].map((seq) => `\x1b${seq === "O" ? "OP" : seq}`).join(""),
      "",
      "",
    ],
    ["\x00\x1f\x85", "", ""],
  ] as const) {
    test(JSON.stringify(keys), () => {
      const { line, type } = started(new RecvLine());
      type(keys);
      expect(line.currentLineBuffer()).toEqual([left, right]);
    });
  }

  test("a line has its limit, and beeps there", () => {
    const { line, type, transport } = started(new RecvLine());
    expect(line.maxLineLength).toBe(4096);
    line.maxLineLength = 3;
    type("abcdef\t");
    expect(line.lineBuffer).toEqual(["a", "b", "c"]);
    expect(transport.value().toString().endsWith("abc\x07\x07\x07")).toBe(true);
  });

  test("a base line editor does nothing with lines", () => {
    const { line, type } = started(new RecvLine());
    type("abc\r");
    expect(line.lineBuffer).toEqual([]);
  });

  test("what a line's receiver promises and breaks, or throws, is heard where the bytes came from", async () => {
    const { line, server } = started(new RecvLine());
    line.lineReceived = () => Promise.reject(new Error("later"));
    await expect(server.dataReceived(Buffer.from("x\r"))).rejects.toThrow("later");
    line.lineReceived = () => {
      throw new Error("now");
    };
    expect(() => server.dataReceived(Buffer.from("x\r"))).toThrow("now");
  });
});

describe("history", () => {
  test("has each line, in order, and is walked up and down", () => {
    const { line, type } = started(new Echo());
    for (const word of ["xyz", "abc", "123"]) {
      const before = line.currentHistoryBuffer();
      type(word);
      expect(line.currentHistoryBuffer()).toEqual(before);
      type("\n");
    }
    const all = ["xyz", "abc", "123"];
    expect(line.currentHistoryBuffer()).toEqual([all, []]);
    for (const [key, shown, position] of [
      [UP, "123", 2],
      [UP, "abc", 1],
      [UP, "xyz", 0],
      [UP, "xyz", 0],
      [DOWN, "abc", 1],
      [DOWN, "123", 2],
      [DOWN, "", 3],
      [DOWN, "", 3],
    ] as const) {
      type(key);
      expect([line.lineBuffer.join(""), line.historyPosition]).toEqual([shown, position]);
      expect(line.currentHistoryBuffer()).toEqual([all.slice(0, position), all.slice(position)]);
    }
    type("\n");
    expect(line.historyLines).toEqual(all);
  });

  test("has its limit", () => {
    const { line, type } = started(new Echo());
    expect(line.historyLimit).toBe(500);
    line.historyLimit = 3;
    type("a\rb\rc\rd\r");
    expect([line.historyLines, line.historyPosition]).toEqual([["b", "c", "d"], 3]);
    type(`e${UP}`);
    expect([line.historyLines, line.lineBuffer.join("")]).toEqual([["c", "d", "e"], "d"]);
    type(`${UP}${UP}${UP}`);
    expect(line.lineBuffer.join("")).toBe("c");
  });
});

describe("the screen", () => {
  // what is typed before "\ndone", the rows then
  for (const [name, typed, ...rows] of [
    ["a line", "first line", ">>> first line", "first line"],
    ["the cursor to the left, over", `first line${INSERT}${LEFT.repeat(4)}xxxx`, ">>> first xxxx", "first xxxx"],
    ["left and right", `right line${INSERT}${LEFT.repeat(4)}${RIGHT.repeat(2)}xx`, ">>> right lixx", "right lixx"],
    ["backspace", `second line${BACKSPACE.repeat(4)}xxxx`, ">>> second xxxx", "second xxxx"],
    ["delete", `delete xxxx${LEFT.repeat(4)}${DELETE.repeat(4)}line`, ">>> delete line", "delete line"],
    ["insertion", `third ine${LEFT.repeat(3)}l`, ">>> third line", "third line"],
    ["typeover", `fourth xine${LEFT.repeat(4)}${INSERT}l`, ">>> fourth line", "fourth line"],
    ["home", `blah line${HOME}${INSERT}home`, ">>> home line", "home line"],
    ["end", `end ${LEFT.repeat(4)}${END}line`, ">>> end line", "end line"],
    ["a tab", `abc${LEFT.repeat(3)}\tx`, ">>>     xabc", "    xabc"],
    ["up", `first line\n${UP}`, ">>> first line", "first line", ">>> first line", "first line"],
    ["up and down", `a\nb\n${UP}${UP}${DOWN}`, ">>> a", "a", ">>> b", "b", ">>> b", "b"],
    ["what was not sent", `a\npartial line${UP}${DOWN}`, ">>> a", "a", ">>> partial line", "partial line"],
  ] as const) {
    test(`shows ${name}`, () => {
      const { type, text } = screenOf(new ServerProtocol(Echo));
      type(`${typed}\ndone`);
      expect(text()).toBe([...rows, ">>> done"].join("\n"));
    });
  }

  test("is drawn anew in another size, with the cursor where it was", () => {
    const { type, text, server } = screenOf(new ServerProtocol(Echo));
    type(`a\nhello${LEFT}${LEFT}`);
    void server.terminalSize(40, 10);
    type("X");
    expect(text()).toBe(">>> helXlo");
    const { width, height } = server.terminalProtocol as Echo;
    expect([width, height]).toEqual([40, 10]);
  });

  test("tells when something is there, and its end", () => {
    const screen = new ExpectableBuffer();
    const { type } = screenOf(new ServerProtocol(Echo), screen);
    const done = screen.expect("done");
    type("done");
    expect(done.called).toBe(true);
  });
});

describe("a local copy", () => {
  class Copied extends LocalTerminalBufferMixin(Echo) {}

  test("has what the terminal shows, in its size", () => {
    const { server, type, text } = screenOf(new ServerProtocol(Copied));
    const application = server.terminalProtocol as Copied;
    type(`first${LEFT}xx\nnext`);
    expect(application.toString().trimEnd()).toBe(text());
    void server.terminalSize(10, 5);
    type(`${HOME}!`);
    expect(application.toString()).toBe(">>> !next\n\n\n\n");
    expect([application.terminalCopy.width, application.terminalCopy.height]).toEqual([10, 5]);
  });

  test("closes, and does what only a real terminal can", () => {
    const { line, transport } = started(new Copied());
    const { terminal } = line;
    terminal.tabulationClear();
    terminal.horizontalTabulationSet();
    terminal.tabulationClearAll();
    terminal.doubleHeightLine();
    terminal.singleWidthLine();
    terminal.doubleWidthLine();
    terminal.writeSequence(["a", "b"]);
    expect(terminal.getPeer()).toBe(transport.getPeer());
    expect(terminal.getHost()).toBe(transport.getHost());
    expect(terminal.reportCursorPosition()).toEqual([6, 0]);
    terminal.loseConnection();
    expect(transport.disconnecting).toBe(true);
  });
});

describe("a sequence of transports", () => {
  test("of none is an error", () => expect(() => new TransportSequence()).toThrow("no transports"));

  test("does everything to each, and gives what the last gives", () => {
    const calls: [Call[], Call[]] = [[], []];
    const [first, second] = [recordedTerminal(calls[0]), recordedTerminal(calls[1], [1, 2])];
    const both: ITerminalTransport = new TransportSequence(first, second);
    both.cursorPosition(1, 2);
    both.selectGraphicRendition(1, 4);
    expect(calls[0]).toEqual([
      ["cursorPosition", 1, 2],
      ["selectGraphicRendition", 1, 4],
    ]);
    expect(calls[1]).toEqual(calls[0]);
    expect(both.reportCursorPosition()).toEqual([1, 2]);
    expect([TransportSequence.F1, new TransportSequence(first).UP_ARROW]).toEqual(["[F1]", ServerProtocol.UP_ARROW]);
  });
});

test("a client may come without a terminal", () => {
  expect(new ClientProtocol().terminal).toBeNull();
});
