/** What a client is asked about its terminal, and what becomes of its answers. */
import { capturedLogs } from "@strombus/reactor/logger";
import { StringTransport } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { ServerProtocol } from "../insults/server.js";
import { TerminalProtocol } from "../insults/terminal-protocol.js";
import { TelnetBootstrapProtocol } from "./bootstrap.js";
import {
  AYT,
  BINARY,
  BRK,
  DO,
  EC,
  ECHO,
  EL,
  IAC,
  IP,
  LINEMODE,
  NAWS,
  NEW_ENVIRON,
  NOP,
  SB,
  SE,
  SGA,
  TTYPE,
  WILL,
} from "./constants.js";
import { bytes, do_, dont, iac, will, wont } from "./recording.test.support.js";
import { TelnetTransport } from "./transport.js";

class Screen extends TerminalProtocol {
  readonly heard: unknown[] = [];
  override connectionMade(): void {
    this.terminal.write("hello\n");
  }
  override keystrokeReceived(keyID: string): void {
    this.heard.push(keyID);
  }
  override terminalSize(width: number, height: number): void {
    this.heard.push([width, height]);
  }
  override connectionLost(): void {
    this.heard.push("lost");
  }
}

class Terminal {
  readonly screen = new Screen();
  readonly wire = new StringTransport();
  readonly telnet = new TelnetTransport(TelnetBootstrapProtocol, ServerProtocol, () => this.screen);

  constructor() {
    void this.telnet.makeConnection(this.wire);
  }

  get bootstrap(): TelnetBootstrapProtocol {
    return this.telnet.protocol as TelnetBootstrapProtocol;
  }

  receive(...pieces: (number | string)[]): unknown {
    return this.telnet.dataReceived(bytes(...pieces));
  }

  /** What is answered to this. */
  answerTo(...pieces: (number | string)[]): Buffer {
    this.wire.clear();
    void this.receive(...pieces);
    return this.wire.value();
  }
}

const about = (option: number, ...data: (number | string)[]): Buffer => bytes(IAC, SB, option, ...data, IAC, SE);

test("the client is asked for all that makes a terminal, then the application begins", () => {
  const first = [...iac(DO, LINEMODE), ...iac(DO, NAWS), ...iac(DO, SGA), ...iac(WILL, ECHO)];
  const wishes = [...iac(DO, TTYPE), ...iac(DO, NEW_ENVIRON), ...iac(WILL, BINARY)];
  expect(new Terminal().wire.value()).toEqual(bytes(...first, ...wishes, "hello\r\n"));
});

describe("options", () => {
  test("that make a terminal are accepted, and asked about", () => {
    const each = new Terminal();
    expect(each.answerTo(...will(LINEMODE))).toEqual(about(LINEMODE, 1, 2));
    expect(each.answerTo(...will(TTYPE))).toEqual(about(TTYPE, 1));
    expect(each.answerTo(...will(NEW_ENVIRON))).toEqual(about(NEW_ENVIRON, 1, 3, "COLORTERM", 3, "LANG"));
    expect(each.answerTo(...will(NAWS), ...do_(ECHO)).length).toBe(0);
  });

  test("are asked for on the other side when the one has answered", () => {
    const each = new Terminal();
    expect(each.answerTo(...will(SGA), ...dont(BINARY))).toEqual(bytes(...will(SGA), ...do_(BINARY)));
    expect(each.answerTo(...do_(SGA), ...will(BINARY)).length).toBe(0);
  });

  test("that do not are refused, and refusals are no failures", () => {
    const each = new Terminal();
    expect(each.answerTo(...will(200), ...do_(NAWS))).toEqual(bytes(...dont(200), ...wont(NAWS)));
    const events = capturedLogs(() => void each.receive(...wont(LINEMODE), ...dont(ECHO)));
    expect(events.filter((event) => event.log_level?.name !== "debug")).toEqual([]);
  });
});

describe("the window's size", () => {
  test("reaches the application", () => {
    const each = new Terminal();
    void each.receive(...about(NAWS, 0, IAC, IAC, 1, 2));
    expect(each.screen.heard).toEqual([[255, 258]]);
  });

  test("of 0 is not known, and one of another form is logged", () => {
    const each = new Terminal();
    void each.receive(...about(NAWS, 0, 0, 0, 0));
    const events = capturedLogs(() => void each.receive(...about(NAWS, 0, 80, 0)));
    expect(each.screen.heard).toEqual([[80, 24]]);
    expect(events.map((event) => event.log_level?.name)).toEqual(["error"]);
  });
});

