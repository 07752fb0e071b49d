import { Clock } from "@strombus/reactor/testing";
import { beforeEach, describe, expect, test } from "vitest";
import { SSHChannel } from "../ssh/channel.js";
import { SSHConnection } from "../ssh/connection.js";
import { FakeTransport, open } from "./fixtures.test.support.js";

let clock: Clock;
let conn: SSHConnection;
let transport: FakeTransport;
beforeEach(() => {
  clock = new Clock();
  conn = new SSHConnection();
  transport = Object.assign(new FakeTransport(), { clock }).of(conn);
});

const questions = () => transport.take().filter(([number]) => number === 80).length;
const REQUEST_FAILURE = 82;

describe("keepalive", () => {
  test("C10: a peer that is silent is asked for a sign of life, and after three questions gone", () => {
    conn.serviceStarted();
    const asked = [60, 60, 60].map((seconds) => {
      clock.advance(seconds);
      return questions();
    });
    expect([asked, transport.disconnects]).toEqual([[1, 1, 1], []]);
    clock.advance(60);
    expect(transport.disconnects.map(([reason]) => reason)).toEqual([10]);
  });

  test("C10: any answer counts, and a peer that talks is not asked", () => {
    conn.serviceStarted();
    for (let i = 0; i < 10; i++) {
      clock.advance(60);
      if (questions() > 0) conn.packetReceived(REQUEST_FAILURE, Buffer.alloc(0));
    }
    expect(transport.disconnects).toEqual([]);
    clock.advance(60);
    transport.take();
    for (let i = 0; i < 10; i++) {
      conn.packetReceived(93, Buffer.alloc(8));
      clock.advance(60);
    }
    expect(questions()).toBe(0);
  });

  test("an interval of 0 never asks", () => {
    conn.keepaliveInterval = 0;
    conn.serviceStarted();
    expect(clock.getDelayedCalls()).toEqual([]);
  });
});

describe("a connection that is not used", () => {
  beforeEach(() => {
    conn.keepaliveInterval = 0;
  });

  test("C10: ends after the time it is given", () => {
    conn.unusedTimeout = 100;
    conn.serviceStarted();
    clock.advance(99);
    expect(transport.disconnects).toEqual([]);
    clock.advance(1);
    expect(transport.disconnects.map(([reason]) => reason)).toEqual([11]);
  });

  test("C10: is one without channels, from when the last one closed", () => {
    conn.unusedTimeout = 100;
    conn.serviceStarted();
    const channel = open(conn, new SSHChannel());
    clock.advance(500);
    clock.advance(50);
    conn.channelClosed(channel);
    clock.advance(99);
    expect(transport.disconnects).toEqual([]);
    clock.advance(1);
    expect(transport.disconnects).toHaveLength(1);
  });
});

test("R8: no timer is left when the service stops", () => {
  conn.unusedTimeout = 100;
  conn.serviceStarted();
  expect(clock.getDelayedCalls()).toHaveLength(2);
  conn.serviceStopped();
  expect(clock.getDelayedCalls()).toEqual([]);
});

test("one that begins anew has the timers of one, also where its end was kept from it", () => {
  conn.serviceStarted();
  const before = clock.getDelayedCalls();
  conn.serviceStarted();
  expect(clock.getDelayedCalls()).toHaveLength(before.length);
});

describe("a connection with a time of its own", () => {
  beforeEach(() => {
    conn.keepaliveInterval = 0;
  });

  test("ends when no data has passed for so long, whatever else was said", () => {
    conn.idleTimeout = 100;
    conn.serviceStarted();
    const channel = open(conn, new SSHChannel({ remoteWindow: 1000, remoteMaxPacket: 1000 }));
    for (let i = 0; i < 10; i++) {
      clock.advance(50);
      channel.write("data");
    }
    const start = clock.seconds();
    while (transport.disconnects.length === 0 && clock.seconds() < start + 1000) {
      conn.packetReceived(93, Buffer.alloc(8)); // more window is no data
      clock.advance(5);
    }
    expect(clock.seconds() - start).toBeGreaterThanOrEqual(100);
    expect(clock.seconds() - start).toBeLessThanOrEqual(130);
    expect(transport.disconnects.map(([reason]) => reason)).toEqual([11]);
  });

  test("ends after its longest time, although data passes", () => {
    conn.maxDuration = 100;
    conn.serviceStarted();
    const channel = open(conn, new SSHChannel({ remoteWindow: 10_000, remoteMaxPacket: 1000 }));
    for (let i = 0; i < 99; i++) {
      channel.write("data");
      clock.advance(1);
    }
    expect(transport.disconnects).toEqual([]);
    clock.advance(1);
    expect(transport.disconnects.map(([reason]) => reason)).toEqual([11]);
  });
});
