/** Options are agreed upon, refused and ended as RFC 854 has it, whoever begins. */
import { ConnectionLost } from "@strombus/reactor/error";
import { AssertionError, ValueError } from "@strombus/reactor/exceptions";
import { Failure } from "@strombus/reactor/failure";
import { assertNoResult, failureResultOf, successResultOf } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { AlreadyDisabled, AlreadyEnabled, AlreadyNegotiating, OptionRefused, TelnetError } from "./errors.js";
import { do_, dont, Telnetting, will, wont } from "./recording.test.support.js";

describe("what the peer wants", () => {
  test("is refused when the protocol does not want it", () => {
    const each = new Telnetting();
    each.receive(...will(12), ...do_(12));
    expect(each.sent()).toEqual([...dont(12), ...wont(12)]);
    expect(each.protocol.heard).toEqual([]);
  });

  test("is accepted when the protocol wants it, and once", () => {
    const each = new Telnetting();
    each.protocol.local.add(19);
    each.protocol.remote.add(91);
    each.receive(...do_(19), ...will(91));
    expect(each.sent()).toEqual([...will(19), ...do_(91)]);
    expect(each.protocol.heard).toEqual([
      ["enableLocal", 19],
      ["enableRemote", 91],
    ]);
    each.receive(...do_(19), ...will(91));
    expect(each.sent()).toEqual([]);
  });

  test("ends what was on", () => {
    const each = new Telnetting();
    each.telnet.getOptionState(29).him.state = "yes";
    each.telnet.getOptionState(Buffer.of(30)).us.state = "yes";
    each.receive(...wont(29), ...dont(30));
    expect(each.sent()).toEqual([...dont(29), ...wont(30)]);
    expect(each.protocol.heard).toEqual([
      ["disableRemote", 29],
      ["disableLocal", 30],
    ]);
    expect([each.telnet.getOptionState(29).him.state, each.telnet.getOptionState(30).us.state]).toEqual(["no", "no"]);
    each.receive(...wont(29), ...dont(30), ...wont(44), ...dont(44));
    expect(each.sent()).toEqual([]);
  });

  test("counts as wanted by nothing but true", () => {
    const each = new Telnetting();
    each.protocol.enableLocal = () => "yes" as never;
    each.receive(...do_(19));
    expect(each.sent()).toEqual(wont(19));
  });
});

