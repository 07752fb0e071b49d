import { Failure } from "@strombus/reactor/failure";
import { failureResultOf, StringTransport, successResultOf } from "@strombus/reactor/testing";
import { ConnectionLost } from "@strombus/reactor/error";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ClientProtocol,
  FUNCTION_KEYS,
  ITerminalProtocol,
  ITerminalTransport,
  modes,
  privateModes,
  ServerProtocol,
  type Slot,
  TerminalProtocol,
} from "./insults.js";
import { MAX_SEQUENCE } from "./sequence.js";
import { type Call, RecordingProtocol, recordedTerminal } from "./recorder.test.support.js";

function server() {
  const application = new RecordingProtocol();
  const transport = new StringTransport();
  const protocol = new ServerProtocol(() => application);
  void protocol.makeConnection(transport);
  application.calls.length = 0;
  return { application, transport, protocol, calls: application.calls };
}

function client(...given: Parameters<typeof recordedTerminal>) {
  const transport = new StringTransport();
  const protocol = new ClientProtocol(() => recordedTerminal(...given));
  void protocol.makeConnection(transport);
  return { transport, protocol };
}

function feed(protocol: ServerProtocol | ClientProtocol, bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) void protocol.dataReceived(bytes.subarray(at, at + size));
}

/** Input of a server, what it calls. */
const keys: readonly (readonly [input: string, ...calls: Call[]])[] = [
  ...Array.from("abc123ABC!@#\0\b\x7f\r\n\t\f").map((ch) => [ch, ["key", ch, null]] as const),
  ["é€😀", ["key", "é", null], ["key", "€", null], ["key", "😀", null]],
  ...(["UP", "DOWN", "RIGHT", "LEFT"] as const).map(
    (name, i) => [`\x1b[${"ABCD"[i]}`, ["key", `[${name}_ARROW]`, null]] as const,
  ),
  ...(["UP", "DOWN", "RIGHT", "LEFT"] as const).map(
    (name, i) => [`\x1bO${"ABCD"[i]}`, ["key", `[${name}_ARROW]`, null]] as const,
  ),
  ...Array.from("PQRS").flatMap((ch, i) =>
    ["\x1b[O", "\x1bO"].map((begin) => [`${begin}${ch}`, ["key", `[F${i + 1}]`, null]] as const),
  ),
  ...[11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24].map(
    (number, i) => [`\x1b[${number}~`, ["key", `[F${i + 1}]`, null]] as const,
  ),
  ...["HOME", "INSERT", "DELETE", "END", "PGUP", "PGDN", "HOME", "END"].map(
    (name, i) => [`\x1b[${i + 1}~`, ["key", `[${name}]`, null]] as const,
  ),
  ["\x1b[H\x1b[F\x1b[E", ["key", "[HOME]", null], ["key", "[END]", null], ["key", "[NUMPAD_MIDDLE]", null]],
  ["\x1bOH\x1bOF", ["key", "[HOME]", null], ["key", "[END]", null]],
  ["\x1b[Z", ["key", "\t", "[SHIFT]"]],
  ["\x1ba\x1b\x1b\x1b1", ["key", "a", "[ALT]"], ["key", "\x1b", "[ALT]"], ["key", "1", "[ALT]"]],
  ["\x1b[1;2A", ["key", "[UP_ARROW]", "[SHIFT]"]],
  ["\x1b[1;5D", ["key", "[LEFT_ARROW]", "[CONTROL]"]],
  ["\x1b[3;8~", ["key", "[DELETE]", "[SHIFT][ALT][CONTROL]"]],
  ...["\x1b[1;9A", "\x1b[2A", "\x1b[16~", "\x1b[~", "\x1b[!~", "\x1b[1;2;3~", "\x1b[Q", "\x1b[1Z", "\x1b[<0;3;4M"].map(
    (seq) => [seq, ["unhandled", seq]] as const,
  ),
  ["\x1b[3;4R", ["unhandled", "\x1b[3;4R"]],
  ["\x1bOx", ["unhandled", "\x1b[Ox"]],
  ["\x1b[OA", ["unhandled", "\x1b[OA"]],
];

