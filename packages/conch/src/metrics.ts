/** Metrics of SSH servers for Prometheus, by prom-client, which the application installs for itself. */
import { createRequire } from "node:module";
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import type * as Prometheus from "prom-client";
import { Defence } from "./defence.js";
import type { SSHEvent } from "./events.js";
import type { SSHFactory } from "./ssh/factory.js";

export interface MetricsOptions {
  /** Where the metrics go; default a registry of their own. prom-client's global one is left alone. */
  readonly registry?: Prometheus.Registry;
  /** What each name begins with. */
  readonly prefix?: string;
  /** Types of channels of your own that are counted by their name; others that are not standard count as `other`. */
  readonly channelTypes?: readonly string[];
}

const METHODS: ReadonlySet<string> = new Set([
  "none",
  "publickey",
  "publickey-hostbound-v00@openssh.com",
  "password",
  "keyboard-interactive",
  "hostbased",
]);

const CHANNEL_TYPES = [
  "session",
  "direct-tcpip",
  "forwarded-tcpip",
  "direct-streamlocal@openssh.com",
  "forwarded-streamlocal@openssh.com",
  "x11",
  "auth-agent@openssh.com",
];

/** Of handshakes, in seconds. */
const DURATIONS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const QUANTILES = [0.5, 0.9, 0.99, 1];

/**
 * Counts and measures what these factories do, from now on. They may end and others come: what is counted stays.
 *
 * ```ts
 * const registry = metrics(factory);
 * http.createServer(async (_, response) => response.end(await registry.metrics())).listen(9100, "127.0.0.1");
 * ```
 *
 * @throws NotImplementedError without prom-client
 */
