import { capturedLogs, formatEvent } from "@strombus/reactor/logger";
import { Clock } from "@strombus/reactor/testing";
import { expect, test } from "vitest";
import { echoServer, match, talkingClient } from "../hostile/victims.test.support.js";
import { TCPChannel } from "../messages/forwarding.js";
import { SSHChannel } from "../ssh/channel.js";
import type { ConchUser } from "../avatar.js";
import type { SSHConnection } from "../ssh/connection.js";
import type { SSHFactory } from "../ssh/factory.js";
import type { SSHServerTransport } from "../ssh/transport.js";
import type { EventName, SSHEvent } from "./catalogue.js";
import { SSHEvents } from "./observers.js";
import { eventOf, plain } from "./report.js";

const ledger = () => ({ logins: 0, logouts: 0, opened: 0, closed: 0 });

/** A login, a shell and the client's end; what was told of them. */
async function talk(): Promise<{ events: SSHEvent[]; lines: string[] }> {
  const events: SSHEvent[] = [];
  const made = await match((clock, books) => {
    const server = echoServer(clock, books);
    (server.factory as SSHFactory).events.onAny((event) => events.push(event));
    return server;
  }, talkingClient);
  for (let n = 0; n < 4; n++) {
    made.clock.advance(0.25);
    await made.settle();
  }
  const logged = capturedLogs(() => {
    made.client.sendDisconnect(11, "bye\x1b[31m\nroot logged in");
    made.pump.flush();
    made.clock.advance(10);
    made.pump.flush();
  });
  return { events, lines: logged.map(formatEvent) };
}

function only<N extends EventName>(events: readonly SSHEvent[], name: N): SSHEvent<N> {
  const found = events.filter((each) => each["event.name"] === name);
  expect(found.length).toBe(1);
  return found[0] as SSHEvent<N>;
}

test("a visit is told from its first moment to its last, under one number", async () => {
  const { events } = await talk();
  expect(events.map((each) => each["event.name"])).toEqual([
    "ssh.connection.opened",
    "ssh.handshake.completed",
    "ssh.login",
    "ssh.channel.opened",
    "ssh.session.started",
    "ssh.session.ended",
    "ssh.channel.closed",
    "ssh.logout",
    "ssh.connection.closed",
  ]);
  expect(new Set(events.map((each) => each["ssh.connection.id"])).size).toBe(1);
  const login = only(events, "ssh.login");
  expect(login).toMatchObject({
    "ssh.login.outcome": "accepted",
    "ssh.login.method": "password",
    "user.name": "user",
    "ssh.key.fingerprint": null,
    "ssh.login.checker": "InMemoryUsernamePasswordDatabaseDontUse",
  });
  expect(login["ssh.hassh"]).toMatch(/^[0-9a-f]{32}$/);
  expect(login["ssh.client.version"]).toMatch(/^SSH-2\.0-Strombus/);
  expect(only(events, "ssh.connection.opened")["ssh.hassh"]).toBeNull();
  expect(only(events, "ssh.session.started")).toMatchObject({ "ssh.session.kind": "shell", "user.name": "user" });
  const closed = only(events, "ssh.connection.closed");
  expect(closed).toMatchObject({ "ssh.disconnect.initiator": "client", "ssh.disconnect.code": 11 });
  expect(closed["ssh.connection.bytes_received"]).toBeGreaterThan(500);
  expect(closed["ssh.connection.bytes_sent"]).toBeGreaterThan(500);
  expect(closed["ssh.connection.duration"]).toBeGreaterThan(0);
});

