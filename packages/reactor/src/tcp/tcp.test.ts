/** What only a real socket can show: listening, connecting, resets, and what is left behind. */
import * as net from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type IPv4Address, IPv6Address } from "../address.js";
import {
  CannotListenError,
  ConnectBindError,
  ConnectError,
  ConnectionAborted,
  ConnectionDone,
  ConnectionLost,
  ConnectionRefusedError,
  DNSLookupError,
  NotConnectingError,
  TimeoutError,
  UserError,
} from "../error.js";
import { RuntimeError } from "../exceptions.js";
import type { Failure } from "../failure.js";
import type { IConnector, IListeningPort, IProtocol } from "../interfaces.js";
import { globalLogBeginner, globalLogPublisher, type LogEvent } from "../logger.js";
import { ClientFactory, Factory, Protocol } from "../protocol.js";
import { NodeReactor } from "../reactor.js";
import { Clock } from "../task.js";
import type { TCPConnection } from "./connection.js";
import { TCPConnector } from "./connector.js";
import type { OpenTransport } from "./host.js";
import { TCPPort } from "./port.js";

globalLogBeginner.beginLoggingTo([], { redirectStandardIO: false, discardBuffer: true }); // not to stderr
let logged: Error[] = [];
const observer = (event: LogEvent): void => {
  const failure = event["log_failure"] as Failure | undefined;
  if (failure) logged.push(failure.value as Error);
};
let reactor = new NodeReactor();
beforeEach(() => {
  reactor = new NodeReactor();
  logged = [];
  globalLogPublisher.addObserver(observer);
});
afterEach(() => {
  globalLogPublisher.removeObserver(observer);
  for (const transport of reactor.openTransports) (transport as Partial<TCPConnection>).abortConnection?.();
});

class Recorder extends Protocol {
  declare transport: TCPConnection;
  bytes = 0;
  readonly reasons: Failure[] = [];
  override dataReceived(data: Buffer): void {
    this.bytes += data.length;
  }
  override connectionLost(reason: Failure): void {
    this.reasons.push(reason);
  }
  get isLost(): boolean {
    return this.reasons.length > 0;
  }
  get error(): unknown {
    return this.reasons[0]?.value;
  }
}

