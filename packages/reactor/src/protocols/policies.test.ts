/** Limits, timeouts and throttling around a factory. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { IPv4Address } from "../address.js";
import { directlyProvides } from "../components.js";
import { ConnectionDone } from "../error.js";
import { Failure } from "../failure.js";
import {
  type BytesLike,
  type IAddress,
  IHalfCloseableProtocol,
  type IProtocol,
  type IProtocolFactory,
} from "../interfaces.js";
import { capturedLogs } from "../logger.js";
import { Factory, Protocol } from "../protocol.js";
import { Clock } from "../task.js";
import { AccumulatingProtocol, StringTransport } from "../testing/index.js";
import {
  LimitConnectionsByPeer,
  LimitTotalConnectionsFactory,
  ProtocolWrapper,
  ThrottlingFactory,
  TimeoutFactory,
  TimeoutMixin,
  type TimeoutProtocol,
  TrafficLoggingFactory,
  WrappingFactory,
} from "./policies.js";

const here = new IPv4Address("TCP", "192.0.2.1", 1000);
const done = new Failure(new ConnectionDone());
let clock = new Clock();
beforeEach(() => (clock = new Clock()));

function quiet(protocol: () => IProtocol | null = () => new AccumulatingProtocol()): Factory {
  const factory = Factory.forProtocol(protocol);
  factory.noisy = false;
  return factory;
}

type Wrapper = InstanceType<typeof ProtocolWrapper>;
type Timed = InstanceType<typeof TimeoutProtocol>;

/** A connection through a factory; null if that refuses it. */
function connect(factory: IProtocolFactory, peerAddress: IAddress = here) {
  const outer = factory.buildProtocol(peerAddress);
  if (outer === null) return null;
  const transport = new StringTransport({ peerAddress });
  void outer.makeConnection(transport);
  const wrapped = outer instanceof ProtocolWrapper ? outer.wrappedProtocol : null;
  return { outer: outer as unknown as Wrapper, inner: wrapped as AccumulatingProtocol, transport };
}

describe("WrappingFactory", () => {
  test("the wrapper is the transport of the protocol, and forwards both ways", () => {
    const factory = new WrappingFactory(quiet());
    const { outer, inner, transport } = connect(factory)!;
    expect(inner.transport).toBe(outer);
    expect([...factory.protocols]).toEqual([outer]);
    void outer.dataReceived(Buffer.from("in"));
    expect(inner.data.toString()).toBe("in");
    outer.write("out");
    outer.writeSequence(["1", "2"]);
    expect(transport.value().toString()).toBe("out12");
    expect(outer.getPeer()).toBe(here);
    outer.loseConnection();
    expect([transport.disconnecting, outer.disconnecting]).toEqual([true, true]);
    void outer.connectionLost(done);
    expect(inner.closedReason).toBe(done);
    expect([factory.protocols.size, outer.wrappedProtocol]).toEqual([0, null]);
  });

  test("the wrapper is of the class that is its protocol, or what a function gives", () => {
    class Loud extends ProtocolWrapper {
      override write(data: BytesLike) {
        super.write(data.toString().toUpperCase());
      }
    }
    class LoudFactory extends WrappingFactory {
      override protocol = Loud;
    }
    const other = new WrappingFactory(quiet());
    other.protocol = (factory: WrappingFactory, protocol: IProtocol) => new Loud(factory, protocol);
    for (const factory of [new LoudFactory(quiet()), other]) {
      const { outer, inner, transport } = connect(factory)!;
      expect([outer.factory, outer.wrappedProtocol]).toEqual([factory, inner]);
      inner.transport!.write("hi");
      expect(transport.value().toString()).toBe("HI");
    }
  });

  test("starts and stops with the wrapped factory; a protocol that it refuses is refused", () => {
    const inner = quiet(() => null);
    const factory = new WrappingFactory(inner);
    factory.doStart();
    expect(inner.numPorts).toBe(1);
    factory.doStop();
    expect(inner.numPorts).toBe(0);
    expect(factory.buildProtocol(here)).toBe(null);
  });

  test("what the protocol declares the wrapper provides, and nothing else", () => {
    const half = new AccumulatingProtocol();
    directlyProvides(half, IHalfCloseableProtocol);
    const events: string[] = [];
    Object.assign(half, { readConnectionLost: () => events.push("read lost") });
    const { outer } = connect(new WrappingFactory(quiet(() => half)))!;
    expect(IHalfCloseableProtocol.providedBy(outer)).toBe(true);
    void outer.readConnectionLost();
    expect(events).toEqual(["read lost"]);
    expect(IHalfCloseableProtocol.providedBy(connect(new WrappingFactory(quiet()))!.outer)).toBe(false);
  });
});

