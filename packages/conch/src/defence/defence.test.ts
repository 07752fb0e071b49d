import { IPv4Address, IPv6Address, UNIXAddress } from "@strombus/reactor/address";
import { Clock } from "@strombus/reactor/task";
import { capturedLogs } from "@strombus/reactor/logger";
import { describe, expect, test } from "vitest";
import type { Offence, Visit } from "../transport/gate.js";
import { Defence, type DefenceOptions } from "./defence.js";

const from = (host: string) => (host.includes(":") ? new IPv6Address("TCP", host, 1) : new IPv4Address("TCP", host, 1));

function defended(options: DefenceOptions = {}) {
  const clock = new Clock();
  const defence = new Defence({ clock, ...options });
  /** One connection that ends without a login, having done this. */
  const misbehave = (host: string, offence: Offence): void => {
    const visit = defence.admit(from(host))!;
    visit.commit(offence);
    visit.left();
  };
  return { clock, defence, misbehave };
}

/** The n-th address of a large network. */
const nth = (n: number): string => `198.18.${n >> 8}.${n & 255}`;

describe("connections that have not logged in (R5)", () => {
  test("are bounded by source; those that log in or go make room", () => {
    const { defence } = defended({ perSource: 2 });
    const admit = () => defence.admit(from("192.0.2.1"));
    const [one, two] = [admit()!, admit()!];
    expect(admit()).toBeNull();
    expect(defence.admit(from("192.0.2.2"))).not.toBeNull();
    one.loggedIn();
    expect(admit()).not.toBeNull();
    expect(admit()).toBeNull();
    two.left();
    expect(admit()).not.toBeNull();
    expect(defence.refused.get("source")).toBe(2);
  });

  test("of one IPv6 network are one source", () => {
    const { defence } = defended({ perSource: 1 });
    expect(defence.admit(from("2001:db8::1"))).not.toBeNull();
    expect(defence.admit(from("2001:db8::2"))).toBeNull();
    expect(defence.admit(from("2001:db8:0:1::2"))).not.toBeNull();
  });

  test("are all let in below the start, at its odds there, and none when it is full", () => {
    let odds = 0;
    const { defence } = defended({ startups: { start: 2, rate: 0.3, full: 4 }, random: () => odds });
    const admit = (n: number) => defence.admit(from(nth(n))) !== null;
    expect([admit(0), admit(1)]).toEqual([true, true]);
    odds = 0.29;
    expect(admit(2)).toBe(false);
    odds = 0.31;
    expect(admit(3)).toBe(true);
    odds = 0.64; // half the way from 0.3 to 1
    expect(admit(4)).toBe(false);
    odds = 0.66;
    expect(admit(5)).toBe(true);
    odds = 0.9999;
    expect(admit(6)).toBe(false);
    expect(Object.fromEntries(defence.refused)).toEqual({ random: 2, full: 1 });
  });

  test("count no longer when they have logged in", () => {
    const { defence } = defended({ startups: { start: 1, rate: 1, full: 1 } });
    for (let n = 0; n < 50; n++) defence.admit(from(nth(n)))!.loggedIn();
    expect([defence.startups, defence.connections]).toEqual([0, 50]);
  });

  test("leave nothing behind, whatever is called twice", () => {
    const { defence } = defended();
    const visits: Visit[] = [];
    for (let n = 0; n < 50; n++) visits.push(defence.admit(from(nth(n)))!);
    for (const visit of visits.slice(25)) visit.loggedIn();
    for (const visit of [...visits, ...visits]) {
      visit.left();
      visit.loggedIn();
    }
    expect([defence.startups, defence.connections]).toEqual([0, 0]);
  });

  test("are not even counted from loopback, from exempt networks and from UNIX sockets", () => {
    const { defence } = defended({ perSource: 0, exempt: ["192.0.2.0/24"] });
    for (const host of ["127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1", "192.0.2.77"]) {
      expect(defence.admit(from(host))).not.toBeNull();
    }
    expect(defence.admit(new UNIXAddress("/run/socket"))).not.toBeNull();
    expect(defence.connections).toBe(0);
    expect(defence.admit(from("203.0.113.1"))).toBeNull();
    expect(defended({ perSource: 0, exemptLoopback: false }).defence.admit(from("127.0.0.1"))).toBeNull();
  });
});

