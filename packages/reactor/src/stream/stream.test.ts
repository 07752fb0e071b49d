/** What a stream transport promises its protocol, on real sockets and in memory. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { directlyProvides } from "../components.js";
import { ConnectionDone } from "../error.js";
import { RuntimeError } from "../exceptions.js";
import type { Failure } from "../failure.js";
import { IHalfCloseableProtocol, type ITCPTransport } from "../interfaces.js";
import { ClientFactory, Factory, Protocol } from "../protocol.js";
import { type AnyReactor, reactors } from "../reactors.test.helper.js";
import { connect, makeFakeClient, makeFakeServer } from "../testing/iosim.js";
import { logged, turn, until } from "./recording.test.helper.js";

/** Lets bytes and events move until the condition holds. */
interface Until {
  (condition: () => boolean): Promise<void>;
  /** Lets everything move that can. */
  settle(): Promise<void>;
}
type Join = (server: Protocol, client: Protocol) => Promise<Until>;

function quiet<F extends Factory>(factory: F): F {
  factory.noisy = false;
  return factory;
}

/** Over TCP, by the reactor given. */
function byTCP(make: () => AnyReactor): Join {
  return async (server, client) => {
    const reactor = make();
    const port = reactor.listenTCP(0, quiet(Factory.forProtocol(() => server)), { interface: "127.0.0.1" });
    reactor.connectTCP("127.0.0.1", port.getHost().port, quiet(ClientFactory.forProtocol(() => client)));
    // The last to know has a transport.
    await until(() => [server, client].every((protocol) => protocol.transport !== null));
    await port.stopListening();
    return Object.assign(until, { settle: () => turns(20) });
  };
}

function byUNIX(make: () => AnyReactor): Join {
  return async (server, client) => {
    const reactor = make();
    const path = join(mkdtempSync(join(tmpdir(), "strombus-stream-")), "socket");
    const port = reactor.listenUNIX(path, quiet(Factory.forProtocol(() => server)));
    reactor.connectUNIX(path, quiet(ClientFactory.forProtocol(() => client)));
    await until(() => [server, client].every((protocol) => protocol.transport !== null));
    await port.stopListening();
    rmSync(dirname(path), { recursive: true });
    return Object.assign(until, { settle: () => turns(20) });
  };
}

const byPump: Join = (server, client) => {
  const pump = connect(server, makeFakeServer(server), client, makeFakeClient(client), { greet: false });
  const settle = async (): Promise<void> => {
    pump.flush();
    await turn();
  };
  const until = async (condition: () => boolean): Promise<void> => {
    for (let rounds = 0; rounds < 100 && !condition(); rounds++) await settle();
    expect(condition()).toBe(true);
  };
  return Promise.resolve(Object.assign(until, { settle }));
};

const joins: [string, Join][] = [
  ...reactors.flatMap(([name, make]): [string, Join][] => [
    [`TCP ${name}`, byTCP(make)],
    [`a UNIX socket ${name}`, byUNIX(make)],
  ]),
  ["a pump of fake transports", byPump],
];

class Recorder extends Protocol {
  declare transport: ITCPTransport;
  readonly events: string[] = [];
  readonly reasons: Failure[] = [];
  received = Buffer.alloc(0);
  bytes = 0; // counted instead of kept
  counting = false;

  override connectionMade(): void {
    this.events.push("made");
  }
  override dataReceived(data: Buffer): void | Promise<void> {
    this.bytes += data.length;
    if (!this.counting) this.received = Buffer.concat([this.received, data]);
    if (this.events.at(-1) !== "data") this.events.push("data");
  }
  override connectionLost(reason: Failure): void {
    this.events.push("lost");
    this.reasons.push(reason);
  }
  get isLost(): boolean {
    return this.reasons.length > 0;
  }
}

