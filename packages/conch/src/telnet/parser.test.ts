/** Data, commands and subnegotiations come out as they were sent, however they are cut. */
import { providedBy } from "@strombus/reactor/components";
import { NotImplementedError, ValueError } from "@strombus/reactor/exceptions";
import { StringTransport } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { AO, AYT, BINARY, BRK, DM, EC, EL, EOR, GA, IAC, IP, NOP, SB, SE, WILL } from "./constants.js";
import { ITelnetProtocol } from "./interfaces.js";
import { Telnet } from "./parser.js";
import { bytes, dont, iac, Telnetting, will } from "./recording.test.support.js";
import { TelnetProtocol, TelnetTransport } from "./transport.js";

/** What is heard when the peer sends this, in one piece. */
function heard(...pieces: (number | string)[]): unknown[] {
  const each = new Telnetting();
  each.receive(...pieces);
  return each.protocol.heard;
}

/** The same, byte by byte: data alone. */
function heardByByte(...pieces: (number | string)[]): string {
  const each = new Telnetting();
  for (const byte of bytes(...pieces)) each.receive(byte);
  return each.protocol.heard.join("");
}

describe("data", () => {
  test.each([
    ["plain", ["here are some bytes\nthat are plain"], "here are some bytes\nthat are plain"],
    ["CR LF", ["a\r\nb\r\n"], "a\nb\n"],
    ["CR NUL", ["a\r\0b\r\0"], "a\rb\r"],
    ["CR and something else", ["a\rb"], "a\rb"],
    ["FF doubled", ["a", IAC, IAC, "b", IAC, IAC], "a\xffb\xff"],
    ["CR and FF", ["a\r", IAC, IAC, "b"], "a\r\xffb"],
    ["NUL and bytes of eight bits", ["\0\x80\xfe"], "\0\x80\xfe"],
  ])("%s, in one piece and byte by byte", (_, pieces, text) => {
    expect(heard(...pieces)).toEqual([text]);
    expect(heardByByte(...pieces)).toBe(text);
  });

  test("a CR at the end waits for what follows", () => {
    const each = new Telnetting();
    each.receive("a\r");
    expect(each.protocol.heard).toEqual(["a"]);
    each.receive("\nb");
    expect(each.protocol.heard).toEqual(["a", "\nb"]);
  });

  test("of a peer that sends in binary has its CR as it is", () => {
    const each = new Telnetting();
    each.protocol.remote.add(BINARY);
    each.receive(...will(BINARY), "a\r", "\r\n");
    expect(each.protocol.heard.slice(1)).toEqual(["a\r\r\n"]);
  });
});

describe("commands", () => {
  test.each([EOR, NOP, DM, BRK, IP, AO, AYT, EC, EL, GA])("%i is told, between the data around it", (command) => {
    expect(heard("before", ...iac(command), "after")).toEqual(["before", ["command", command, null], "after"]);
    const each = new Telnetting();
    let count = 0;
    each.telnet.commandMap.set(command, () => {
      count += 1;
    });
    each.receive(...iac(command));
    expect([count, each.protocol.heard]).toEqual([1, []]);
  });

  test.each([236, 237, 238, SE, 0, 100])("%i, which is none, is told as one", (command) => {
    expect(heard("a", ...iac(command), "b")).toEqual(["a", ["command", command, null], "b"]);
  });

  test("data comes before an option that is told behind it", () => {
    const each = new Telnetting();
    each.protocol.remote.add(7);
    each.receive("data", ...will(7), "more");
    expect(each.protocol.heard).toEqual(["data", ["enableRemote", 7], "more"]);
  });
});

describe("subnegotiations", () => {
  const wire = bytes("a", ...iac(SB, 0x12), "hi", SE, IAC, IAC, "\r\n", ...iac(SE), "b");
  const told = ["subnegotiation", 0x12, [...bytes("hi", SE, IAC, "\r\n")]];

  test("are told, or go to their handler, with SE and FF in them", () => {
    expect(heard(...wire)).toEqual(["a", told, "b"]);
    const each = new Telnetting();
    const got: number[][] = [];
    each.telnet.negotiationMap.set(0x12, (payload) => void got.push([...payload]));
    each.receive(...wire);
    expect([got, each.protocol.heard]).toEqual([[told[2]], ["a", "b"]]);
  });

  test("may be cut anywhere", () => {
    for (let cut = 0; cut <= wire.length; cut++) {
      const each = new Telnetting();
      each.receive(...wire.subarray(0, cut));
      each.receive(...wire.subarray(cut));
      expect(each.protocol.heard, `cut at ${cut}`).toEqual(["a", told, "b"]);
    }
  });

  test("that are empty are about nothing", () => {
    expect(heard(...iac(SB), ...iac(SE), "b")).toEqual(["b"]);
  });

  test("that are too long end the connection, and what follows does not count", () => {
    const each = new Telnetting();
    each.telnet.maxSubnegotiation = 8;
    each.receive(...iac(SB), "12345678", ...iac(SE));
    expect([each.protocol.heard.length, each.wire.disconnecting]).toEqual([1, false]);
    each.receive(...iac(SB), "123456789", ...iac(SE), "data");
    expect([each.protocol.heard.length, each.wire.disconnecting]).toEqual([1, true]);
  });

  test("go out with their FF doubled", () => {
    const each = new Telnetting();
    each.telnet.requestNegotiation(1, Buffer.of(2, 3));
    expect(each.sent()).toEqual([...iac(SB, 1), 2, 3, ...iac(SE)]);
    each.telnet.requestNegotiation(Buffer.of(IAC), Buffer.of(IAC));
    expect(each.sent()).toEqual([...iac(SB), IAC, IAC, IAC, IAC, ...iac(SE)]);
    expect(() => each.telnet.requestNegotiation(256, Buffer.of())).toThrow(ValueError);
  });
});

describe("the base class", () => {
  test("wants nothing, and does not know how to end what it has not begun", () => {
    const telnet = new Telnet();
    expect([telnet.enableLocal(0), telnet.enableRemote(0)]).toEqual([false, false]);
    expect(() => telnet.disableLocal(0)).toThrow(NotImplementedError);
    expect(() => telnet.disableRemote(0)).toThrow(NotImplementedError);
  });

  test("drops what nobody handles", () => {
    const telnet = new Telnet();
    const wire = new StringTransport();
    void telnet.makeConnection(wire);
    void telnet.dataReceived(bytes("data", ...iac(NOP), ...iac(SB, 1), ...iac(SE), IAC, WILL, 3));
    expect([...wire.value()]).toEqual(dont(3));
  });
});

test("a TelnetProtocol is an ITelnetProtocol that refuses all", () => {
  const protocol = new TelnetProtocol();
  expect(providedBy(ITelnetProtocol, protocol)).toBe(true);
  expect([protocol.enableLocal(1), protocol.enableRemote(1)]).toEqual([false, false]);
});

test("what a protocol promises and rejects reaches the transport, as what it throws does", async () => {
  class Failing extends TelnetProtocol {
    override dataReceived(): Promise<void> {
      return Promise.reject(new RangeError("data"));
    }
    override unhandledCommand(): void {
      throw new RangeError("command");
    }
  }
  const telnet = new TelnetTransport(Failing);
  void telnet.makeConnection(new StringTransport());
  await expect(telnet.dataReceived(bytes("x"))).rejects.toThrow("data");
  expect(() => telnet.dataReceived(bytes(...iac(NOP)))).toThrow("command");
  await expect(telnet.dataReceived(bytes("x", ...iac(NOP)))).rejects.toThrow();
});