test("a factory that fails at the news of an end keeps them from nobody", () => {
  class Failing extends WrappingFactory {
    override unregisterProtocol(): void {
      throw new Error("a fault");
    }
  }
  const { outer, inner } = connect(new Failing(quiet()))!;
  const [event] = capturedLogs(() => void outer.connectionLost(done));
  expect(event?.log_failure?.value).toEqual(new Error("a fault"));
  expect(inner.closedReason).toBe(done);
});

describe("limits", () => {
  test("in all: those beyond are refused, and room comes back with each loss, once", () => {
    const factory = LimitTotalConnectionsFactory.forProtocol(AccumulatingProtocol);
    factory.connectionLimit = 2;
    const [first] = [connect(factory)!, connect(factory)!];
    expect(factory.connectionCount).toBe(2);
    expect(connect(factory)).toBe(null);
    void first.outer.connectionLost(done);
    void first.outer.connectionLost(done);
    expect(factory.connectionCount).toBe(1);
    expect(connect(factory)).not.toBe(null);
  });

  test("an overflow protocol is given instead, and counts", () => {
    class Busy extends Protocol {
      override connectionMade(): void {
        this.transport?.write("busy");
      }
    }
    const factory = LimitTotalConnectionsFactory.forProtocol(AccumulatingProtocol);
    factory.connectionLimit = 0;
    for (const [count, source] of [Busy, () => new Busy()].entries()) {
      factory.overflowProtocol = source;
      const { transport, inner } = connect(factory)!;
      expect(transport.value().toString()).toBe("busy");
      expect(inner.factory).toBe(factory);
      expect(factory.connectionCount).toBe(count + 1);
    }
  });

  test("by host, whatever the port", () => {
    const factory = new LimitConnectionsByPeer(quiet());
    factory.maxConnectionsPerPeer = 2;
    const peer = (port: number, host = "192.0.2.1"): IAddress => new IPv4Address("TCP", host, port);
    const first = connect(factory, peer(1))!;
    connect(factory, peer(2));
    expect(connect(factory, peer(3))).toBe(null);
    expect(connect(factory, peer(3, "192.0.2.2"))).not.toBe(null);
    void first.outer.connectionLost(done);
    expect(connect(factory, peer(4))).not.toBe(null);
    expect(factory.peerConnections.get("192.0.2.1")).toBe(2);
  });
});

describe("timeouts", () => {
  test("TimeoutFactory: activity either way postpones the end", () => {
    const { outer, transport } = connect(new TimeoutFactory(quiet(), { timeoutPeriod: 10, clock }))!;
    clock.advance(9);
    outer.write("x");
    clock.advance(9);
    outer.writeSequence(["x"]);
    clock.advance(9);
    void outer.dataReceived(Buffer.from("x"));
    clock.advance(9.9);
    expect(transport.disconnecting).toBe(false);
    clock.advance(0.2);
    expect(transport.disconnecting).toBe(true);
  });

  test("cancelling twice, or when it is over, is silent; the loss cancels", () => {
    const { outer } = connect(new TimeoutFactory(quiet(), { timeoutPeriod: 10, clock }))!;
    const timed = outer as unknown as Timed;
    timed.cancelTimeout();
    timed.cancelTimeout();
    timed.setTimeout(5);
    timed.setTimeout(null);
    timed.setTimeout(1);
    clock.advance(1);
    timed.cancelTimeout();
    timed.setTimeout(3);
    void timed.connectionLost(done);
    expect(clock.getDelayedCalls()).toEqual([]);
  });

  test("TimeoutMixin: set, reset, off and over", () => {
    class Session extends TimeoutMixin(AccumulatingProtocol) {
      override callLater(...args: Parameters<Clock["callLater"]>) {
        return clock.callLater(...args);
      }
    }
    const session = new Session();
    const transport = new StringTransport();
    void session.makeConnection(transport);
    session.resetTimeout(); // off: nothing
    expect(session.setTimeout(10)).toBe(null);
    clock.advance(9);
    session.resetTimeout();
    clock.advance(9);
    expect(session.setTimeout(5)).toBe(10);
    expect(session.setTimeout(null)).toBe(5);
    clock.advance(100);
    expect(transport.disconnecting).toBe(false);
    session.setTimeout(1);
    clock.advance(1);
    expect(transport.disconnecting).toBe(true);
    expect(session.timeOut).toBe(1);
  });
});

test("a protocol whose wrapper could not be registered never was connected, and hears of no end", () => {
  class Failing extends WrappingFactory {
    override registerProtocol(): void {
      throw new Error("a fault");
    }
  }
  const inner = new AccumulatingProtocol();
  const outer = new Failing(quiet(() => inner)).buildProtocol(here)!;
  expect(() => outer.makeConnection(new StringTransport())).toThrow("a fault");
  void outer.connectionLost(done);
  expect([inner.made, inner.closed]).toEqual([false, false]);
});