class HalfCloseable extends Recorder implements IHalfCloseableProtocol {
  constructor() {
    super();
    directlyProvides(this, IHalfCloseableProtocol);
  }
  readConnectionLost(): void {
    this.events.push("read lost");
  }
  writeConnectionLost(): void {
    this.events.push("write lost");
  }
}

/** Writes chunks while it may, up to a total. */
class Push {
  paused = false;
  stopped = 0;
  pauses = 0;
  produced = 0;
  constructor(
    readonly transport: ITCPTransport,
    readonly total: number,
    readonly chunk = Buffer.alloc(32_768, 7),
  ) {}
  resumeProducing(): void {
    this.paused = false;
    for (; this.produced < this.total; this.produced += this.chunk.length) {
      if (this.isPaused()) return;
      this.transport.write(this.chunk);
    }
  }
  /** A write may have called `pauseProducing` meanwhile. */
  isPaused(): boolean {
    return this.paused;
  }
  pauseProducing(): void {
    this.paused = true;
    this.pauses += 1;
  }
  stopProducing(): void {
    this.stopped += 1;
  }
}

beforeEach(() => logged.begin());
afterEach(() => logged.end());

describe.each(joins)("a stream over %s", (name, join) => {
  test("connectionMade, data in order, connectionLost once with ConnectionDone, on both sides", async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    const until = await join(server, client);
    client.transport.write("one ");
    client.transport.write(new Uint8Array([0x32, 0x20]));
    client.transport.writeSequence([Buffer.from("three"), " ", "four"]);
    await until(() => server.bytes === 16);
    server.transport.write("answer");
    await until(() => client.bytes === 6);
    client.transport.loseConnection();
    client.transport.loseConnection();
    await until(() => client.isLost && server.isLost);
    expect(server.received.toString()).toBe("one 2 three four");
    expect(client.events).toEqual(["made", "data", "lost"]);
    expect(server.events).toEqual(["made", "data", "lost"]);
    for (const { reasons } of [server, client]) expect(reasons[0]!.value).toBeInstanceOf(ConnectionDone);
    expect([client.transport.connected, client.transport.disconnecting]).not.toContain(undefined);
    expect(logged.errors).toEqual([]);
  });

  test("what is neither bytes nor text is a TypeError", async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    const until = await join(server, client);
    for (const data of [null, undefined, 7, {}, [1]]) {
      expect(() => client.transport.write(data as string)).toThrow(TypeError);
    }
    client.transport.loseConnection();
    await until(() => server.isLost);
    expect(server.bytes).toBe(0);
  });

  test("loseConnection after a big write delivers all of it", async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    client.counting = true;
    const until = await join(server, client);
    const size = 8_000_000;
    server.transport.write(Buffer.alloc(size));
    server.transport.loseConnection();
    await until(() => client.isLost && server.isLost);
    expect(client.bytes).toBe(size);
    expect(server.reasons[0]!.value).toBeInstanceOf(ConnectionDone);
  });

  test.each(["server", "client"])(
    "a slow reader pauses the %s's push producer, and everything arrives",
    async (side) => {
      const [server, client] = [new Recorder(), new Recorder()];
      const until = await join(server, client);
      const [writer, reader] = side === "server" ? [server, client] : [client, server];
      reader.counting = true;
      reader.transport.pauseProducing();
      const total = 32_768 * 1500; // far more than the system's own buffers take
      const producer = new Push(writer.transport, total);
      writer.transport.registerProducer(producer, true);
      producer.resumeProducing();
      await until(() => producer.paused);
      await until.settle();
      const before = producer.produced;
      expect(before).toBeLessThan(total);
      for (let i = 0; i < 5; i++) {
        reader.transport.resumeProducing();
        reader.transport.pauseProducing();
      }
      reader.transport.resumeProducing();
      await until(() => reader.bytes === total);
      expect(producer.produced).toBe(total);
      expect(producer.pauses).toBeGreaterThan(1);
      writer.transport.unregisterProducer();
      writer.transport.loseConnection();
      await until(() => reader.isLost && writer.isLost);
      expect(producer.stopped).toBe(0);
    },
  );

  test("a write above the mark pauses a push producer at once, and again for each further write", async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    const until = await join(server, client);
    const producer = new Push(server.transport, 0);
    server.transport.registerProducer(producer, true);
    server.transport.write(Buffer.alloc(65_536));
    expect(producer.pauses).toBe(0);
    server.transport.write("x");
    expect(producer.pauses).toBe(1);
    server.transport.writeSequence(["y"]);
    expect(producer.pauses).toBe(2);
    await until(() => client.bytes === 65_538 && !producer.paused);
    server.transport.writeSequence([Buffer.alloc(65_535), "x"]);
    expect(producer.pauses).toBe(2);
    server.transport.writeSequence(["y"]);
    expect(producer.pauses).toBe(3);
    await until(() => client.bytes === 131_075 && !producer.paused);
    server.transport.unregisterProducer();
    client.transport.loseConnection();
    await until(() => server.isLost);
  });

  test("a pull producer is asked at registration and each time the buffer is empty, and never paused", async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    client.counting = true;
    const until = await join(server, client);
    let left = 50;
    const pull = {
      resumeProducing(): void {
        left -= 1;
        if (left % 2 === 0) server.transport.write(Buffer.alloc(100_000));
        else server.transport.writeSequence([Buffer.alloc(50_000), Buffer.alloc(50_000)]);
        if (left > 0) return;
        server.transport.unregisterProducer();
        server.transport.loseConnection();
      },
      stopProducing(): void {},
      pauseProducing: () => void server.events.push("paused"),
    };
    server.transport.registerProducer(pull, false);
    expect(left).toBe(49);
    await until(() => client.isLost);
    expect(client.bytes).toBe(5_000_000);
    expect(server.events).not.toContain("paused");
  });

  test("one producer at a time; the end stops it once, before connectionLost", async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    const until = await join(server, client);
    const producer = new Push(server.transport, 0);
    producer.stopProducing = () => void server.events.push("stopped");
    server.transport.unregisterProducer(); // without one: nothing
    server.transport.registerProducer(producer, true);
    expect(() => server.transport.registerProducer(producer, true)).toThrow(RuntimeError);
    client.transport.loseConnection();
    await until(() => server.isLost);
    expect(server.events).toEqual(["made", "stopped", "lost"]);
    await until(() => client.isLost);
    const late = new Push(client.transport, 0);
    client.transport.registerProducer(late, true);
    expect(late.stopped).toBe(1);
  });

  test("a paused reader hears of data and of the end only when it resumes, in that order", async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    client.connectionMade = () => client.transport.pauseProducing();
    const until = await join(server, client);
    server.transport.write("last words");
    server.transport.loseConnection();
    await until.settle();
    expect(client.events).toEqual([]);
    client.transport.resumeProducing();
    await until(() => client.isLost);
    expect(client.received.toString()).toBe("last words");
    expect(client.events).toEqual(["data", "lost"]);
  });

  test("after the end, writing, closing, pausing and resuming do nothing, and addresses stay", async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    const until = await join(server, client);
    const [host, peer] = [client.transport.getHost(), client.transport.getPeer()];
    expect(peer.equals(server.transport.getHost())).toBe(true);
    expect(host.equals(server.transport.getPeer())).toBe(true);
    server.transport.loseConnection();
    await until(() => server.isLost && client.isLost);
    for (const { transport } of [server, client]) {
      transport.write("late");
      transport.writeSequence(["late"]);
      transport.pauseProducing();
      transport.resumeProducing();
      transport.loseWriteConnection();
      transport.loseConnection();
      transport.abortConnection();
      transport.setTcpNoDelay(false);
      transport.setTcpKeepAlive(true);
    }
    expect(client.transport.getHost()).toBe(host);
    expect(client.transport.getPeer()).toBe(peer);
    await until.settle();
    expect([server.reasons.length, client.reasons.length]).toEqual([1, 1]);
  });

  test("a half-closeable protocol is told of each half, and answers after the peer's end", async () => {
    const [server, client] = [new HalfCloseable(), new HalfCloseable()];
    const until = await join(server, client);
    client.transport.write("question");
    client.transport.loseWriteConnection();
    await until(() => server.events.includes("read lost") && client.events.includes("write lost"));
    client.transport.write("too late");
    server.transport.write("answer");
    await until(() => client.bytes > 0);
    server.transport.loseConnection();
    await until(() => server.isLost);
    await until(() => client.events.includes("read lost") || client.isLost);
    client.transport.loseConnection();
    await until(() => client.isLost);
    expect(server.received.toString()).toBe("question");
    expect(client.received.toString()).toBe("answer");
    expect(server.events).toEqual(["made", "data", "read lost", "lost"]);
    expect(client.events.slice(0, 3)).toEqual(["made", "write lost", "data"]);
  });

  test("nothing is delivered after loseConnection, not even what has arrived already", async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    const until = await join(server, client);
    let deliveries = 0;
    server.dataReceived = () => {
      deliveries += 1;
      server.transport.loseConnection();
    };
    for (let i = 0; i < 10; i++) client.transport.write(Buffer.alloc(100_000));
    await until(() => server.isLost);
    await until.settle();
    expect(deliveries).toBe(1);
    await until(() => client.isLost);
  });

  // PIN
  test("resumeProducing on a closing connection, with much still to be sent, lets nothing in", async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    client.counting = true;
    const until = await join(server, client);
    server.transport.pauseProducing();
    client.transport.pauseProducing();
    client.transport.write("not to be heard");
    await until.settle();
    server.transport.write(Buffer.alloc(8_000_000));
    server.transport.loseConnection();
    for (let i = 0; i < 3; i++) {
      server.transport.resumeProducing();
      await until.settle();
    }
    client.transport.resumeProducing();
    await until(() => server.isLost && client.isLost);
    expect([server.events, server.bytes, client.bytes]).toEqual([["made", "lost"], 0, 8_000_000]);
  });

  test("any other protocol takes the peer's half-close for the end", async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    const until = await join(server, client);
    client.transport.write("all");
    client.transport.loseWriteConnection();
    await until(() => server.isLost && client.isLost);
    expect(server.events).toEqual(["made", "data", "lost"]);
    expect(server.reasons[0]!.value).toBeInstanceOf(ConnectionDone);
  });

  const failing = new Error("a mistake in the protocol");
  const mistakes: Record<string, (protocol: HalfCloseable) => void> = {
    "throws in connectionMade": (protocol) => {
      protocol.connectionMade = () => {
        throw failing;
      };
    },
    "throws in dataReceived": (protocol) => {
      protocol.dataReceived = () => {
        throw failing;
      };
    },
    "rejects in dataReceived": (protocol) => {
      protocol.dataReceived = () => Promise.reject(failing);
    },
    "throws in readConnectionLost": (protocol) => {
      protocol.readConnectionLost = () => {
        throw failing;
      };
    },
  };
  test.each(Object.entries(mistakes))("R1: a protocol that %s is logged and loses its connection", async (_, err) => {
    const [server, client] = [new HalfCloseable(), new Recorder()];
    err(server);
    const until = await join(server, client);
    client.transport.write("data");
    client.transport.loseWriteConnection();
    await until(() => server.isLost && client.isLost);
    expect(server.reasons.map((reason) => reason.value)).toEqual([failing]);
    expect(client.reasons).toHaveLength(1);
    expect(logged.errors).toEqual([failing]);
  });

  test("R1: an exception in connectionLost is logged and harms nobody", async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    const until = await join(server, client);
    client.connectionLost = () => {
      throw failing;
    };
    server.transport.loseConnection();
    await until(() => server.isLost && logged.errors.length > 0);
    expect(logged.errors).toEqual([failing]);
  });
});

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}
