import { readFileSync } from "node:fs";
import type * as NodeModule from "node:module";
import { Registry, register } from "prom-client";
import { expect, test, vi } from "vitest";
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

test("new keys, sessions and forwardings are counted, and those that ended are not open", async () => {
  const factory = new SSHFactory();
  const registry = metrics(factory);
  const session = { "ssh.channel.id": 0, "ssh.session.kind": "exec", "ssh.subsystem.name": null } as const;
  const ended = { ...session, "ssh.session.status": 1, "ssh.session.signal": null, "ssh.session.duration": 2 };
  const forwarding = {
    "ssh.forwarding.kind": "tcpip-forward",
    "ssh.forwarding.address": "localhost",
    "ssh.forwarding.port": 80,
  };
  for (let n = 0; n < 2; n++) {
    tell(factory, "ssh.rekey", { "ssh.kex.algorithm": "curve25519-sha256" });
    tell(factory, "ssh.session.started", session);
    tell(factory, "ssh.forwarding.opened", forwarding);
  }
  tell(factory, "ssh.session.ended", ended);
  tell(factory, "ssh.forwarding.closed", forwarding);
  tell(factory, "ssh.forwarding.refused", forwarding);
  const told = await samples(registry);
  const ssh = (name: string) => told.get(`strombus_ssh_${name}`);
  expect(ssh("rekeys_total")).toBe(2);
  expect([ssh('sessions_total{kind="exec"}'), ssh('sessions_open{kind="exec"}')]).toEqual([2, 1]);
  expect(ssh('forwardings_total{kind="tcpip-forward",outcome="opened"}')).toBe(2);
  expect(ssh('forwardings_total{kind="tcpip-forward",outcome="refused"}')).toBe(1);
  expect(ssh('forwardings_open{kind="tcpip-forward"}')).toBe(1);
});

test("without prom-client the error says what to install", async () => {
  vi.doMock("node:module", async (original) => {
    const module = await original<typeof NodeModule>();
    const createRequire = (from: string): NodeJS.Require => {
      const real = module.createRequire(from);
      return Object.assign(
        (name: string): unknown => real(name === "prom-client" ? "prom-client-missing" : name),
        real,
      );
    };
    return Object.assign({}, module, { createRequire });
  });
  vi.resetModules();
  try {
    const fresh = await import("./metrics.js");
    expect(() => fresh.metrics(new SSHFactory())).toThrow(
      expect.objectContaining({
        name: "NotImplementedError",
        message: "metrics need the package prom-client: npm install prom-client",
        cause: expect.objectContaining({ code: "MODULE_NOT_FOUND" }) as unknown,
      }) as Error,
    );
  } finally {
    vi.doUnmock("node:module");
    vi.resetModules();
  }
});

const page = readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8");

test("docs/metrics.md has the metrics that there are, with their types and labels, and no others", async () => {
  const registry = metrics(new SSHFactory());
  const labels = new Map(
    registry
      .getMetricsAsArray()
      .map((each) => [each.name, (each as unknown as { labelNames: readonly string[] }).labelNames.join(", ")]),
  );
  const registered = (await registry.getMetricsAsJSON()).map(({ name, type }) => [
    name.replace("strombus_ssh_", ""),
    String(type),
    labels.get(name),
  ]);
  const [, table = ""] = page.split("| `strombus_ssh_...`");
  const documented = [...table.matchAll(/^\| `(\w+)` +\| (gauge|counter|histogram) +\| (?:`([^`]*)`)? +\|/gm)].map(
    ([, name, type, of = ""]) => [name, type, of],
  );
  expect(documented.sort()).toEqual(registered.sort());
});

test("docs/metrics.md has the events that there are, and no others", () => {
  const catalogue = readFileSync(new URL("./events/catalogue.ts", import.meta.url), "utf8");
  const [, fields = ""] = catalogue.split("export interface EventFields {");
  const known = [...fields.split("\n}")[0]!.matchAll(/^ {2}readonly "(ssh\.[a-z._]+)"/gm)].map(([, name]) => name);
  const documented = [...page.matchAll(/^\| `(ssh\.[a-z._]+)` +\| (?:debug|info|warn) /gm)].map(([, name]) => name);
  expect(known.length).toBeGreaterThan(10);
  expect(documented.sort()).toEqual(known.sort());
});