describe("what a server reads", () => {
  for (const [input, ...expected] of keys) {
    test(`${JSON.stringify(input)}, whatever the pieces`, () => {
      for (const size of [1, 2, 3, 4, 5, 6, 100]) {
        const { protocol, calls } = server();
        feed(protocol, Buffer.from(input), size);
        expect(calls).toEqual(expected);
      }
    });
  }

  test("any bytes give the same calls, wherever they are cut", () => {
    const piece = fc.oneof(
      fc.constantFrom(...keys.map(([input]) => Buffer.from(input))),
      fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom("\x1b", "[", "O", ";", "9".repeat(300)).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.integer({ min: 1, max: 7 }), (pieces, size) => {
        const bytes = Buffer.concat(pieces);
        const [whole, cut] = [server(), server()];
        void whole.protocol.dataReceived(bytes);
        feed(cut.protocol, bytes, size);
        expect(cut.calls).toEqual(whole.calls);
        expect(cut.protocol.state).toBe(whole.protocol.state);
      }),
    );
  });

  test("a control sequence that does not end is not kept, and is told once", () => {
    const { protocol, calls } = server();
    void protocol.dataReceived(Buffer.from("\x1b["));
    for (let i = 0; i < 100; i++) void protocol.dataReceived(Buffer.from("1".repeat(1000)));
    expect(calls).toEqual([["unhandled", `\x1b[${"1".repeat(MAX_SEQUENCE - 2)}`]]);
    void protocol.dataReceived(Buffer.from("mx"));
    expect(calls.slice(1)).toEqual([["key", "x", null]]);
  });

  test("names of members are no keys", () => {
    const { protocol, calls } = server();
    void protocol.dataReceived(Buffer.from("\x1b[constructor"));
    expect(calls[0]).toEqual(["unhandled", "\x1b[c"]);
  });

  test("a state that there is not is an error", () => {
    const { protocol } = server();
    protocol.state = "elsewhere" as never;
    expect(() => protocol.dataReceived(Buffer.from("x"))).toThrow("Illegal state");
  });
});

describe("a server's application", () => {
  test("is made with the arguments, hears of its terminal first, and of its end once", () => {
    class Application extends RecordingProtocol {
      constructor(readonly word: string) {
        super();
      }
    }
    const protocol = new ServerProtocol(Application, "word");
    expect(protocol.terminalProtocol).toBeNull();
    void protocol.makeConnection(new StringTransport());
    const application = protocol.terminalProtocol as Application;
    expect(application.word).toBe("word");
    expect(application.terminal).toBe(protocol);
    const reason = new Failure(new ConnectionLost());
    void protocol.connectionLost(reason);
    void protocol.connectionLost(reason);
    void protocol.dataReceived(Buffer.from("x\x1b[A\x1b[z"));
    expect(application.calls).toEqual([["connectionMade"], ["lost", reason]]);
    expect(protocol.terminalProtocol).toBeNull();
  });

  test("may fail at its end: it is gone all the same", () => {
    const { protocol, application } = server();
    application.connectionLost = () => {
      throw new Error("no");
    };
    expect(() => protocol.connectionLost()).toThrow("no");
    expect(protocol.terminalProtocol).toBeNull();
  });

  test("may be slow to fail: whoever delivers the bytes hears it, of each key", async () => {
    const { protocol, application } = server();
    application.keystrokeReceived = (keyID) => {
      if (keyID === "c") throw new Error("c");
      return keyID === "b" ? Promise.reject(new Error("b")) : Promise.resolve();
    };
    await expect(protocol.dataReceived(Buffer.from("ab"))).rejects.toThrow("b");
    await expect(protocol.dataReceived(Buffer.from("abc"))).rejects.toThrow("b");
    expect(() => protocol.dataReceived(Buffer.from("c"))).toThrow("c");
  });

  test("without one, keys are dropped", () => {
    const protocol = new ServerProtocol();
    void protocol.makeConnection(new StringTransport());
    expect(protocol.dataReceived(Buffer.from("a\x1b[A\x1b[1~\x1b[3R"))).toBeUndefined();
  });

  test("the base class does nothing", () => {
    const protocol = new ServerProtocol(TerminalProtocol);
    void protocol.makeConnection(new StringTransport());
    void protocol.dataReceived(Buffer.from("a\x1b[z"));
    void protocol.terminalSize(1, 1);
    void protocol.connectionLost();
    expect(ITerminalProtocol.providedBy(new TerminalProtocol())).toBe(true);
    expect(ITerminalTransport.providedBy(protocol)).toBe(true);
  });
});

