/** Connecting: what a client factory hears, and why an attempt fails. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  ConnectBindError,
  ConnectError,
  ConnectionDone,
  ConnectionRefusedError,
  DNSLookupError,
  NotConnectingError,
  TimeoutError,
  UserError,
} from "../error.js";
import { RuntimeError } from "../exceptions.js";
import { collectGarbage } from "../garbage.test.helper.js";
import type { IConnector } from "../interfaces.js";
import { NodeReactor } from "../reactor.js";
import { type AnyReactor, reactors } from "../reactors.test.helper.js";
import { Clock } from "../task.js";
import { TCPConnector } from "./tcp-connector.js";
import type { OpenTransport } from "./host.js";
import { logged, pair, Recorder, RecordingFactory, serving, turn, until, tidyUp } from "./recording.test.helper.js";

let reactor: AnyReactor = new NodeReactor();
beforeEach(() => {
  reactor = new NodeReactor();
});
tidyUp(() => reactor);

describe.each(reactors)("%s", (_, make) => {
  beforeEach(() => {
    reactor = make();
  });

  test("the events of a connection, and the state and destination of its connector", async () => {
    const server = new Recorder();
    const port = reactor.listenTCP(
      0,
      serving(() => server),
    );
    const client = new Recorder();
    const factory = new RecordingFactory(() => client);
    const connector = reactor.connectTCP("127.0.0.1", port.getHost().port, factory);
    expect(factory.events).toEqual(["start", "connecting"]);
    expect(connector.state).toBe("connecting");
    expect(() => connector.connect()).toThrow(RuntimeError);
    await until(() => client.connected && server.connected);
    expect(connector.state).toBe("connected");
    expect(() => connector.stopConnecting()).toThrow(NotConnectingError);
    expect(connector.getDestination().equals(client.transport.getPeer())).toBe(true);
    expect(client.transport.logPrefix()).toBe("Recorder,client");
    expect(server.transport.logPrefix()).toBe("Recorder,0,127.0.0.1");
    expect([client.transport.sessionno, server.transport.sessionno]).toEqual([-1, 0]);
    connector.disconnect();
    await until(() => client.isLost && server.isLost);
    expect(factory.events).toEqual(["start", "connecting", "lost", "stop"]);
    expect(factory.reasons).toEqual(client.reasons);
    expect(connector.state).toBe("disconnected");
    await port.stopListening();
    expect(reactor.openTransports.size).toBe(0);
    expect(reactor.getDelayedCalls()).toEqual([]);
  });

  // PIN
  test("after the end nobody holds the protocols, and no delayed call remains", async () => {
    const ends = await madeAndClosed(reactor);
    for (let turns = 0; turns < 100 && ends.some((end) => end.deref() !== undefined); turns++) {
      await turn();
      collectGarbage();
    }
    expect(ends.map((end) => end.deref())).toEqual([undefined, undefined]);
    expect([reactor.openTransports.size, reactor.getDelayedCalls()]).toEqual([0, []]);
  });

  test("nobody there: ConnectionRefusedError with its errno", async () => {
    const port = reactor.listenTCP(
      0,
      serving(() => null),
      { interface: "127.0.0.1" },
    );
    const number = port.getHost().port;
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

  test.each(["stopConnecting", "disconnect"] as const)(
    "%s fails the attempt with UserError, at once",
    async (method) => {
      const port = reactor.listenTCP(
        0,
        serving(() => null),
      );
      const factory = new RecordingFactory();
      reactor.connectTCP("127.0.0.1", port.getHost().port, factory)[method]();
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
    connectors.add(reactor.connectTCP("127.0.0.1", port.getHost().port, factory));
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
    for (const factory of [unwanted, broken]) reactor.connectTCP("127.0.0.1", port.getHost().port, factory);
    await until(() => unwanted.reasons.length + broken.reasons.length === 2);
    expect(unwanted.events).toEqual(["start", "connecting", "lost", "stop"]);
    expect(unwanted.error).toBeInstanceOf(ConnectionDone);
    expect(broken.events).toEqual(["start", "connecting", "failed", "stop"]);
    expect(broken.error).toBeInstanceOf(ConnectError);
    expect(logged.errors.map((error) => error.message)).toEqual(["broken"]);
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
    reactor.connectTCP("127.0.0.1", port.getHost().port, factory);
    await until(() => server.connected);
    server.transport.loseConnection();
    await until(() => factory.events.at(-1) === "stop");
    expect(factory.events).toEqual(["start", "connecting", "lost", "stop"]);
    await port.stopListening();
  });
});

test("our own timeout is a TimeoutError", async () => {
  const port = reactor.listenTCP(
    0,
    serving(() => null),
  );
  const clock = new Clock();
  const host = Object.assign(clock, { openTransports: new Set<OpenTransport>() });
  const factory = new RecordingFactory();
  new TCPConnector(host, "127.0.0.1", port.getHost().port, factory, { timeout: 5 }).connect();
  clock.advance(4.9);
  expect(factory.events).toEqual(["start", "connecting"]);
  clock.advance(0.1);
  expect(factory.events).toEqual(["start", "connecting", "failed", "stop"]);
  expect(factory.error).toBeInstanceOf(TimeoutError);
  expect(host.openTransports.size).toBe(0);
  await port.stopListening();
});

/** Both protocols of a connection that was made and closed, for as long as anybody holds them. */
async function madeAndClosed(reactor: AnyReactor): Promise<WeakRef<Recorder>[]> {
  const [server, client] = await pair(reactor, new Recorder(), new Recorder());
  client.transport.loseConnection();
  await until(() => server.isLost && client.isLost);
  return [server, client].map((end) => new WeakRef(end));
}
