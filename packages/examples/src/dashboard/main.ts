/** An echo server that shows what goes on: metrics for Prometheus and a page for people, on a port of this machine alone. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ConchUser } from "@strombus/conch/avatar";
import type { SSHEvent } from "@strombus/conch/events";
import { IConchUser } from "@strombus/conch/interfaces";
import { metrics } from "@strombus/conch/metrics";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { FilePasswordDB } from "@strombus/cred/checkers";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { setUp } from "../setup/index.js";
import { page, POLICY, type Row } from "./page.js";

const NEWEST = 30; // events

class Echo extends SSHChannel {
  override name = "session";
  request_pty_req() {
    return true;
  }
  request_shell() {
    return true;
  }
  override dataReceived(data: Buffer) {
    this.write(data);
  }
}

const setup = setUp("dashboard");
const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal({
  requestAvatar() {
    const user = new ConchUser();
    user.channelLookup["session"] = Echo;
    return [IConchUser, user, () => {}] as const;
  },
});
factory.portal.registerChecker(new FilePasswordDB("ssh-passwords"));

const registry = metrics(factory);
const newest: SSHEvent[] = [];
factory.events.onAny((event) => {
  newest.unshift(event);
  newest.length = Math.min(newest.length, NEWEST);
});

/** The values of a metric, added up; or only those with this label. */
async function total(name: string, label?: readonly [name: string, value: string]): Promise<number> {
  const metric = await registry.getSingleMetric(`strombus_ssh_${name}`)!.get();
  const values = metric.values.filter(({ labels }) => label === undefined || labels[label[0]] === label[1]);
  return values.reduce((sum, { value }) => sum + value, 0);
}

async function dashboard(): Promise<string> {
  const count = async (...args: Parameters<typeof total>) => (await total(...args)).toLocaleString("en");
  const late = await total("event_loop_delay_seconds", ["quantile", "0.99"]);
  const figures = [
    ["Connections open", await count("connections_open")],
    ["Connections in all", await count("connections_total")],
    ["Refused", await count("connections_refused_total")],
    ["Logins", await count("logins_total", ["outcome", "accepted"])],
    ["Logins refused", await count("logins_total", ["outcome", "refused"])],
    ["Sessions", await count("sessions_open")],
    ["Bytes in", await count("received_bytes_total")],
    ["Bytes out", await count("sent_bytes_total")],
    ["Bytes waiting", await count("queued_bytes")],
    ["Loop delay", `${(late * 1000).toFixed(1)} ms`],
  ] as const;
  const connections = [...factory.connections].map((each): Row => {
    const { host = "", port = "" } = each.getPeer().address as { host?: string; port?: number };
    return [`${host} port ${port}`, each.hassh ?? "", String(each.bytesReceived), String(each.bytesSent)];
  });
  const events = newest.map((event): Row => {
    const { "event.name": name, "user.name": user, "client.address": address, time, ...fields } = event;
    const outcome = "ssh.login.outcome" in fields ? fields["ssh.login.outcome"] : "";
    return [new Date(time * 1000).toISOString(), name, address, user ?? "", outcome];
  });
  return page("Strombus", figures, [
    { title: "Connections", columns: ["client", "HASSH", "bytes in", "bytes out"], rows: connections },
    { title: "Newest events", columns: ["time", "event", "address", "user", "outcome"], rows: events },
  ]);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader("Content-Security-Policy", POLICY);
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Cache-Control", "no-store");
  // A page of another site that has its name point here is not to read this one.
  const isOurs = /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? "");
  if (!isOurs || request.method !== "GET") return void response.writeHead(403).end();
  if (request.url === "/metrics") {
    response.setHeader("Content-Type", registry.contentType);
    response.end(await registry.metrics());
  } else if (request.url === "/") {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(await dashboard());
  } else response.writeHead(404).end();
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error);
    response.destroy();
  });
});
server.listen(Number(process.env["DASHBOARD_PORT"] ?? 9122), "127.0.0.1", () => {
  console.log(`The dashboard is at http://127.0.0.1:${(server.address() as AddressInfo).port}/.\n`);
  setup.announce(reactor.listenTCP(setup.port, factory));
});
reactor.addSystemEventTrigger("after", "shutdown", () => {
  server.close();
  server.closeAllConnections();
});
await reactor.run();