/** What is done to a server, the bytes. */
const output: readonly (readonly [(terminal: ServerProtocol) => void, string])[] = [
  [(t) => t.cursorUp(1), "\x1b[1A"],
  [(t) => t.cursorDown(2), "\x1b[2B"],
  [(t) => t.cursorForward(3), "\x1b[3C"],
  [(t) => t.cursorBackward(4), "\x1b[4D"],
  [(t) => t.cursorBackward(), "\x1b[1D"],
  [(t) => t.cursorPosition(0, 0), "\x1b[1;1H"],
  [(t) => t.cursorPosition(3, 9), "\x1b[10;4H"],
  [(t) => t.cursorHome(), "\x1b[H"],
  [(t) => t.index(), "\x1bD"],
  [(t) => t.reverseIndex(), "\x1bM"],
  [(t) => t.nextLine(), "\r\n"],
  [(t) => t.saveCursor(), "\x1b7"],
  [(t) => t.restoreCursor(), "\x1b8"],
  [(t) => t.setModes([modes.KAM, modes.IRM, modes.LNM]), "\x1b[2;4;20h"],
  [(t) => t.resetModes([2, 4, 20]), "\x1b[2;4;20l"],
  [(t) => t.setPrivateModes([privateModes.CURSOR_MODE]), "\x1b[?25h"],
  [(t) => t.resetPrivateModes([7, 25]), "\x1b[?7;25l"],
  [(t) => t.applicationKeypadMode(), "\x1b="],
  [(t) => t.numericKeypadMode(), "\x1b>"],
  ...(["CS_UK", "CS_US", "CS_DRAWING", "CS_ALTERNATE", "CS_ALTERNATE_SPECIAL"] as const).flatMap(
    (set, i) =>
      [
        [(t: ServerProtocol) => t.selectCharacterSet(set, "G0"), `\x1b(${"AB012"[i]}`],
        [(t: ServerProtocol) => t.selectCharacterSet(set, "G1"), `\x1b)${"AB012"[i]}`],
      ] as const,
  ),
  [(t) => t.shiftIn(), "\x0f"],
  [(t) => t.shiftOut(), "\x0e"],
  [(t) => t.singleShift2(), "\x1bN"],
  [(t) => t.singleShift3(), "\x1bO"],
  [(t) => t.selectGraphicRendition("5", "4"), "\x1b[5;4m"],
  [(t) => t.selectGraphicRendition(5, 4), "\x1b[5;4m"],
  [(t) => t.selectGraphicRendition(), "\x1b[m"],
  [(t) => t.horizontalTabulationSet(), "\x1bH"],
  [(t) => t.tabulationClear(), "\x1b[g"],
  [(t) => t.tabulationClearAll(), "\x1b[3g"],
  [(t) => t.doubleHeightLine(), "\x1b#3"],
  [(t) => t.doubleHeightLine(false), "\x1b#4"],
  [(t) => t.singleWidthLine(), "\x1b#5"],
  [(t) => t.doubleWidthLine(), "\x1b#6"],
  [(t) => t.eraseToLineEnd(), "\x1b[K"],
  [(t) => t.eraseToLineBeginning(), "\x1b[1K"],
  [(t) => t.eraseLine(), "\x1b[2K"],
  [(t) => t.eraseToDisplayEnd(), "\x1b[J"],
  [(t) => t.eraseToDisplayBeginning(), "\x1b[1J"],
  [(t) => t.eraseDisplay(), "\x1b[2J"],
  [(t) => t.deleteCharacter(4), "\x1b[4P"],
  [(t) => t.insertLine(5), "\x1b[5L"],
  [(t) => t.deleteLine(6), "\x1b[6M"],
  [(t) => t.setScrollRegion(), "\x1b[;r"],
  [(t) => t.setScrollRegion(1), "\x1b[1;r"],
  [(t) => t.setScrollRegion(null, 1), "\x1b[;1r"],
  [(t) => t.setScrollRegion(5, 22), "\x1b[5;22r"],
  [(t) => t.resetScrollRegion(), "\x1b[;r"],
  [(t) => void t.reportCursorPosition(), "\x1b[6n"],
  [(t) => t.reset(), "\x1bc"],
  [(t) => t.write("é\n"), "é\r\n"],
  [(t) => t.write(""), ""],
  [(t) => t.writeSequence(["a", Buffer.from("b\r\n")]), "ab\r\r\n"],
];

