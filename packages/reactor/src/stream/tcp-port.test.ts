/** Listening: binding, refusing, stopping, going on. */
import * as net from "node:net";
import { constants, networkInterfaces } from "node:os";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { IPv6Address } from "../address.js";
import { CannotListenError, ConnectionLost } from "../error.js";
import { RuntimeError } from "../exceptions.js";
import { NodeReactor } from "../reactor.js";
import { type AnyReactor, reactors } from "../reactors.test.helper.js";
import { Clock } from "../task.js";
import type { OpenTransport } from "./host.js";
import { TCPPort } from "./tcp-port.js";
import { logged, Recorder, RecordingFactory, serving, until, tidyUp } from "./recording.test.helper.js";

let reactor: AnyReactor = new NodeReactor();
beforeEach(() => {
  reactor = new NodeReactor();
});
tidyUp(() => reactor);

describe.each(reactors)("%s", (_, make) => {
  beforeEach(() => {
    reactor = make();
  });

  test("the port is bound before listenTCP returns", async () => {
    const port = reactor.listenTCP(
      0,
      serving(() => null),
      { interface: "127.0.0.1" },
    );
    expect(port.getHost().port).toBeGreaterThan(0);
    expect(port.getHost().host).toBe("127.0.0.1");
    await port.stopListening();
  });

  test("a port in use, a name for an interface and a bad number are CannotListenErrors, at once", async () => {
    const port = reactor.listenTCP(
      0,
      serving(() => null),
      { interface: "127.0.0.1" },
    );
    const taken = port.getHost().port;
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
    factory.buildProtocol = (addr) => (peers.push(String(addr)), null);
    const port = reactor.listenTCP(0, factory);
    const hosts = ["127.0.0.1", ...(hasIPv6() ? ["::1"] : [])];
    for (const host of hosts) {
      const client = new RecordingFactory();
      reactor.connectTCP(host, port.getHost().port, client);
      await until(() => client.events.at(-1) === "stop");
    }
    expect(peers.map((peer) => /host=([^,]*)/.exec(peer)![1])).toEqual(hosts);
    if (hasIPv6()) expect(port.getHost()).toBeInstanceOf(IPv6Address);
    await port.stopListening();
  });

  test("stopListening frees the number by the time it fires, leaves connections alone, and listening can go on", async () => {
    const server = new Recorder();
    const factory = new RecordingFactory(() => server);
    const port = reactor.listenTCP(0, factory, { interface: "127.0.0.1" });
    const number = port.getHost().port;
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
      if (logged.errors.length === 0) throw new Error("no protocol");
      return new Recorder();
    });
    const port = reactor.listenTCP(0, factory);
    const clients = [new Recorder(), new Recorder()];
    reactor.connectTCP("127.0.0.1", port.getHost().port, new RecordingFactory(() => clients[0]!));
    await until(() => clients[0]!.isLost);
    reactor.connectTCP("127.0.0.1", port.getHost().port, new RecordingFactory(() => clients[1]!));
    await until(() => clients[1]!.connected);
    expect(logged.errors.map((error) => error.message)).toEqual(["no protocol"]);
    clients[1]!.transport.loseConnection();
    await until(() => clients[1]!.isLost);
    await port.stopListening();
  });

  test("every connection, attempt and port ends with ConnectionLost, before the during triggers of others", async () => {
    const factory = new RecordingFactory(() => server);
    const server = new Recorder();
    const client = new Recorder();
    const port = reactor.listenTCP(0, factory);
    reactor.connectTCP("127.0.0.1", port.getHost().port, new RecordingFactory(() => client));
    await until(() => server.connected && client.connected);
    const pending = new RecordingFactory();
    client.connectionLost = (reason) => {
      client.reasons.push(reason);
      throw new Error("a bad end");
    };
    let open = -1;
    reactor.addSystemEventTrigger("before", "shutdown", () => {
      reactor.connectTCP("127.0.0.1", port.getHost().port, pending);
      expect([server.isLost, client.isLost]).toEqual([false, false]);
    });
    reactor.addSystemEventTrigger("during", "shutdown", () => void (open = reactor.openTransports.size));
    const finished = reactor.run({ installSignalHandlers: false });
    reactor.stop();
    await finished;
    expect(open).toBe(0);
    for (const error of [server.error, client.error, pending.error]) expect(error).toBeInstanceOf(ConnectionLost);
    expect(factory.events).toEqual(["start", "stop"]);
    expect(logged.errors.map((error) => error.message)).toEqual(["a bad end"]);
  });
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
  const { _handle: handle } = server as unknown as { _handle: { onconnection(status: number): void } };
  const codes = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"] as const;
  for (const code of codes) {
    for (let i = 0; i < 3; i++) handle.onconnection(-constants.errno[code]);
    clock.advance(1);
  }
  expect(logged.errors.map((error) => (error as NodeJS.ErrnoException).code)).toEqual(codes);
  const client = new RecordingFactory();
  reactor.connectTCP("127.0.0.1", port.getHost().port, client);
  await until(() => client.events.at(-1) === "stop");
  expect(client.events).toContain("lost");
  await port.stopListening();
});

function hasIPv6(): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1"));
}
