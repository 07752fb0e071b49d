/** The doubles keep what they promise. */
import { describe, expect, test } from "vitest";
import { IPv4Address, IPv6Address } from "../address.js";
import { Deferred } from "../defer.js";
import { connectProtocol } from "../endpoints.js";
import { ConnectionDone, ConnectionRefusedError } from "../error.js";
import { AssertionError, NotImplementedError, RuntimeError } from "../exceptions.js";
import type { Failure } from "../failure.js";
import { IReactorCore, IReactorTCP, IReactorTime, ITCPTransport } from "../interfaces.js";
import { ClientFactory, Factory, Protocol } from "../protocol.js";
import {
  AccumulatingProtocol,
  assertNoLoggedErrors,
  captureLoggedErrors,
  Clock,
  connectedServerAndClient,
  assertNoResult,
  failureResultOf,
  flushLoggedErrors,
  successResultOf,
  connectableEndpoint,
  ConnectionCompleter,
  FakeTransport,
  MemoryReactor,
  MemoryReactorClock,
  RaisingMemoryReactor,
  StringTransport,
  StringTransportWithDisconnection,
} from "./index.js";

const producer = { pauseProducing(): void {}, resumeProducing(): void {}, stopProducing(): void {} };

describe("StringTransport", () => {
  test("keeps copies of what is written, also while closing, until it is cleared", () => {
    const transport = new StringTransport();
    const bytes = Buffer.from("one");
    transport.write(bytes);
    bytes.fill(0);
    transport.loseConnection();
    transport.writeSequence([" two", new Uint8Array([32, 51])]);
    expect(transport.value().toString()).toBe("one two 3");
    transport.clear();
    expect(transport.value()).toHaveLength(0);
    expect(() => transport.write(7 as unknown as string)).toThrow(TypeError);
    expect(ITCPTransport.providedBy(transport)).toBe(true);
  });

  test("closing sets flags only; addresses are Twisted's unless given", () => {
    const transport = new StringTransport();
    transport.loseConnection();
    expect([transport.connected, transport.disconnecting, transport.disconnected]).toEqual([true, true, false]);
    transport.abortConnection();
    expect([transport.connected, transport.disconnected]).toEqual([true, true]);
    expect(transport.getHost().equals(new IPv4Address("TCP", "10.0.0.1", 12345))).toBe(true);
    expect(transport.getPeer().equals(new IPv4Address("TCP", "192.168.1.1", 54321))).toBe(true);
    const peerAddress = new IPv6Address("TCP", "::1", 1);
    expect(new StringTransport({ peerAddress }).getPeer()).toBe(peerAddress);
  });

  test("takes one producer at a time", () => {
    const transport = new StringTransport();
    expect(() => transport.unregisterProducer()).toThrow(RuntimeError);
    transport.registerProducer(producer, true);
    expect([transport.producer, transport.streaming]).toEqual([producer, true]);
    expect(() => transport.registerProducer(producer, false)).toThrow(RuntimeError);
    transport.unregisterProducer();
    expect(transport.producer).toBeNull();
  });

  test("follows pausing and resuming, which is an error after stopping, and after closing unless lenient", () => {
    const transport = new StringTransport();
    transport.pauseProducing();
    expect(transport.producerState).toBe("paused");
    transport.resumeProducing();
    expect(transport.producerState).toBe("producing");
    transport.stopProducing();
    expect(() => transport.resumeProducing()).toThrow(RuntimeError);
    const closing = new StringTransport();
    closing.loseConnection();
    expect(() => closing.pauseProducing()).toThrow(RuntimeError);
    const lenient = new StringTransport({ lenient: true });
    lenient.loseConnection();
    lenient.pauseProducing();
    expect(lenient.producerState).toBe("paused");
  });

  test("with disconnection tells its protocol of the end, once", () => {
    const transport = new StringTransportWithDisconnection();
    const protocol = new AccumulatingProtocol();
    transport.protocol = protocol;
    void protocol.makeConnection(transport);
    let told = 0;
    protocol.closedDeferred = new Deferred();
    protocol.closedDeferred.addCallback(() => void (told += 1));
    transport.loseConnection();
    transport.loseConnection();
    expect([protocol.closed, transport.connected, told]).toEqual([true, false, 1]);
    expect(protocol.closedReason!.value).toBeInstanceOf(ConnectionDone);
  });
});