describe("what a server writes", () => {
  for (const [call, bytes] of output) {
    test(JSON.stringify(bytes), () => {
      const { transport, protocol } = server();
      call(protocol);
      expect(transport.value().toString()).toBe(bytes);
    });
  }

  test("closing resets the terminal first", () => {
    const { transport, protocol } = server();
    protocol.loseConnection();
    expect([transport.value().toString(), transport.disconnecting]).toEqual(["\x1bc", true]);
    expect(protocol.getPeer()).toBe(transport.getPeer());
    expect(protocol.getHost()).toBe(transport.getHost());
  });

  test("the last write is known before its newlines are translated", () => {
    const { protocol } = server();
    protocol.write("a\n");
    protocol.write("");
    expect(protocol.lastWrite.toString()).toBe("a\n");
  });

  test("the cursor is followed, within the screen, on each connection by itself", () => {
    const [{ protocol }, other] = [server(), server()];
    const at = () => [protocol.cursorPos.x, protocol.cursorPos.y];
    protocol.cursorDown(100);
    protocol.cursorForward(100);
    expect(at()).toEqual([79, 23]);
    protocol.saveCursor();
    protocol.cursorPosition(3, 4);
    expect(at()).toEqual([3, 4]);
    protocol.restoreCursor();
    expect(at()).toEqual([79, 23]);
    protocol.restoreCursor(); // nothing is saved any more
    expect(at()).toEqual([0, 0]);
    protocol.index();
    protocol.nextLine();
    protocol.reverseIndex();
    protocol.cursorForward();
    expect(at()).toEqual([1, 1]);
    void protocol.terminalSize(1, 1);
    expect([...at(), protocol.termSize.x]).toEqual([0, 0, 1]);
    expect([other.protocol.cursorPos.y, other.protocol.termSize.x]).toEqual([0, 80]);
  });

  test("no move by nothing, no set that there is not", () => {
    const { protocol } = server();
    for (const n of [0, -1, NaN]) {
      for (const call of ["cursorUp", "cursorDown", "cursorForward", "cursorBackward"] as const) {
        expect(() => protocol[call](n)).toThrow("cannot move");
      }
    }
    expect(() => protocol.selectCharacterSet("constructor", "G0")).toThrow("no such character set");
    expect(() => protocol.selectCharacterSet("CS_US", "G2")).toThrow("only G0 and G1");
  });
});

test("cursor reports answer in order, and fail with the connection", () => {
  const { protocol, calls } = server();
  const [first, second, third] = [1, 2, 3].map(() => protocol.reportCursorPosition());
  void protocol.dataReceived(Buffer.from("\x1b[3;4R\x1b[5R\x1b[1;2;3R\x1b[;R\x1b[7;8R"));
  expect(successResultOf(first!)).toEqual([3, 2]);
  expect(successResultOf(second!)).toEqual([7, 6]);
  expect(calls).toEqual([
    ["unhandled", "\x1b[5R"],
    ["unhandled", "\x1b[1;2;3R"],
    ["unhandled", "\x1b[;R"],
  ]);
  const reason = new Failure(new ConnectionLost());
  void protocol.connectionLost(reason);
  expect(failureResultOf(third!).value).toBe(reason.value);
});

test("the names of keys are on the class and on each instance", () => {
  expect(FUNCTION_KEYS).toHaveLength(26);
  expect(FUNCTION_KEYS.slice(0, 4)).toEqual(["[UP_ARROW]", "[DOWN_ARROW]", "[RIGHT_ARROW]", "[LEFT_ARROW]"]);
  const protocol = new ServerProtocol();
  expect([ServerProtocol.UP_ARROW, protocol.F12, protocol.TAB, protocol.BACKSPACE]).toEqual([
    "[UP_ARROW]",
    "[F12]",
    "\t",
    "\x7f",
  ]);
});

