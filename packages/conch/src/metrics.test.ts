import { Registry, register } from "prom-client";
import { expect, test } from "vitest";
import { echoServer, match, talkingClient } from "./hostile/victims.test.support.js";
import type { EventFields, EventName } from "./events.js";
import { eventOf } from "./events/report.js";
import { metrics } from "./metrics.js";
import { SSHFactory } from "./ssh/factory.js";

/** The samples of a registry: a line's name and labels, and its value. */
async function samples(registry: Registry): Promise<Map<string, number>> {
  const lines = (await registry.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.replace(/ \S+$/, ""), Number(line.replace(/^.* /, ""))]));
}

function tell<N extends EventName>(factory: SSHFactory, name: N, fields: EventFields[N]): void {
  factory.events.tell(eventOf({}, name, fields) as never);
}

test("a visit is counted while it lasts and after it", async () => {
  let registry!: Registry;
  const made = await match((clock, ledger) => {
    const server = echoServer(clock, ledger);
    registry = metrics(server.factory as SSHFactory);
    return server;
  }, talkingClient);
  for (let n = 0; n < 4; n++) {
    made.clock.advance(0.25);
    await made.settle();
  }
  const during = await samples(registry);
  const ssh = (name: string) => during.get(`strombus_ssh_${name}`);
  expect(ssh("connections_open")).toBe(1);
  expect(ssh("connections_total")).toBe(1);
  expect(ssh('logins_total{method="password",outcome="accepted"}')).toBe(1);
  expect(ssh('channels_open{type="session"}')).toBe(1);
  expect(ssh('sessions_open{kind="shell"}')).toBe(1);
  expect(ssh("handshake_duration_seconds_count")).toBe(1);
  expect(ssh("received_bytes_total")).toBe(made.server.bytesReceived);
  expect(ssh("queued_bytes")).toBe(0);
  expect(ssh('event_loop_delay_seconds{quantile="0.99"}')).toBeGreaterThanOrEqual(0);
  made.client.sendDisconnect(11, "bye");
  made.pump.flush();
  made.clock.advance(10);
  made.pump.flush();
  const after = await samples(registry);
  expect(after.get("strombus_ssh_connections_open")).toBe(0);
  expect(after.get('strombus_ssh_channels_open{type="session"}')).toBe(0);
  expect(after.get('strombus_ssh_sessions_open{kind="shell"}')).toBe(0);
  expect(after.get("strombus_ssh_received_bytes_total")).toBeGreaterThan(ssh("received_bytes_total")!);
});

test("nothing that a peer chose becomes a label", async () => {
  const factory = new SSHFactory();
  const registry = metrics(factory, { channelTypes: ["echo@example.com"] });
  const before = (await samples(registry)).size;
  for (let n = 0; n < 100; n++) {
    const type = `evil"${n}\n`;
    tell(factory, "ssh.channel.refused", {
      "ssh.channel.type": type,
      "ssh.channel.initiator": "client",
      "ssh.channel.reason": type,
    });
    tell(factory, "ssh.login", {
      "ssh.login.outcome": "refused",
      "ssh.login.method": type,
      "ssh.key.fingerprint": null,
      "ssh.login.checker": null,
      "ssh.login.reason": type,
    });
    tell(factory, "ssh.connection.refused", { "ssh.refusal.reason": type });
    tell(factory, "ssh.forwarding.refused", {
      "ssh.forwarding.kind": type,
      "ssh.forwarding.address": type,
      "ssh.forwarding.port": n,
    });
  }
  tell(factory, "ssh.channel.refused", {
    "ssh.channel.type": "echo@example.com",
    "ssh.channel.initiator": "client",
    "ssh.channel.reason": "",
  });
  const told = await samples(registry);
  expect(told.get('strombus_ssh_channels_refused_total{type="other"}')).toBe(100);
  expect(told.get('strombus_ssh_channels_refused_total{type="echo@example.com"}')).toBe(1);
  expect(told.get('strombus_ssh_logins_total{method="other",outcome="refused"}')).toBe(100);
  expect(told.get('strombus_ssh_connections_refused_total{reason="other"}')).toBe(100);
  expect(told.size - before).toBe(5);
});

test("several factories are counted together, in a registry of one's own; the global one stays empty", async () => {
  const [one, two] = [new SSHFactory(), new SSHFactory()];
  const registry = new Registry();
  expect(metrics([one, two], { registry, prefix: "my_" })).toBe(registry);
  for (const each of [one, two]) tell(each, "ssh.connection.opened", {});
  expect((await samples(registry)).get("my_connections_total")).toBe(2);
  expect(register.getMetricsAsArray()).toEqual([]);
});