test("an AccumulatingProtocol gathers data and fires its factory's protocolConnectionMade once", () => {
  const factory = Object.assign(Factory.forProtocol(AccumulatingProtocol), {
    protocolConnectionMade: new Deferred<AccumulatingProtocol>(),
  });
  let first: unknown = null;
  factory.protocolConnectionMade.addCallback((protocol) => void (first = protocol));
  const protocols = [1, 2].map(() => {
    const protocol = factory.buildProtocol(new IPv4Address("TCP", "127.0.0.1", 1)) as AccumulatingProtocol;
    void protocol.makeConnection(new StringTransport());
    return protocol;
  });
  protocols[0]!.dataReceived(Buffer.from("a"));
  protocols[0]!.dataReceived(Buffer.from("b"));
  expect(first).toBe(protocols[0]);
  expect(factory.protocolConnectionMade).toBeNull();
  expect([protocols[0]!.made, protocols[0]!.data.toString()]).toEqual([true, "ab"]);
});

describe("MemoryReactor", () => {
  test("records listening and connecting in the order of the arguments", async () => {
    const reactor = new MemoryReactor();
    const events: unknown[] = [];
    const server = new Factory();
    const client = new ClientFactory();
    client.startedConnecting = (connector) => events.push(connector);
    const port = reactor.listenTCP(22, server);
    expect(port.getHost().equals(new IPv4Address("TCP", "0.0.0.0", 22))).toBe(true);
    expect(reactor.listenTCP(23, server, { backlog: 5, interface: "::" }).getHost()).toBeInstanceOf(IPv6Address);
    const connector = reactor.connectTCP("192.0.2.1", 22, client, { timeout: 4, bindAddress: ["192.0.2.2", 0] });
    expect(reactor.tcpServers).toEqual([
      [22, server, 50, ""],
      [23, server, 5, "::"],
    ]);
    expect(reactor.tcpClients).toEqual([["192.0.2.1", 22, client, 4, ["192.0.2.2", 0]]]);
    expect(reactor.connectors).toEqual([connector]);
    expect(events).toEqual([connector]);
    connector.stopConnecting();
    connector.disconnect();
    expect([connector.stoppedConnecting, connector._disconnected]).toEqual([true, true]);
    expect([server.numPorts, client.numPorts]).toEqual([0, 0]);
    await port.stopListening();
  });

  test("runs its hooks, then stops; its flags start true; what it cannot do is NotImplementedError", async () => {
    const reactor = new MemoryReactor();
    expect([reactor.hasRun, reactor.hasStopped, reactor.hasCrashed, reactor.running]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    const events: string[] = [];
    reactor.callWhenRunning((text) => events.push(text, String(reactor.running)), "hook");
    reactor.addSystemEventTrigger("before", "shutdown", (text) => events.push(text), "trigger");
    await reactor.run();
    expect([events, reactor.running]).toEqual([["hook", "true"], false]);
    expect(reactor.triggers.before["shutdown"]).toHaveLength(1);
    for (const call of ["resolve", "iterate", "fireSystemEvent", "removeSystemEventTrigger"] as const) {
      expect(() => (reactor[call] as () => void)()).toThrow(NotImplementedError);
    }
    for (const token of [IReactorCore, IReactorTCP]) expect(token.providedBy(reactor)).toBe(true);
  });

  test("with a clock has its time, and one that raises raises", () => {
    const reactor = new MemoryReactorClock();
    const events: number[] = [];
    reactor.callLater(2, () => events.push(reactor.seconds()));
    expect(reactor.getDelayedCalls()).toHaveLength(1);
    reactor.advance(1);
    reactor.pump([1]);
    expect([events, reactor.rightNow]).toEqual([[2], 2]);
    expect(IReactorTime.providedBy(reactor)).toBe(true);
    const [listenException, connectException] = [new Error("listen"), new Error("connect")];
    const raising = new RaisingMemoryReactor({ listenException, connectException });
    expect(() => raising.listenTCP()).toThrow(listenException);
    expect(() => raising.connectTCP()).toThrow(connectException);
  });
});

describe("in-memory pairs", () => {
  const order: string[] = [];
  class Noting extends AccumulatingProtocol {
    constructor(readonly name: string) {
      super();
    }
    override connectionMade(): void {
      order.push(`${this.name} made`);
      this.transport!.write(`hello from ${this.name}`);
    }
    override connectionLost(reason?: Failure): void {
      order.push(`${this.name} lost`);
      super.connectionLost(reason);
    }
  }
  const make = () => {
    order.length = 0;
    return connectedServerAndClient(
      () => new Noting("server"),
      () => new Noting("client"),
    );
  };

  test("the client comes first out; the server is connected first; greetings have gone both ways", () => {
    const [client, server, pump] = make();
    expect([client.name, server.name]).toEqual(["client", "server"]);
    expect([pump.client, pump.server]).toEqual([client, server]);
    expect(order).toEqual(["server made", "client made"]);
    expect([client.data.toString(), server.data.toString()]).toEqual(["hello from server", "hello from client"]);
    expect(pump.flush()).toBe(false);
    expect(pump.clientIO.serial).not.toBe(pump.serverIO.serial);
    expect([pump.clientIO.isServer, pump.serverIO.isServer]).toEqual([false, true]);
  });

  test("without greeting nothing moves until it is pumped, one round at a time", () => {
    const [client, server, pump] = connectedServerAndClient(Protocol, AccumulatingProtocol, { greet: false });
    server.transport!.write("data");
    expect(client.data).toHaveLength(0);
    expect(pump.pump()).toBe(true);
    expect(client.data.toString()).toBe("data");
    expect(pump.pump()).toBe(false);
  });

  test("the other side hears of the end first, the closer with the next round, both of ConnectionDone", () => {
    const [client, server, pump] = make();
    server.transport!.loseConnection();
    server.transport!.write("dropped");
    expect(pump.pump()).toBe(true);
    expect(order.slice(2)).toEqual(["client lost"]);
    expect(pump.pump()).toBe(true);
    expect(order.slice(2)).toEqual(["client lost", "server lost"]);
    expect(pump.pump()).toBe(false);
    for (const { closedReason } of [client, server]) expect(closedReason!.value).toBeInstanceOf(ConnectionDone);
    expect(client.data.toString()).toBe("hello from server");
  });

  test("abortConnection loses no data", () => {
    const [client, server, pump] = make();
    server.transport!.write("!");
    (server.transport as FakeTransport).abortConnection();
    pump.flush();
    expect(client.data.toString()).toBe("hello from server!");
    expect([client.closed, server.closed]).toEqual([true, true]);
  });

  test("what a producer throws is logged and ends the connection, and does not reach who writes", () => {
    for (const [streaming, method] of [
      [true, "pauseProducing"],
      [true, "resumeProducing"],
      [false, "resumeProducing"],
    ] as const) {
      captureLoggedErrors();
      const [client, server, pump] = connectedServerAndClient(AccumulatingProtocol, AccumulatingProtocol);
      const fail = () => {
        throw new RuntimeError(method);
      };
      (server.transport as FakeTransport).registerProducer({ ...producer, [method]: fail }, streaming);
      server.transport!.write(Buffer.alloc(65_537));
      pump.flush();
      expect(flushLoggedErrors(RuntimeError)).toHaveLength(1);
      expect([client, server].map(({ closed }) => closed)).toEqual([true, true]);
      expect(server.closedReason!.value).toEqual(new RuntimeError(method));
      assertNoLoggedErrors();
    }
  });

  test("bytes are copied on their way: what the receiver does to them does not reach the sender", () => {
    class Spoiler extends Protocol {
      override dataReceived(data: Buffer): void {
        data.fill(0);
      }
    }
    const [client, , pump] = connectedServerAndClient(Spoiler, Protocol);
    const bytes = Buffer.from("secret");
    client.transport!.write(bytes);
    pump.flush();
    expect(bytes.toString()).toBe("secret");
    const [sender, receiver, other] = connectedServerAndClient(AccumulatingProtocol, Protocol);
    sender.transport!.write(bytes);
    bytes.fill(0); // a sender may use its buffer again
    other.flush();
    expect(receiver.data.toString()).toBe("secret");
  });

  test("each round runs the clock's due calls, and two that answer for ever are an AssertionError", () => {
    const clock = new Clock();
    const [client, server, pump] = connectedServerAndClient(AccumulatingProtocol, AccumulatingProtocol, { clock });
    clock.callLater(0, () => client.transport!.write("late"));
    pump.flush({ advanceClock: false });
    expect(server.data).toHaveLength(0);
    pump.flush();
    expect(server.data.toString()).toBe("late");
    class Echo extends Protocol {
      override dataReceived(data: Buffer): void {
        this.transport!.write(data);
      }
    }
    const [echo, , endless] = connectedServerAndClient(Echo, Echo);
    echo.transport!.write("ping");
    expect(() => endless.flush()).toThrow(AssertionError);
  });

  test("transports of one's own can be given", () => {
    const peerAddress = new IPv4Address("TCP", "192.0.2.9", 9);
    const [, server] = connectedServerAndClient(AccumulatingProtocol, AccumulatingProtocol, {
      serverTransportFactory: (protocol) => new FakeTransport(protocol, true, { peerAddress }),
    });
    expect(server.transport!.getPeer()).toBe(peerAddress);
  });

  test("a ConnectionCompleter joins what a MemoryReactor recorded, or fails it", () => {
    const reactor = new MemoryReactor();
    const completer = new ConnectionCompleter(reactor);
    expect(completer.succeedOnce()).toBeNull();
    const client = ClientFactory.forProtocol(AccumulatingProtocol);
    const news: unknown[] = [];
    client.clientConnectionLost = (connector, reason) => void news.push(connector, reason.value);
    client.clientConnectionFailed = (connector, reason) => void news.push(connector, reason.value);
    const connector = reactor.connectTCP("192.0.2.1", 22, client);
    expect(completer.succeedOnce()).toBeNull();
    reactor.listenTCP(22, Factory.forProtocol(AccumulatingProtocol));
    const pump = completer.succeedOnce()!;
    pump.clientIO.write("hi");
    pump.flush();
    expect(pump.server).toMatchObject({ data: Buffer.from("hi") });
    pump.serverIO.loseConnection();
    pump.flush();
    expect(news).toEqual([connector, expect.any(ConnectionDone)]);
    const failing = reactor.connectTCP("192.0.2.1", 22, client);
    completer.failOnce();
    expect(news.slice(2)).toEqual([failing, expect.any(ConnectionRefusedError)]);
    expect([reactor.tcpClients, reactor.connectors]).toEqual([[], []]);
  });

  test("connectableEndpoint: an endpoint, and what decides on its connections", () => {
    const [endpoint, completer] = connectableEndpoint();
    const protocol = new AccumulatingProtocol();
    const connected = connectProtocol(endpoint, protocol);
    assertNoResult(connected);
    const pump = completer.succeedOnce()!;
    expect(successResultOf(connected)).toBe(protocol);
    pump.serverIO.write("hi");
    pump.flush();
    expect(protocol.data.toString()).toBe("hi");
    const refused = connectProtocol(endpoint, new AccumulatingProtocol());
    completer.failOnce();
    expect(failureResultOf(refused).value).toBeInstanceOf(ConnectionRefusedError);
  });
});