test("a timeout whose function fails ends the connection all the same", () => {
  const fault = (): never => {
    throw new Error("a fault");
  };
  class Session extends TimeoutMixin(AccumulatingProtocol) {
    override callLater(...args: Parameters<Clock["callLater"]>) {
      return clock.callLater(...args);
    }
  }
  const session = Object.assign(new Session(), { timeoutConnection: fault });
  const transport = new StringTransport();
  void session.makeConnection(transport);
  session.setTimeout(1);
  const wrapped = connect(new TimeoutFactory(quiet(), { timeoutPeriod: 1, clock }))!;
  Object.assign(wrapped.outer, { timeoutFunc: fault });
  const events = capturedLogs(() => clock.advance(1));
  expect(events.map(({ log_failure }) => log_failure?.value)).toEqual([new Error("a fault"), new Error("a fault")]);
  expect([transport.disconnecting, wrapped.transport.disconnected]).toEqual([true, true]);
});

describe("ThrottlingFactory", () => {
  class Throttling extends ThrottlingFactory {
    override callLater(...args: Parameters<Clock["callLater"]>) {
      return clock.callLater(...args);
    }
  }

  test("too much read in a second pauses all reading for what it was too much", () => {
    const factory = new Throttling(quiet(), { readLimit: 10 });
    const [one, two] = [connect(factory)!, connect(factory)!];
    void one.outer.dataReceived(Buffer.alloc(20));
    clock.advance(1);
    expect([one.transport.producerState, two.transport.producerState]).toEqual(["paused", "paused"]);
    clock.advance(0.99);
    expect(one.transport.producerState).toBe("paused");
    clock.advance(0.02);
    expect([one.transport.producerState, two.transport.producerState]).toEqual(["producing", "producing"]);
  });

  test("too much written pauses the producers, and no timer is left without connections", () => {
    const factory = new Throttling(quiet(), { writeLimit: 10 });
    const { outer } = connect(factory)!;
    const calls: string[] = [];
    const producer = {
      pauseProducing: () => void calls.push("pause"),
      resumeProducing: () => void calls.push("resume"),
      stopProducing: () => {},
    };
    outer.registerProducer(producer, true);
    outer.writeSequence([Buffer.alloc(25), Buffer.alloc(5)]);
    clock.advance(1);
    expect(calls).toEqual(["pause"]);
    clock.advance(2);
    expect(calls).toEqual(["pause", "resume"]);
    void outer.connectionLost(done);
    expect(clock.getDelayedCalls()).toEqual([]);
    expect(factory.connectionCount).toBe(0);
  });

  test("a producer that fails ends its connection, and the others are paused all the same", () => {
    const factory = new Throttling(quiet(), { writeLimit: 10 });
    const [one, two] = [connect(factory)!, connect(factory)!];
    const calls: string[] = [];
    const producer = { resumeProducing: () => {}, stopProducing: () => {} };
    const fault = (): never => {
      throw new Error("a fault");
    };
    one.outer.registerProducer({ ...producer, pauseProducing: fault }, true);
    two.outer.registerProducer({ ...producer, pauseProducing: () => void calls.push("pause") }, true);
    two.outer.write(Buffer.alloc(30));
    capturedLogs(() => clock.advance(1));
    expect(calls).toEqual(["pause"]);
    expect([one.transport.disconnected, two.transport.disconnected]).toEqual([true, false]);
    expect(clock.getDelayedCalls()).toHaveLength(2); // it goes on, and looks again
  });

  test("at most so many connections", () => {
    const factory = new Throttling(quiet(), { maxConnectionCount: 1 });
    const first = connect(factory)!;
    expect(connect(factory)).toBe(null);
    void first.outer.connectionLost(done);
    expect(connect(factory)).not.toBe(null);
  });
});

describe("TrafficLoggingFactory", () => {
  let folder = "";
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "strombus-traffic-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  test("one file a connection, what came and went, escaped and cut", () => {
    const factory = new TrafficLoggingFactory(quiet(), join(folder, "log"), { lengthLimit: 8 });
    const { outer } = connect(factory)!;
    void outer.dataReceived(Buffer.from("a\x1b[31m"));
    outer.write("a long line that is cut");
    void outer.connectionLost(done);
    connect(factory)!.outer.write("2");
    expect(readFileSync(join(folder, "log-1"), "latin1").split("\n").slice(0, 2)).toEqual([
      'R: "a\\u001b...',
      'S: "a long ...',
    ]);
    expect(readFileSync(join(folder, "log-2"), "latin1")).toBe('S: "2"\n');
    factory.resetCounter();
    connect(factory)!.outer.write("3");
    expect(readFileSync(join(folder, "log-1"), "latin1")).toContain('S: "3"');
  });
});