test("new keys, how a session ends, and forwardings are told", async () => {
  const events: SSHEvent[] = [];
  let server!: SSHServerTransport;
  const made = await match((clock, books) => {
    server = echoServer(clock, books);
    (server.factory as SSHFactory).events.onAny((event) => events.push(event));
    return server;
  }, talkingClient);
  const pass = async () => {
    for (let n = 0; n < 4; n++) {
      made.clock.advance(0.25);
      await made.settle();
    }
  };
  await pass();
  class Forwarded extends SSHChannel {
    override name = "direct-tcpip";
  }
  const [here, there] = [server.service, made.client.service] as unknown as [SSHConnection, SSHConnection];
  const to = TCPChannel.encode({ host: "db\n.example", port: 5432, originHost: "::1", originPort: 1 });

  await expect(openAnd(pass, there, new Forwarded(), to)).rejects.toThrow();
  const forwarding = { "ssh.forwarding.kind": "direct-tcpip", "ssh.forwarding.address": "db\\n.example" };
  expect(only(events, "ssh.forwarding.refused")).toMatchObject({ ...forwarding, "ssh.forwarding.port": 5432 });

  (server.avatar as ConchUser).channelLookup["direct-tcpip"] = Forwarded;
  const channel = new Forwarded();
  await openAnd(pass, there, channel, to);
  expect(only(events, "ssh.forwarding.opened")).toMatchObject({ ...forwarding, "user.name": "user" });
  channel.loseConnection();
  await pass();
  expect(only(events, "ssh.forwarding.closed")).toMatchObject(forwarding);

  expect(events.some((each) => each["event.name"] === "ssh.rekey")).toBe(false);
  made.client.sendKexInit();
  await pass();
  expect(only(events, "ssh.rekey")["ssh.kex.algorithm"]).toBe(server.kexAlg);
  expect(only(events, "ssh.handshake.completed")["ssh.kex.algorithm"]).toBe(server.kexAlg);

  const session = [...here.channels.values()].find(({ name }) => name === "session")!;
  void here.sendRequest(session, "exit-status", Buffer.of(0, 0, 0, 42));
  session.loseConnection();
  await pass();
  expect(only(events, "ssh.session.ended")).toMatchObject({
    "ssh.session.kind": "shell",
    "ssh.session.status": 42,
    "ssh.session.signal": null,
  });
});

/** Opens a channel while time passes. */
async function openAnd(pass: () => Promise<void>, conn: SSHConnection, channel: SSHChannel, data: Buffer) {
  const opened = Promise.resolve(conn.openChannel(channel, data));
  opened.catch(() => undefined); // looked at below
  await pass();
  return opened;
}

test("L1: what a peer wrote cannot forge a line, in a field or in the log", async () => {
  const { events, lines } = await talk();
  expect(only(events, "ssh.connection.closed")["ssh.disconnect.reason"]).toBe("bye\\x1b[31m\\nroot logged in");
  const line = lines.find((each) => each.includes("is closed: bye"));
  expect(line).toContain("bye\\x1b[31m\\nroot");
  expect(lines.join("")).not.toMatch(/[\x1b\n]/);
  expect(plain("x".repeat(10_000)).length).toBeLessThan(300);
});

test("an observer that throws, or whose promise fails, is logged, and the others are told", () => {
  const events = new SSHEvents();
  const told: string[] = [];
  events.on("ssh.rekey", () => {
    throw new Error("no");
  });
  const stop = events.on("ssh.rekey", (event) => told.push(event["ssh.kex.algorithm"]));
  const event = eventOf({}, "ssh.rekey", { "ssh.kex.algorithm": "k" });
  const lines = capturedLogs(() => events.tell(event));
  expect(lines.length).toBe(1);
  stop();
  stop();
  capturedLogs(() => events.tell(event));
  expect(told).toEqual(["k"]);
});

test("a connection that the defence turns away is refused, and neither opened nor closed", () => {
  const events: SSHEvent[] = [];
  const server: SSHServerTransport = echoServer(new Clock(), ledger());
  const factory = server.factory as SSHFactory;
  factory.defence = { admit: () => null, lastRefusal: "penalty" };
  factory.events.onAny((event) => events.push(event));
  server.makeConnection({
    getPeer: () => ({ host: "192.0.2.1", port: 7, equals: () => false, toString: () => "" }),
    loseConnection() {},
  } as never);
  server.connectionLost();
  expect(events).toMatchObject([
    {
      "event.name": "ssh.connection.refused",
      "ssh.refusal.reason": "penalty",
      "client.address": "192.0.2.1",
      "client.port": 7,
      "network.transport": "tcp",
      "network.type": "ipv4",
    },
  ]);
});