describe("the terminal's name and variables", () => {
  test.each([
    [[0, "XTERM-256COLOR"], "xterm-256color"],
    [[0, "x\x1b[2J"], "dumb"],
    [[0], "dumb"],
    [[0, "x".repeat(65)], "dumb"],
    [[1, "vt100"], "ansi"],
    [[], "ansi"],
  ])("%j is %s", (answer, term) => {
    const each = new Terminal();
    expect(each.bootstrap.term).toBe("ansi");
    void each.receive(...about(TTYPE, ...answer));
    expect(each.bootstrap.term).toBe(term);
  });

  test("are those that were asked for, if they are printable", () => {
    const each = new Terminal();
    const others = [0, "USER", 1, "root", 3, "__proto__", 1, "x", 3, "LD_PRELOAD", 1, "y", 3, "LANG"];
    void each.receive(...about(NEW_ENVIRON, 0, 3, "COLORTERM", 1, "true", 2, "color", ...others));
    expect([...each.bootstrap.environment]).toEqual([["COLORTERM", "truecolor"]]);
    void each.receive(...about(NEW_ENVIRON, 2, 0, "LANG", 1, "de_DE.UTF-8", 3, "COLORTERM", 1, "\x1b[0m"));
    void each.receive(...about(NEW_ENVIRON, 2, 3, "COLORTERM", 1, "x".repeat(257)));
    void each.receive(...about(NEW_ENVIRON, 1, 3, "COLORTERM", 1, "no answer"), ...about(NEW_ENVIRON, 0, "x", 1, 2));
    expect([...each.bootstrap.environment]).toEqual([
      ["COLORTERM", "truecolor"],
      ["LANG", "de_DE.UTF-8"],
    ]);
  });
});

describe("keys", () => {
  test.each([
    [IP, "\x03"],
    [BRK, "\x03"],
    [236, "\x04"],
    [EL, "\x15"],
    [237, "\x1a"],
    [238, "\x1c"],
    [EC, "\x7f"],
  ])("that are the command %i are pressed, in their place", async (command, key) => {
    const each = new Terminal();
    await each.receive("a", ...iac(command), "b", ...iac(command));
    void each.receive("c");
    expect(each.screen.heard).toEqual(["a", key, "b", key, "c"]);
  });

  test("that are signals are pressed when the TIMING-MARK behind them is answered: the client drops all before", async () => {
    const each = new Terminal();
    each.screen.keystrokeReceived = () => each.screen.terminal.write("interrupted");
    each.wire.clear();
    await each.receive(...iac(IP), ...do_(6));
    expect(each.wire.value()).toEqual(bytes(...wont(6), "interrupted"));
  });

  test("that fail end the connection, as all that fails does", async () => {
    const each = new Terminal();
    each.screen.keystrokeReceived = () => {
      throw new RangeError("key");
    };
    await expect(each.receive(...iac(IP))).rejects.toThrow("key");
  });

  test("are not pressed when the connection is gone", async () => {
    const each = new Terminal();
    const pressed = each.receive(...iac(IP));
    void each.telnet.connectionLost();
    await pressed;
    expect(each.screen.heard).toEqual(["lost"]);
  });

  test("of several bytes come in UTF-8, and returns of a binary client at once", () => {
    const each = new Terminal();
    void each.receive(...will(BINARY), ...Buffer.from("é"), "\r");
    expect(each.screen.heard).toEqual(["é", "\r"]);
  });
});

test("are-you-there is answered, other commands are not", () => {
  const each = new Terminal();
  expect(each.answerTo(...iac(NOP), ...iac(AYT)).toString()).toBe("\r\n[Yes]\r\n");
});

test("what a client says of its keys is not followed", () => {
  const each = new Terminal();
  expect(each.answerTo(...about(LINEMODE, 3, 1, 0, 0), ...about(LINEMODE, 1, 6), ...about(LINEMODE)).length).toBe(0);
});