test("applications find the names of keys on their terminal", () => {
  class Mover extends TerminalProtocol {
    override keystrokeReceived(keyID: string) {
      if (keyID === this.terminal.UP_ARROW) this.terminal.cursorUp();
    }
  }
  const transport = new StringTransport();
  const protocol = new ServerProtocol(Mover);
  void protocol.makeConnection(transport);
  void protocol.dataReceived(Buffer.from("\x1b[A"));
  expect(transport.value().toString()).toBe("\x1b[1A");
});

/** What a server sends, what a client calls on its terminal. */
const drawing: readonly (readonly [input: string, ...calls: Call[]])[] = [
  ["abc\r\n", ["write", "abc\r\n"]],
  [
    "\x1b[2B\x1b[4C\x1b[A\x1b[2D\x1b[A\x1b[2D",
    ["cursorDown", 2],
    ["cursorForward", 4],
    ["cursorUp", 1],
    ["cursorBackward", 2],
    ["cursorUp", 1],
    ["cursorBackward", 2],
  ],
  ...(["Up", "Down", "Forward", "Backward"] as const).flatMap((name, i) =>
    ["", 2, 20, 200].map((n) => [`\x1b[${n}${"ABCD"[i]}`, [`cursor${name}`, n === "" ? 1 : n]] as const),
  ),
  [
    "\x1b[5;22r\x1b[r\x1b[;4r",
    ["setScrollRegion", 5, 22],
    ["setScrollRegion", null, null],
    ["setScrollRegion", null, 4],
  ],
  [
    "\x1b#3\x1b#4\x1b#5\x1b#6\x1b#7",
    ["doubleHeightLine", true],
    ["doubleHeightLine", false],
    ["singleWidthLine"],
    ["doubleWidthLine"],
    ["unhandledControlSequence", "\x1b#7"],
  ],
  ...(["G0", "G1"] as Slot[]).flatMap((slot, at) =>
    ["CS_UK", "CS_US", "CS_DRAWING", "CS_ALTERNATE", "CS_ALTERNATE_SPECIAL"].map(
      (set, i) => [`\x1b${"()"[at]}${"AB012"[i]}`, ["selectCharacterSet", set, slot]] as const,
    ),
  ),
  ["\x15\x14\x0f\x0e", ["shiftIn"], ["shiftOut"], ["shiftIn"], ["shiftOut"]],
  ["\x1bN\x1bO\x1b=\x1b>", ["singleShift2"], ["singleShift3"], ["applicationKeypadMode"], ["numericKeypadMode"]],
  ["\x1b7\x1b8\x1bc\x1bH", ["saveCursor"], ["restoreCursor"], ["reset"], ["horizontalTabulationSet"]],
  ["\x1bD\x1bM\x1bE", ["index"], ["reverseIndex"], ["nextLine"]],
  ["\x1b[2;4;20h\x1b[2;4;20l", ["setModes", [2, 4, 20]], ["resetModes", [2, 4, 20]]],
  ["\x1b[?7;25h\x1b[?25l", ["setPrivateModes", [7, 25]], ["resetPrivateModes", [25]]],
  ["\x1b[!h", ["unhandledControlSequence", "\x1b[!h"]],
  ["\x1b[K\x1b[0K\x1b[1K\x1b[2K", ["eraseToLineEnd"], ["eraseToLineEnd"], ["eraseToLineBeginning"], ["eraseLine"]],
  [
    "\x1b[J\x1b[0J\x1b[1J\x1b[2J\x1b[3J\x1b[4J",
    ["eraseToDisplayEnd"],
    ["eraseToDisplayEnd"],
    ["eraseToDisplayBeginning"],
    ["eraseDisplay"],
    ["unhandledControlSequence", "\x1b[4J"],
  ],
  ["\x1b[P\x1b[3P", ["deleteCharacter", 1], ["deleteCharacter", 3]],
  ["\x1b[L\x1b[3L\x1b[M\x1b[3M", ["insertLine", 1], ["insertLine", 3], ["deleteLine", 1], ["deleteLine", 3]],
  [
    "\x1b[H\x1b[3;4H\x1b[;5f\x1b[2H",
    ["cursorHome"],
    ["cursorPosition", 3, 2],
    ["cursorPosition", 4, 0],
    ["cursorPosition", 0, 1],
  ],
  ["\x1b[4G\x1b[3d", ["cursorPosition", 3, 7], ["cursorPosition", 6, 2]],
  ["\x1b[s\x1b[u\x1b[g\x1b[3g", ["saveCursor"], ["restoreCursor"], ["tabulationClear"], ["tabulationClearAll"]],
  ["\x1b[m\x1b[1;!;31m", ["selectGraphicRendition", 0], ["selectGraphicRendition", 1, "!", 31]],
  ["\x1b[>4;1m", ["unhandledControlSequence", "\x1b[>4;1m"]],
  ["\x1b]0;a title\x07a\x1b]8;;\x1b\\b", ["write", "ab"]],
  ["\x1bz\x1b[5n\x1b[q", ...["\x1bz", "\x1b[5n", "\x1b[q"].map((seq) => ["unhandledControlSequence", seq] as const)],
  ...(
    [
      ["\x15", "shiftIn"],
      ["\x14", "shiftOut"],
      ["\b", "cursorBackward"],
      ["\x1bD", "index"],
    ] as const
  ).map(([input, name]) => [`ab${input}`, ["write", "ab"], [name]] as const),
  ["ab\x1b[4h", ["write", "ab"], ["setModes", [4]]],
];

