/**
 * Many connections held by one process, one in ten of them sending every second: none may be lost, and the event loop's
 * delay and the memory of a connection are measured, beside a bare server of node:net.
 *
 *     node --expose-gc tests/bench/dist/connections.js [--connections 10000] [--seconds 20]
 *
 * Needs two descriptors a connection in all (`ulimit -n`). Prints one line of JSON for each server.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import * as net from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { reactor } from "@strombus/reactor";
import { Factory, Protocol } from "@strombus/reactor/protocol";

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "10000" },
    seconds: { type: "string", default: "20" },
    role: { type: "string", default: "main" },
    port: { type: "string", default: "0" },
  },
});
const count = Number(values.connections);
const seconds = Number(values.seconds);

interface Report {
  server: string;
  connections: number;
  lost: number;
  echoed: number;
  bytesPerConnection: number;
  loopDelayP99: number; // milliseconds
  loopDelayMax: number;
}

class Echo extends Protocol {
  override connectionMade(): void {
    open += 1;
  }
  override dataReceived(data: Buffer): void {
    echoed += 1;
    this.transport?.write(data);
  }
  override connectionLost(): void {
    open -= 1;
  }
}

let open = 0;
let echoed = 0;

function listen(kind: string): Promise<number> {
  if (kind === "strombus") {
    const factory = Factory.forProtocol(Echo);
    factory.noisy = false;
    return Promise.resolve(reactor.listenTCP(0, factory, { interface: "127.0.0.1", backlog: 511 }).getHost().port);
  }
  const server = net.createServer((socket) => {
    open += 1;
    socket.on("data", (data) => {
      echoed += 1;
      socket.write(data);
    });
    socket.on("error", () => {});
    socket.on("close", () => (open -= 1));
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", 511, () => resolve((server.address() as net.AddressInfo).port));
  });
}

/** In a process of its own: what a server holds is not to be mixed with what its clients hold. */
async function serve(kind: string): Promise<void> {
  const port = await listen(kind);
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  process.send!(port);
  await once(process, "message"); // all are connected
  await new Promise((resolve) => setTimeout(resolve, 1000));
  globalThis.gc?.();
  const memory = process.memoryUsage().rss - before;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  echoed = 0;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  delay.disable();
  const report: Report = {
    server: kind,
    connections: open,
    lost: count - open,
    echoed,
    bytesPerConnection: Math.round(memory / open),
    loopDelayP99: delay.percentile(99) / 1e6,
    loopDelayMax: delay.max / 1e6,
  };
  process.send!(report, () => process.exit());
}

async function connectAll(port: number): Promise<void> {
  const sockets: net.Socket[] = [];
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(100, count - sockets.length) }, () => {
      const socket = net.connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.resume();
      return socket;
    });
    await Promise.all(batch.map((socket) => once(socket, "connect")));
    sockets.push(...batch);
  }
  process.send!("connected");
  // One in ten each second, spread over it.
  let next = 0;
  setInterval(() => {
    for (let i = 0; i < count / 10 / 20; i++) sockets[(next = (next + 10) % count)]!.write("x".repeat(64));
  }, 50);
}

async function measure(kind: string): Promise<Report> {
  const self = fileURLToPath(import.meta.url);
  const options = ["--connections", String(count), "--seconds", String(seconds)];
  const server = fork(self, ["--role", kind, ...options], { execArgv: ["--expose-gc"] });
  const [port] = (await once(server, "message")) as [number];
  const clients = fork(self, ["--role", "clients", "--port", String(port), ...options]);
  await once(clients, "message");
  server.send("measure");
  const [report] = (await once(server, "message")) as [Report];
  clients.kill();
  return report;
}

if (values.role === "clients") {
  await connectAll(Number(values.port));
} else if (values.role !== "main") {
  await serve(values.role);
} else {
  for (const kind of ["bare", "strombus"]) console.log(JSON.stringify(await measure(kind)));
}