export function metrics(
  factories: SSHFactory | Iterable<SSHFactory>,
  { registry, prefix = "strombus_ssh_", channelTypes = [] }: MetricsOptions = {},
): Prometheus.Registry {
  const { Counter, Gauge, Histogram, Registry } = prometheus();
  const registers = [registry ?? new Registry()];
  const known = new Set([...CHANNEL_TYPES, ...channelTypes]);
  const typeOf = (type: string): string => (known.has(type) ? type : "other");
  const counter = <L extends string = never>(name: string, help: string, labelNames: L[] = []) =>
    new Counter({ name: prefix + name, help, labelNames, registers });
  const gauge = <L extends string = never>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge({ name: prefix + name, help, labelNames, registers });

  // Those that the application has forgotten are forgotten here.
  const references = [...("connections" in factories ? [factories] : factories)].map((each) => new WeakRef(each));
  const sum = (of: (factory: SSHFactory) => number): number => {
    let total = 0;
    for (const each of references) {
      const factory = each.deref();
      if (factory !== undefined) total += of(factory);
    }
    return total;
  };
  const measured = (name: string, help: string, measure: () => number): void => {
    new Gauge({
      name: prefix + name,
      help,
      registers,
      collect() {
        this.set(measure());
      },
    });
  };
  /** A count of what connections did that are closed, and of what those do that are open. */
  const summed = (
    name: string,
    help: string,
    ofOne: (each: { bytesReceived: number; bytesSent: number }) => number,
  ) => {
    const total = { closed: 0 };
    new Counter({
      name: prefix + name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(total.closed + sum(({ connections }) => [...connections].reduce((all, each) => all + ofOne(each), 0)));
      },
    });
    return total;
  };

  measured("connections_open", "Connections that are open.", () => sum(({ connections }) => connections.size));
  const connections = counter("connections_total", "Connections that were let in.");
  const refusals = counter("connections_refused_total", "Connections that the defence turned away.", ["reason"]);
  const logins = counter("logins_total", "Attempts to log in.", ["method", "outcome"]);
  const handshakes = new Histogram({
    name: `${prefix}handshake_duration_seconds`,
    help: "Seconds from a connection's start to the end of its first key exchange.",
    buckets: DURATIONS,
    registers,
  });
  const rekeys = counter("rekeys_total", "Key exchanges after the first.");
  const channels = counter("channels_total", "Channels that were opened.", ["type"]);
  const openChannels = gauge("channels_open", "Channels that are open.", ["type"]);
  const refusedChannels = counter("channels_refused_total", "Channels that were refused.", ["type"]);
  const sessions = counter("sessions_total", "Shells, commands and subsystems that were started.", ["kind"]);
  const openSessions = gauge("sessions_open", "Shells, commands and subsystems that run.", ["kind"]);
  const forwardings = counter("forwardings_total", "Forwardings that were asked for.", ["kind", "outcome"]);
  const openForwardings = gauge("forwardings_open", "Forwardings that go on.", ["kind"]);
  const received = summed("received_bytes_total", "Bytes of packets from clients.", (each) => each.bytesReceived);
  const sent = summed("sent_bytes_total", "Bytes of packets to clients.", (each) => each.bytesSent);
  measured("queued_bytes", "Bytes that wait to be sent.", () =>
    sum(({ connections }) => [...connections].reduce((all, each) => all + each.bytesHeld, 0)),
  );
  measured("penalised_sources", "Sources that are remembered for what they did.", () =>
    sum(({ defence }) => (defence instanceof Defence ? defence.penalised : 0)),
  );
  loopDelay(Gauge, `${prefix}event_loop_delay_seconds`, registers);

  const kindOf = (kind: string): string => (LISTENING.has(kind) || CHANNEL_TYPES.includes(kind) ? kind : "other");
  const count = (event: SSHEvent): void => {
    switch (event["event.name"]) {
      case "ssh.connection.opened":
        return connections.inc();
      case "ssh.connection.refused":
        return refusals.inc({ reason: reasonOf(event["ssh.refusal.reason"]) });
      case "ssh.connection.closed":
        received.closed += event["ssh.connection.bytes_received"];
        sent.closed += event["ssh.connection.bytes_sent"];
        return;
      case "ssh.handshake.completed":
        return handshakes.observe(event["ssh.handshake.duration"]);
      case "ssh.rekey":
        return rekeys.inc();
      case "ssh.login": {
        const method = event["ssh.login.method"];
        const outcome = event["ssh.login.outcome"].replace(" ", "_");
        return logins.inc({ method: METHODS.has(method) ? method : "other", outcome });
      }
      case "ssh.logout":
        return;
      case "ssh.channel.opened":
        openChannels.inc({ type: typeOf(event["ssh.channel.type"]) });
        return channels.inc({ type: typeOf(event["ssh.channel.type"]) });
      case "ssh.channel.refused":
        return refusedChannels.inc({ type: typeOf(event["ssh.channel.type"]) });
      case "ssh.channel.closed":
        return openChannels.dec({ type: typeOf(event["ssh.channel.type"]) });
      case "ssh.session.started":
        openSessions.inc({ kind: event["ssh.session.kind"] });
        return sessions.inc({ kind: event["ssh.session.kind"] });
      case "ssh.session.ended":
        return openSessions.dec({ kind: event["ssh.session.kind"] });
      case "ssh.forwarding.opened":
        openForwardings.inc({ kind: kindOf(event["ssh.forwarding.kind"]) });
        return forwardings.inc({ kind: kindOf(event["ssh.forwarding.kind"]), outcome: "opened" });
      case "ssh.forwarding.refused":
        return forwardings.inc({ kind: kindOf(event["ssh.forwarding.kind"]), outcome: "refused" });
      case "ssh.forwarding.closed":
        return openForwardings.dec({ kind: kindOf(event["ssh.forwarding.kind"]) });
    }
  };
  for (const each of references) each.deref()?.events.onAny(count);
  return registers[0]!;
}

const LISTENING: ReadonlySet<string> = new Set(["tcpip-forward", "streamlocal-forward@openssh.com"]);

const REASONS: ReadonlySet<string> = new Set([
  "penalty",
  "source",
  "random",
  "full",
  "connections",
  "memory",
  "queued",
]);

/** A gate of the application's own may have reasons of its own, without end. */
function reasonOf(reason: string): string {
  return REASONS.has(reason) ? reason : "other";
}

/** Since the last time that it was asked for. */
function loopDelay(Gauge: typeof Prometheus.Gauge, name: string, registers: Prometheus.Registry[]): void {
  let histogram: IntervalHistogram | null = null; // begins when somebody asks
  new Gauge({
    name,
    help: "By how much the event loop was late since the last look, by quantile.",
    labelNames: ["quantile"],
    registers,
    collect() {
      if (histogram === null) {
        histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
        histogram.enable();
      }
      for (const quantile of QUANTILES) {
        const late = histogram.count === 0 ? 0 : histogram.percentile(quantile * 100) / 1e6 - RESOLUTION;
        this.set({ quantile: String(quantile) }, Math.max(0, late) / 1000);
      }
      histogram.reset();
    },
  });
}

const RESOLUTION = 10; // milliseconds between two looks, which are part of what is measured

function prometheus(): typeof Prometheus {
  try {
    return createRequire(import.meta.url)("prom-client") as typeof Prometheus;
  } catch (cause) {
    throw new NotImplementedError("metrics need the package prom-client: npm install prom-client", { cause });
  }
}