class RecordingFactory extends ClientFactory {
  override noisy = false;
  readonly events: string[] = [];
  readonly reasons: Failure[] = [];
  constructor(override readonly protocol: () => IProtocol | null = () => new Recorder()) {
    super();
  }
  override startFactory(): void {
    this.events.push("start");
  }
  override stopFactory(): void {
    this.events.push("stop");
  }
  override startedConnecting(): void {
    this.events.push("connecting");
  }
  override clientConnectionFailed(connector: IConnector, reason: Failure): void {
    this.events.push("failed");
    this.reasons.push(reason);
  }
  override clientConnectionLost(connector: IConnector, reason: Failure): void {
    this.events.push("lost");
    this.reasons.push(reason);
  }
  get error(): unknown {
    return this.reasons[0]?.value;
  }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

function serving(protocol: () => IProtocol | null): Factory {
  const factory = Factory.forProtocol(protocol);
  factory.noisy = false;
  return factory;
}

const portOf = (port: IListeningPort): number => (port.getHost() as IPv4Address).port;

/** A connected pair, and the port it was made on, already closed. */
async function pair<S extends Recorder, C extends Recorder>(server: S, client: C): Promise<[S, C]> {
  const port = reactor.listenTCP(
    0,
    serving(() => server),
  );
  reactor.connectTCP("127.0.0.1", portOf(port), new RecordingFactory(() => client));
  await until(() => server.connected && client.connected);
  await port.stopListening();
  return [server, client];
}

describe("listening", () => {
  test("the port is bound before listenTCP returns", async () => {
    const port = reactor.listenTCP(
      0,
      serving(() => null),
      { interface: "127.0.0.1" },
    );
    expect(portOf(port)).toBeGreaterThan(0);
    expect((port.getHost() as IPv4Address).host).toBe("127.0.0.1");
    await port.stopListening();
  });

  test("a port in use, a name for an interface and a bad number are CannotListenErrors, at once", async () => {
    const port = reactor.listenTCP(
      0,
      serving(() => null),
      { interface: "127.0.0.1" },
    );
    const taken = portOf(port);
    const second = serving(() => null);
    try {
      reactor.listenTCP(taken, second, { interface: "127.0.0.1" });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(CannotListenError);
      expect(error).toMatchObject({ interface: "127.0.0.1", port: taken, socketError: { code: "EADDRINUSE" } });
    }
    expect(second.numPorts).toBe(0);
    expect(() => reactor.listenTCP(0, second, { interface: "localhost" })).toThrow(CannotListenError);
    expect(() => reactor.listenTCP(0, second, { interface: "192.0.2.1" })).toThrow(CannotListenError);
    expect(() => reactor.listenTCP(65536, second)).toThrow(CannotListenError);
    await port.stopListening();
  });

  test("by default IPv4 and IPv6 clients both get in, and an IPv4 peer has an IPv4 address", async () => {
    const peers: string[] = [];
    const factory = serving(() => null);
    factory.buildProtocol = (addr) => (peers.push((addr as IPv4Address).host), null);
    const port = reactor.listenTCP(0, factory);
    const hosts = ["127.0.0.1", ...(hasIPv6() ? ["::1"] : [])];
    for (const host of hosts) {
      const client = new RecordingFactory();
      reactor.connectTCP(host, portOf(port), client);
      await until(() => client.events.at(-1) === "stop");
    }
    expect(peers).toEqual(hosts);
    if (hasIPv6()) expect(port.getHost()).toBeInstanceOf(IPv6Address);
    await port.stopListening();
  });

  test("stopListening frees the number by the time it fires, leaves connections alone, and listening can go on", async () => {
    const server = new Recorder();
    const factory = new RecordingFactory(() => server);
    const port = reactor.listenTCP(0, factory, { interface: "127.0.0.1" });
    const number = portOf(port);
    const client = new Recorder();
    reactor.connectTCP("127.0.0.1", number, new RecordingFactory(() => client));
    await until(() => server.connected && client.connected);
    const stopping = port.stopListening();
    expect(factory.events).toEqual(["start"]);
    await stopping;
    expect(factory.events).toEqual(["start", "stop"]);
    const again = reactor.listenTCP(
      number,
      serving(() => null),
      { interface: "127.0.0.1" },
    );
    await again.stopListening();
    port.startListening();
    expect(() => port.startListening()).toThrow(RuntimeError);
    await port.stopListening();
    await port.stopListening(); // twice is once
    expect(factory.events).toEqual(["start", "stop", "start", "stop"]);
    expect(server.isLost || client.isLost).toBe(false);
    client.transport.loseConnection();
    await until(() => server.isLost);
  });

  test("a stopFactory that throws fails the Deferred, and the port can listen again", async () => {
    const factory = serving(() => null);
    factory.stopFactory = () => {
      throw new Error("stop");
    };
    const port = reactor.listenTCP(0, factory);
    await expect(Promise.resolve(port.stopListening())).rejects.toThrow("stop");
    factory.stopFactory = () => {};
    port.startListening();
    await port.stopListening();
  });

  test("a factory on two ports starts once, and stops after the last", async () => {
    const factory = new RecordingFactory();
    const ports = [reactor.listenTCP(0, factory), reactor.listenTCP(0, factory)];
    await ports[0]!.stopListening();
    expect(factory.events).toEqual(["start"]);
    await ports[1]!.stopListening();
    expect(factory.events).toEqual(["start", "stop"]);
  });

  test("R1: a buildProtocol that throws is logged, the connection dropped, and the port goes on", async () => {
    const factory = serving(() => {
      if (logged.length === 0) throw new Error("no protocol");
      return new Recorder();
    });
    const port = reactor.listenTCP(0, factory);
    const clients = [new Recorder(), new Recorder()];
    reactor.connectTCP("127.0.0.1", portOf(port), new RecordingFactory(() => clients[0]!));
    await until(() => clients[0]!.isLost);
    reactor.connectTCP("127.0.0.1", portOf(port), new RecordingFactory(() => clients[1]!));
    await until(() => clients[1]!.connected);
    expect(logged.map((error) => error.message)).toEqual(["no protocol"]);
    clients[1]!.transport.loseConnection();
    await until(() => clients[1]!.isLost);
    await port.stopListening();
  });

  test("R10: a failed accept is logged, at most once a second, and does not end the port", async () => {
    const clock = new Clock();
    const port = new TCPPort(
      Object.assign(clock, { openTransports: new Set<OpenTransport>() }),
      0,
      serving(() => null),
    );
    const listen = vi.spyOn(net.Server.prototype, "listen");
    port.startListening();
    const server = listen.mock.contexts[0] as net.Server;
    listen.mockRestore();
    for (let i = 0; i < 3; i++) server.emit("error", new Error("accept EMFILE"));
    expect(logged).toHaveLength(1);
    clock.advance(1);
    server.emit("error", new Error("accept EMFILE"));
    expect(logged).toHaveLength(2);
    const client = new RecordingFactory();
    reactor.connectTCP("127.0.0.1", portOf(port), client);
    await until(() => client.events.at(-1) === "stop");
    expect(client.events).toContain("lost");
    await port.stopListening();
  });
});

describe("connecting", () => {
  test("the events of a connection, and the state and destination of its connector", async () => {
    const server = new Recorder();
    const port = reactor.listenTCP(
      0,
      serving(() => server),
    );
    const client = new Recorder();
    const factory = new RecordingFactory(() => client);
    const connector = reactor.connectTCP("127.0.0.1", portOf(port), factory) as TCPConnector;
    expect(factory.events).toEqual(["start", "connecting"]);
    expect(connector.state).toBe("connecting");
    expect(() => connector.connect()).toThrow(RuntimeError);
    await until(() => client.connected && server.connected);
    expect(connector.state).toBe("connected");
    expect(() => connector.stopConnecting()).toThrow(NotConnectingError);
    expect(connector.getDestination().equals(client.transport.getPeer())).toBe(true);
    expect(client.transport.logPrefix()).toBe("Recorder,client");
    expect(server.transport.logPrefix()).toBe("Recorder,0,127.0.0.1");
    connector.disconnect();
    await until(() => client.isLost && server.isLost);
    expect(factory.events).toEqual(["start", "connecting", "lost", "stop"]);
    expect(factory.reasons).toEqual(client.reasons);
    expect(connector.state).toBe("disconnected");
    await port.stopListening();
    expect(reactor.openTransports.size).toBe(0);
    expect(reactor.getDelayedCalls()).toEqual([]);
  });

  test("nobody there: ConnectionRefusedError with its errno", async () => {
    const port = reactor.listenTCP(
      0,
      serving(() => null),
      { interface: "127.0.0.1" },
    );
    const number = portOf(port);
    await port.stopListening();
    const factory = new RecordingFactory();
    reactor.connectTCP("127.0.0.1", number, factory);
    await until(() => factory.events.at(-1) === "stop");
    expect(factory.events).toEqual(["start", "connecting", "failed", "stop"]);
    expect(factory.error).toBeInstanceOf(ConnectionRefusedError);
    expect((factory.error as ConnectionRefusedError).osError).toBeGreaterThan(0);
    expect(reactor.getDelayedCalls()).toEqual([]);
  });

  test("a name that does not exist is a DNSLookupError, a foreign local address a ConnectBindError", async () => {
    const [nameless, unbound] = [new RecordingFactory(), new RecordingFactory()];
    reactor.connectTCP("no..such..name", 1, nameless);
    reactor.connectTCP("127.0.0.1", 1, unbound, { bindAddress: ["192.0.2.1", 0] });
    await until(() => nameless.reasons.length + unbound.reasons.length === 2);
    expect(nameless.error).toBeInstanceOf(DNSLookupError);
    expect(unbound.error).toBeInstanceOf(ConnectBindError);
  });

  test("our own timeout is a TimeoutError", async () => {
    const port = reactor.listenTCP(
      0,
      serving(() => null),
    );
    const clock = new Clock();
    const host = Object.assign(clock, { openTransports: new Set<OpenTransport>() });
    const factory = new RecordingFactory();
    new TCPConnector(host, "127.0.0.1", portOf(port), factory, { timeout: 5 }).connect();
    clock.advance(4.9);
    expect(factory.events).toEqual(["start", "connecting"]);
    clock.advance(0.1);
    expect(factory.events).toEqual(["start", "connecting", "failed", "stop"]);
    expect(factory.error).toBeInstanceOf(TimeoutError);
    expect(host.openTransports.size).toBe(0);
    await port.stopListening();
  });

  test.each(["stopConnecting", "disconnect"] as const)(
    "%s fails the attempt with UserError, at once",
    async (method) => {
      const port = reactor.listenTCP(
        0,
        serving(() => null),
      );
      const factory = new RecordingFactory();
      reactor.connectTCP("127.0.0.1", portOf(port), factory)[method]();
      expect(factory.events).toEqual(["start", "connecting", "failed", "stop"]);
      expect((factory.error as Error).constructor).toBe(UserError);
      await port.stopListening();
      expect(factory.events).toHaveLength(4);
    },
  );

  test("connect() inside clientConnectionLost reconnects by the same connector, and the factory goes on", async () => {
    const port = reactor.listenTCP(
      0,
      serving(() => new Recorder()),
    );
    const clients: Recorder[] = [];
    const connectors = new Set<IConnector>();
    const factory = new RecordingFactory(() => (clients.push(new Recorder()), clients.at(-1)!));
    factory.clientConnectionLost = (connector) => {
      connectors.add(connector);
      if (clients.length < 3) connector.connect();
    };
    connectors.add(reactor.connectTCP("127.0.0.1", portOf(port), factory));
    for (let i = 0; i < 3; i++) {
      await until(() => clients[i]?.connected === true);
      clients[i]!.transport.loseConnection();
      await until(() => clients[i]!.isLost);
    }
    expect(connectors.size).toBe(1);
    expect(factory.events).toEqual(["start", "connecting", "connecting", "connecting", "stop"]);
    await port.stopListening();
  });

  test("a buildProtocol that gives null ends in clientConnectionLost, one that throws in clientConnectionFailed", async () => {
    const port = reactor.listenTCP(
      0,
      serving(() => new Recorder()),
    );
    const unwanted = new RecordingFactory(() => null);
    const broken = new RecordingFactory(() => {
      throw new Error("broken");
    });
    for (const factory of [unwanted, broken]) reactor.connectTCP("127.0.0.1", portOf(port), factory);
    await until(() => unwanted.reasons.length + broken.reasons.length === 2);
    expect(unwanted.events).toEqual(["start", "connecting", "lost", "stop"]);
    expect(unwanted.error).toBeInstanceOf(ConnectionDone);
    expect(broken.events).toEqual(["start", "connecting", "failed", "stop"]);
    expect(broken.error).toBeInstanceOf(ConnectError);
    expect(logged.map((error) => error.message)).toEqual(["broken"]);
    await port.stopListening();
  });

  test("a connectionLost that throws hides the loss from nobody", async () => {
    const server = new Recorder();
    const port = reactor.listenTCP(
      0,
      serving(() => server),
    );
    const client = new Recorder();
    client.connectionLost = () => {
      throw new Error("late");
    };
    const factory = new RecordingFactory(() => client);
    reactor.connectTCP("127.0.0.1", portOf(port), factory);
    await until(() => server.connected);
    server.transport.loseConnection();
    await until(() => factory.events.at(-1) === "stop");
    expect(factory.events).toEqual(["start", "connecting", "lost", "stop"]);
    await port.stopListening();
  });
});

describe("writing and closing", () => {
  test("all that is written in one turn is one write of the socket, large or small", async () => {
    const [server, client] = await pair(new Recorder(), new Recorder());
    const handle = client.transport.getHandle() as unknown as { _handle: Record<string, (...a: unknown[]) => unknown> };
    const writes = ["writeBuffer", "writev", "writeUtf8String"].map((name) => vi.spyOn(handle._handle, name));
    const count = () => writes.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
    for (let i = 0; i < 100; i++) client.transport.write("small");
    await until(() => server.bytes === 500);
    expect(count()).toBe(1);
    for (let i = 0; i < 10; i++) client.transport.write(Buffer.alloc(30_000));
    await until(() => server.bytes === 300_500);
    expect(count()).toBe(2);
    client.transport.loseConnection();
    await until(() => server.isLost);
  });

  test("TCP_NODELAY is on from the start, and both options remember what they were set to", async () => {
    const [server, client] = await pair(new Recorder(), new Recorder());
    expect([client.transport.getTcpNoDelay(), client.transport.getTcpKeepAlive()]).toEqual([true, false]);
    client.transport.setTcpNoDelay(false);
    client.transport.setTcpKeepAlive(true);
    expect([client.transport.getTcpNoDelay(), client.transport.getTcpKeepAlive()]).toEqual([false, true]);
    client.transport.loseConnection();
    await until(() => server.isLost);
  });

  test("what is written after loseConnection in the same turn is still sent", async () => {
    const [server, client] = await pair(new Recorder(), new Recorder());
    client.transport.write("before ");
    client.transport.loseConnection();
    client.transport.write("after");
    expect(client.transport.disconnecting).toBe(true);
    await until(() => server.isLost);
    expect(server.bytes).toBe(12);
  });

  test("loseConnection waits for a paused push producer, and not for one that is not paused", async () => {
    const [server, client] = await pair(new Recorder(), new Recorder());
    const producer = {
      asked: 0,
      pauseProducing(): void {},
      resumeProducing(): void {
        this.asked += 1;
        server.transport.write("rest");
        server.transport.unregisterProducer();
      },
      stopProducing(): void {},
    };
    server.transport.registerProducer(producer, true);
    server.transport.write(Buffer.alloc(70_000));
    server.transport.loseConnection();
    await until(() => client.isLost);
    expect(client.bytes).toBe(70_004);
    expect(producer.asked).toBe(1);

    const [idleServer, idleClient] = await pair(new Recorder(), new Recorder());
    idleServer.transport.registerProducer(producer, true);
    idleServer.transport.loseConnection();
    await until(() => idleServer.isLost && idleClient.isLost);
  });

  test("a resumeProducing that throws ends the connection with that error", async () => {
    const [server, client] = await pair(new Recorder(), new Recorder());
    const mistake = new Error("producer");
    const producer = {
      pauseProducing(): void {},
      resumeProducing(): void {
        throw mistake;
      },
      stopProducing(): void {},
    };
    server.transport.registerProducer(producer, true);
    server.transport.write(Buffer.alloc(70_000));
    await until(() => server.isLost && client.isLost);
    expect(server.error).toBe(mistake);
    expect(logged).toEqual([mistake]);
  });

  test("abortConnection: ConnectionAborted here, never inside the call; ConnectionLost there; unsent data is dropped", async () => {
    const [server, client] = await pair(new Recorder(), new Recorder());
    client.transport.pauseProducing();
    server.transport.write(Buffer.alloc(30_000_000));
    await turn();
    client.transport.resumeProducing();
    server.transport.abortConnection();
    server.transport.abortConnection();
    server.transport.loseConnection();
    server.transport.write("late");
    expect(server.isLost).toBe(false);
    await until(() => server.isLost && client.isLost);
    expect(server.error).toBeInstanceOf(ConnectionAborted);
    expect((client.error as Error).constructor).toBe(ConnectionLost);
    expect(client.bytes).toBeLessThan(30_000_000);
    await turn();
    expect([server.reasons.length, client.reasons.length]).toEqual([1, 1]);
  });

  test("no data comes after abortConnection, and an error right after it becomes the reason", async () => {
    const mistake = new Error("after abort");
    class Aborting extends Recorder {
      override dataReceived(data: Buffer): void {
        super.dataReceived(data);
        this.transport.abortConnection();
        throw mistake;
      }
    }
    const [server, client] = await pair(new Aborting(), new Recorder());
    for (let i = 0; i < 100; i++) client.transport.write(Buffer.alloc(65_536));
    await until(() => server.isLost && client.isLost);
    expect(server.bytes).toBeLessThanOrEqual(65_536);
    expect(server.error).toBe(mistake);
  });

  test("closing loses nothing while the peer is still sending", async () => {
    const [server, client] = await pair(new Recorder(), new Recorder());
    const flood = setInterval(() => client.transport.write(Buffer.alloc(10_000)), 0);
    await until(() => server.bytes > 0);
    const size = 5_000_000;
    server.transport.write(Buffer.alloc(size));
    server.transport.loseConnection();
    await until(() => client.isLost);
    clearInterval(flood);
    expect(client.bytes).toBe(size);
    expect(client.error).toBeInstanceOf(ConnectionDone);
  });

  test("R8: a connection that is closed is gone soon, even if the peer keeps its half open", async () => {
    const port = reactor.listenTCP(
      0,
      serving(() => server),
    );
    const server = new Recorder();
    const socket = net.connect({ port: portOf(port), host: "127.0.0.1", allowHalfOpen: true });
    const ended = new Promise((resolve) => socket.once("end", resolve));
    socket.resume();
    await until(() => server.connected);
    const handle = server.transport.getHandle();
    server.transport.lingerTime = 0.01;
    server.transport.loseConnection();
    await until(() => server.isLost);
    expect(server.error).toBeInstanceOf(ConnectionDone);
    await ended;
    await until(() => handle.closed);
    socket.on("error", () => {});
    socket.destroy();
    await port.stopListening();
  });

  test("R8: a closing connection whose peer takes nothing is dropped with ConnectionLost", async () => {
    const [server, client] = await pair(new Recorder(), new Recorder());
    client.transport.pauseProducing();
    server.transport.stallTime = 0.02;
    server.transport.write(Buffer.alloc(30_000_000));
    server.transport.loseConnection();
    await until(() => server.isLost);
    expect((server.error as Error).constructor).toBe(ConnectionLost);
    client.transport.abortConnection();
    await until(() => client.isLost);
  });

  test("a reset by the peer is ConnectionLost with its cause", async () => {
    const [server, client] = await pair(new Recorder(), new Recorder());
    client.transport.getHandle().resetAndDestroy();
    await until(() => server.isLost);
    expect((server.error as Error).constructor).toBe(ConnectionLost);
    expect((server.error as Error).cause).toMatchObject({ code: "ECONNRESET" });
    await until(() => client.isLost);
  });
});

describe("the reactor stops", () => {
  test("every connection, attempt and port ends with ConnectionLost, before the during triggers of others", async () => {
    const factory = new RecordingFactory(() => server);
    const server = new Recorder();
    const client = new Recorder();
    const port = reactor.listenTCP(0, factory);
    reactor.connectTCP("127.0.0.1", portOf(port), new RecordingFactory(() => client));
    await until(() => server.connected && client.connected);
    const pending = new RecordingFactory();
    client.connectionLost = (reason) => {
      client.reasons.push(reason);
      throw new Error("a bad end");
    };
    let open = -1;
    reactor.addSystemEventTrigger("before", "shutdown", () => {
      reactor.connectTCP("127.0.0.1", portOf(port), pending);
      expect([server.isLost, client.isLost]).toEqual([false, false]);
    });
    reactor.addSystemEventTrigger("during", "shutdown", () => void (open = reactor.openTransports.size));
    const finished = reactor.run({ installSignalHandlers: false });
    reactor.stop();
    await finished;
    expect(open).toBe(0);
    for (const error of [server.error, client.error, pending.error]) expect(error).toBeInstanceOf(ConnectionLost);
    expect(factory.events).toEqual(["start", "stop"]);
    expect(logged.map((error) => error.message)).toEqual(["a bad end"]);
  });
});

function hasIPv6(): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1"));
}