test("connections in all are bounded if that is asked for, logged in or not", () => {
  const { defence } = defended({ maxConnections: 2 });
  const first = defence.admit(from("192.0.2.1"))!;
  first.loggedIn();
  defence.admit(from("192.0.2.2"));
  expect(defence.admit(from("192.0.2.3"))).toBeNull();
  expect(defence.refused.get("connections")).toBe(1);
  first.left();
  expect(defence.admit(from("192.0.2.3"))).not.toBeNull();
});

test("newcomers are refused when the process is short of memory", () => {
  const { defence } = defended({ memoryPressure: 0 });
  expect(defence.admit(from("192.0.2.1"))).toBeNull();
  expect(defence.refused.get("memory")).toBe(1);
});

describe("a source that misbehaves (R6)", () => {
  test("is refused after one breach of the protocol, for 90 s", () => {
    const { defence, clock, misbehave } = defended();
    misbehave("192.0.2.1", "protocol");
    clock.advance(89);
    expect(defence.admit(from("192.0.2.1"))).toBeNull();
    expect(defence.admit(from("192.0.2.2"))).not.toBeNull();
    clock.advance(1);
    expect(defence.admit(from("192.0.2.1"))).not.toBeNull();
    expect(defence.refused.get("penalty")).toBe(1);
  });

  test("is refused for failed logins once they come to 15 s, until all is paid", () => {
    const { defence, clock, misbehave } = defended();
    misbehave("192.0.2.1", "login");
    misbehave("192.0.2.1", "login");
    expect(defence.admit(from("192.0.2.1"))).not.toBeNull();
    misbehave("192.0.2.1", "login");
    clock.advance(14.5);
    expect(defence.admit(from("192.0.2.1"))).toBeNull();
    clock.advance(0.5);
    expect(defence.admit(from("192.0.2.1"))).not.toBeNull();
  });

  test("is never felt when its offences are far apart", () => {
    const { defence, clock, misbehave } = defended();
    for (let n = 0; n < 100; n++) {
      misbehave("192.0.2.1", "login");
      clock.advance(5);
    }
    expect(defence.refused.size).toBe(0);
  });

  test("pays for the worst of what one connection did, and nothing when that one logged in", () => {
    const { defence } = defended();
    const guessed = defence.admit(from("192.0.2.1"))!;
    for (const offence of ["login", "protocol", "login", "nothing"] as const) guessed.commit(offence);
    guessed.left();
    expect(defence.admit(from("192.0.2.1"))).toBeNull();

    const mistyped = defence.admit(from("192.0.2.2"))!;
    mistyped.commit("login");
    mistyped.loggedIn();
    mistyped.left();
    expect(defence.penalised).toBe(1);
  });

  test("is refused for 600 s at the most", () => {
    const { defence, clock } = defended();
    const visits = Array.from({ length: 30 }, () => defence.admit(from("192.0.2.1"))!);
    for (const visit of visits) {
      visit.commit("protocol");
      visit.left();
    }
    clock.advance(599);
    expect(defence.admit(from("192.0.2.1"))).toBeNull();
    clock.advance(1);
    expect(defence.admit(from("192.0.2.1"))).not.toBeNull();
  });

  test("is forgotten in time, and a full table lets newcomers in", () => {
    const { defence, clock, misbehave } = defended({ penalties: { sources: 100 } });
    for (let n = 0; n < 300; n++) misbehave(nth(n), "protocol");
    expect(defence.penalised).toBe(100);
    expect(defence.admit(from(nth(0)))).toBeNull();
    expect(defence.admit(from(nth(200)))).not.toBeNull();
    clock.advance(91);
    for (let n = 300; n < 350; n++) misbehave(nth(n), "protocol");
    expect(defence.penalised).toBe(50);
  });

  test("pays nothing where penalties are off", () => {
    const { defence, misbehave } = defended({ penalties: null });
    for (let n = 0; n < 20; n++) misbehave("192.0.2.1", "protocol");
    expect(defence.refused.size).toBe(0);
  });
});

test("a flood of refusals is one line a second, which tells of the rest (L4)", () => {
  const { defence, clock } = defended({ perSource: 0 });
  const lines = capturedLogs(() => {
    for (let n = 0; n < 1000; n++) defence.admit(from("192.0.2.1"));
    clock.advance(1);
    defence.admit(from("192.0.2.9"));
  });
  const told = lines.filter(({ log_namespace }) => log_namespace === "strombus.conch.defence");
  expect(told.map(({ host, reason, more }) => ({ host, reason, more }))).toEqual([
    { host: "192.0.2.1", reason: "source", more: 0 },
    { host: "192.0.2.9", reason: "source", more: 999 },
  ]);
});