describe("what we want", () => {
  test("is sent, and fires when the peer agrees", () => {
    const each = new Telnetting();
    each.protocol.remote.add(42);
    const [asked, offered] = [each.telnet.do(42), each.telnet.will(Buffer.of(43))];
    expect(each.sent()).toEqual([...do_(42), ...will(43)]);
    assertNoResult(asked);
    each.receive(...will(42), ...do_(43));
    expect([successResultOf(asked), successResultOf(offered)]).toEqual([true, true]);
    expect(each.protocol.heard).toEqual([["enableRemote", 42]]);
    expect(each.sent()).toEqual([]);
    const [ended, stopped] = [each.telnet.dont(42), each.telnet.wont(43)];
    expect(each.sent()).toEqual([...dont(42), ...wont(43)]);
    each.receive(...wont(42), ...dont(43));
    expect([successResultOf(ended), successResultOf(stopped)]).toEqual([true, true]);
    expect(each.protocol.heard.slice(1)).toEqual([
      ["disableRemote", 42],
      ["disableLocal", 43],
    ]);
  });

  test("fails when the peer refuses", () => {
    const each = new Telnetting();
    const [asked, offered] = [each.telnet.do(42), each.telnet.will(43)];
    each.receive(...wont(42), ...dont(43));
    for (const [deferred, option] of [
      [asked, 42],
      [offered, 43],
    ] as const) {
      expect(failureResultOf(deferred, OptionRefused).value).toMatchObject({ option, args: [option] });
      const state = each.telnet.getOptionState(option);
      for (const side of [state.us, state.him])
        expect(side).toEqual({ state: "no", negotiating: false, onResult: null });
    }
  });

  test("waits for what is under way", () => {
    const each = new Telnetting();
    each.protocol.remote.add(42);
    each.telnet.getOptionState(42).him.state = "yes";
    const ended = each.telnet.dont(42);
    for (const verb of ["do", "dont", "will", "wont"] as const)
      failureResultOf(each.telnet[verb](42), AlreadyNegotiating);
    each.receive(...wont(42));
    expect(successResultOf(ended)).toBe(true);
    const again = each.telnet.do(42);
    each.receive(...will(42));
    expect(successResultOf(again)).toBe(true);
  });

  test("may be taken back in the moment it is agreed", () => {
    const each = new Telnetting();
    each.protocol.remote.add(42);
    const ended = each.telnet.do(42).addCallback(() => each.telnet.dont(42));
    each.receive(...will(42));
    expect(each.sent()).toEqual([...do_(42), ...dont(42)]);
    each.receive(...wont(42));
    expect(successResultOf(ended)).toBe(true);
  });

  test("fails when it is so already", () => {
    const each = new Telnetting();
    failureResultOf(each.telnet.dont(42), AlreadyDisabled);
    failureResultOf(each.telnet.wont(42), AlreadyDisabled);
    Object.assign(each.telnet.getOptionState(42).him, { state: "yes" });
    Object.assign(each.telnet.getOptionState(42).us, { state: "yes" });
    const { value } = failureResultOf(each.telnet.do(42), AlreadyEnabled);
    failureResultOf(each.telnet.will(42), AlreadyEnabled);
    expect(each.sent()).toEqual([]);
    expect(String(value)).toBe("AlreadyEnabled: option 42");
    expect(value).toBeInstanceOf(TelnetError);
  });

  test.each([-1, 256, 1.5, NaN, Buffer.of(), Buffer.of(1, 2)])("is no option when it is %j", (option) => {
    expect(() => new Telnetting().telnet.do(option)).toThrow(ValueError);
  });

  test("fails with the connection, also when it is asked for afterwards", () => {
    const each = new Telnetting();
    each.telnet.getOptionState(3).him.state = "yes";
    const waiting = [each.telnet.do(1), each.telnet.will(2), each.telnet.dont(3)];
    const reason = new Failure(new ConnectionLost());
    void each.telnet.connectionLost(reason);
    for (const each of waiting) expect(failureResultOf(each)).toBe(reason);
    expect(failureResultOf(each.telnet.do(5))).toBe(reason);
    expect(each.protocol.heard).toEqual([["lost", reason]]);
  });

  test("and is not wanted any more is the protocol's own mistake", () => {
    const each = new Telnetting();
    const asked = each.telnet.do(42);
    expect(() => each.receive(...will(42))).toThrow(AssertionError);
    expect(successResultOf(asked)).toBe(true);
  });
});

describe("a peer that breaks the rules loses its connection, and nobody throws", () => {
  test("by going on while it is told to stop, or the like", () => {
    for (const [side, verb, answer] of [
      ["him", "dont", will],
      ["us", "wont", do_],
    ] as const) {
      const each = new Telnetting();
      each.telnet.getOptionState(42)[side].state = "yes";
      const asked = each.telnet[verb](42);
      each.receive(...answer(42), "data", ...do_(1));
      expect(each.wire.disconnecting).toBe(true);
      expect(each.protocol.heard).toEqual([]);
      assertNoResult(asked);
      void each.telnet.connectionLost();
      failureResultOf(asked);
    }
  });

  test("by asking without end", () => {
    const each = new Telnetting();
    each.telnet.maxAnswers = 10;
    each.receive(...Array.from({ length: 10 }, () => do_(12)).flat());
    expect([each.sent().length, each.wire.disconnecting]).toEqual([30, false]);
    each.receive(...Array.from({ length: 10 }, () => do_(12)).flat());
    expect([each.sent().length, each.wire.disconnecting]).toEqual([0, true]);
  });
});