describe("what a client reads", () => {
  for (const [input, ...expected] of drawing) {
    test(`${JSON.stringify(input)}, whatever the pieces`, () => {
      for (const size of [1, 2, 3, 4, 5, 6, 100]) {
        const calls: Call[] = [];
        feed(client(calls).protocol, Buffer.from(input), size);
        expect(calls).toEqual(expected);
      }
    });
  }

  test("any bytes give the same calls, wherever they are cut", () => {
    const piece = fc.oneof(
      fc.constantFrom(...drawing.map(([input]) => Buffer.from(input))),
      fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes.map((byte) => byte & 0x7f))),
      fc.constantFrom("\x1b", "[", "]", ";", "9".repeat(300)).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.integer({ min: 1, max: 7 }), (pieces, size) => {
        const bytes = Buffer.concat(pieces);
        const [whole, cut]: [Call[], Call[]] = [[], []];
        void client(whole).protocol.dataReceived(bytes);
        feed(client(cut).protocol, bytes, size);
        expect(cut).toEqual(whole);
      }),
    );
  });

  test("plain bytes come in one write", () => {
    const writes: string[] = [];
    const terminal = recordedTerminal([]);
    const protocol = new ClientProtocol(
      () =>
        new Proxy(terminal, {
          get: (_, name) => (name === "write" ? (data: Buffer) => writes.push(data.toString()) : () => {}),
          set: () => true,
        }),
    );
    void protocol.makeConnection(new StringTransport());
    void protocol.dataReceived(Buffer.from("abc\x1bDdef"));
    expect(writes).toEqual(["abc", "def"]);
  });

  test("the cursor's position is told, in Twisted's order or in that of terminals", () => {
    const { protocol, transport } = client([]);
    void protocol.dataReceived(Buffer.from("\x1b[6n"));
    protocol.reportOrder = "ansi";
    void protocol.dataReceived(Buffer.from("\x1b[6n"));
    expect(transport.value().toString()).toBe("\x1b[7;8R\x1b[8;7R");
  });

  test("a control sequence that does not end is not kept, nor is a title", () => {
    const calls: Call[] = [];
    const { protocol } = client(calls);
    void protocol.dataReceived(Buffer.from(`\x1b[${"1".repeat(100_000)}mx`));
    void protocol.dataReceived(Buffer.from(`\x1b]${"t".repeat(100_000)}\x07y`));
    expect(calls).toEqual([
      ["unhandledControlSequence", `\x1b[${"1".repeat(MAX_SEQUENCE)}`],
      ["write", "xy"],
    ]);
  });

  test("without a terminal, or after its end, all is dropped", () => {
    const protocol = new ClientProtocol();
    void protocol.makeConnection(new StringTransport());
    for (const [input] of drawing) void protocol.dataReceived(Buffer.from(input));
    void protocol.connectionLost();
    expect(protocol.terminal).toBeNull();
  });
});
