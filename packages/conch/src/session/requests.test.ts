/** The requests of a session that only some sessions can do. */
import { implementer } from "@strombus/reactor/components";
import { fail } from "@strombus/reactor/defer";
import { ProcessExitedAlready } from "@strombus/reactor/error";
import { RuntimeError, ValueError } from "@strombus/reactor/exceptions";
import { expect, test } from "vitest";
import { ConchUser } from "../avatar.js";
import { loggedErrors } from "../channel/fixtures.test.support.js";
import { ISession, ISessionForwardAgent, ISessionForwardX11, ISessionSignal, type X11Request } from "../interfaces.js";
import { Break, Signal, X11Req } from "../messages/connection.js";
import { SSHSession } from "../ssh/session.js";

@implementer(ISession)
class Plain extends ConchUser implements ISession {
  readonly calls: unknown[] = [];
  getPty(): void {}
  openShell(): void {}
  execCommand(): void {}
  windowChanged(): void {}
  eofReceived(): void {}
  closed(): void {}
}

@implementer(ISessionSignal, ISessionForwardAgent, ISessionForwardX11)
class Able extends Plain implements ISessionSignal, ISessionForwardAgent, ISessionForwardX11 {
  signalReceived(signal: string): void {
    if (signal === "KILL") throw new RuntimeError("never");
    this.calls.push(signal);
  }
  breakReceived(milliseconds: number): void {
    this.calls.push(milliseconds);
  }
  forwardAgent(): void {
    this.calls.push("agent");
  }
  forwardX11(request: X11Request): void {
    this.calls.push(request);
  }
}

const x11 = (changes: Partial<X11Request>) =>
  X11Req.encode({
    singleConnection: true,
    protocol: "MIT-MAGIC-COOKIE-1",
    cookie: "00112233445566778899aabbccddeeff",
    screen: 1,
    ...changes,
  });

function ask(avatar: ConchUser, request: string, data: Uint8Array): unknown {
  return new SSHSession({ avatar }).requestReceived(request, Buffer.from(data));
}

test("a signal by its name, a break, the agent and a display reach a session that can do them", () => {
  const user = new Able();
  for (const name of ["TERM", "USR1", "INFO@openssh.com"]) {
    expect(ask(user, "signal", Signal.encode({ name }))).toBe(true);
  }
  expect(ask(user, "break", Break.encode({ milliseconds: 500 }))).toBe(true);
  expect(ask(user, "auth-agent-req@openssh.com", Buffer.alloc(0))).toBe(true);
  expect(ask(user, "x11-req", x11({}))).toBe(true);
  expect(user.calls).toEqual([
    "TERM",
    "USR1",
    "INFO",
    500,
    "agent",
    {
      singleConnection: true,
      protocol: "MIT-MAGIC-COOKIE-1",
      cookie: "00112233445566778899aabbccddeeff",
      screen: 1,
    },
  ]);
});

test("C8: a signal by any other name is refused, and so is one that the session will not have", () => {
  const user = new Able();
  for (const name of ["SIGTERM", "term", "INFO", "WINCH", "constructor", ""]) {
    expect(ask(user, "signal", Signal.encode({ name }))).toBe(false);
  }
  const errors = loggedErrors(() => {
    expect(ask(user, "signal", Signal.encode({ name: "KILL" }))).toBe(false);
  });
  expect(errors).toEqual([new RuntimeError("never")]);
  expect(user.calls).toEqual([]);
});

test("that the system lacks a signal, or the program has ended, is a refusal and no failure", () => {
  const user = new Able();
  const errors = loggedErrors(() => {
    for (const error of [new ValueError("there is no signal INFO"), new ProcessExitedAlready()]) {
      user.signalReceived = () => {
        throw error;
      };
      expect(ask(user, "signal", Signal.encode({ name: "INFO@openssh.com" }))).toBe(false);
      user.signalReceived = () => fail(error) as never; // a session may be slow to tell
      expect(ask(user, "signal", Signal.encode({ name: "INFO@openssh.com" }))).toBe(false);
    }
  });
  expect(errors).toEqual([]);
});

test("what a session cannot do is refused, and so is everything without a session", () => {
  const errors = loggedErrors(() => {
    for (const user of [new Plain(), new ConchUser()]) {
      expect(ask(user, "signal", Signal.encode({ name: "TERM" }))).toBe(false);
      expect(ask(user, "break", Break.encode({ milliseconds: 500 }))).toBe(false);
      expect(ask(user, "auth-agent-req@openssh.com", Buffer.alloc(0))).toBe(false);
      expect(ask(user, "x11-req", x11({}))).toBe(false);
    }
  });
  expect(errors).toEqual([]);
});

test("nothing but plain words reaches xauth", () => {
  const user = new Able();
  loggedErrors(() => {
    for (const odd of [
      { protocol: "MIT MAGIC" },
      { protocol: "" },
      { protocol: "a\nadd unix:1" },
      { cookie: "xyz" },
      { cookie: "" },
      { cookie: "0" },
      { cookie: "00\n" },
      { cookie: "00".repeat(200) },
    ]) {
      expect(ask(user, "x11-req", x11(odd))).toBe(false);
    }
  });
  expect(user.calls).toEqual([]);
});
