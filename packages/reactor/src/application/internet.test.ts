/** Services that listen, connect and tick do so while they run. */
import { describe, expect, test } from "vitest";
import { CancelledError, Deferred, fail, succeed } from "../defer.js";
import { CannotListenError } from "../error.js";
import type { Failure } from "../failure.js";
import type { IListeningPort, IProtocolFactory } from "../interfaces.js";
import { ClientFactory, DatagramProtocol, Factory } from "../protocol.js";
import { CertificateOptions } from "../ssl.js";
import {
  assertNoLoggedErrors,
  captureLoggedErrors,
  Clock,
  FakePort,
  flushLoggedErrors,
  MemoryReactor,
  RaisingMemoryReactor,
} from "../testing/index.js";
import { IPv4Address } from "../address.js";
import {
  backoffPolicy,
  UNIXClient,
  UNIXServer,
  SSLClient,
  SSLServer,
  UDPServer,
  CooperatorService,
  StreamServerEndpointService,
  TCPClient,
  TCPServer,
  TimerService,
} from "./internet.js";

/** A port that says whether it is closed. */
class NotedPort extends FakePort {
  stopped = 0;
  constructor() {
    super(new IPv4Address("TCP", "127.0.0.1", 1));
  }
  override stopListening(): Deferred<void> {
    this.stopped += 1;
    return succeed(undefined);
  }
}

describe("TCPServer", () => {
  test("listens with its arguments once, when privileged, and stops the port", () => {
    const reactor = new MemoryReactor();
    const factory = new Factory();
    const service = new TCPServer(7, factory, { backlog: 5, interface: "127.0.0.1", reactor });
    expect(reactor.tcpServers).toEqual([]);
    service.privilegedStartService();
    service.startService();
    expect(reactor.tcpServers).toEqual([[7, factory, 5, "127.0.0.1"]]);
    expect(service.port).not.toBe(null);
    void service.stopService();
    expect([service.port, service.running]).toEqual([null, false]);
    service.startService();
    expect(reactor.tcpServers).toHaveLength(2);
  });

  test("cannot start where it cannot listen", () => {
    const reactor = new RaisingMemoryReactor({ listenException: new CannotListenError("", 7, new Error("in use")) });
    const service = new TCPServer(7, new Factory(), { reactor });
    expect(() => service.privilegedStartService()).toThrow(CannotListenError);
  });
});

test("TCPClient connects when it starts, and disconnects when it stops", () => {
  const reactor = new MemoryReactor();
  const factory = new ClientFactory();
  const service = new TCPClient("host", 7, factory, { timeout: 3, reactor });
  service.privilegedStartService();
  expect(reactor.tcpClients).toEqual([]);
  service.startService();
  expect(reactor.tcpClients).toEqual([["host", 7, factory, 3, null]]);
  service.stopService();
  expect(reactor.connectors[0]?._disconnected).toBe(true);
});

test("UNIXServer and UNIXClient do the same with a path", () => {
  const reactor = new MemoryReactor();
  const [factory, clientFactory] = [new Factory(), new ClientFactory()];
  const server = new UNIXServer("/run/it", factory, { mode: 0o600, wantPID: true, reactor });
  const client = new UNIXClient("/run/it", clientFactory, { checkPID: true, reactor });
  for (const service of [server, client]) service.startService();
  expect(reactor.unixServers).toEqual([["/run/it", factory, 50, 0o600, true]]);
  expect(reactor.unixClients).toEqual([["/run/it", clientFactory, 30, true]]);
  for (const service of [server, client]) void service.stopService();
  expect([server.port, reactor.connectors[0]?._disconnected]).toEqual([null, true]);
});

test("SSLServer and SSLClient do the same with a context factory", () => {
  const reactor = new MemoryReactor();
  const [factory, clientFactory] = [new Factory(), new ClientFactory()];
  const [ours, theirs] = [new CertificateOptions(), new CertificateOptions()];
  const server = new SSLServer(7, factory, ours, { interface: "127.0.0.1", reactor });
  const client = new SSLClient("host", 7, clientFactory, theirs, { timeout: 3, reactor });
  for (const service of [server, client]) service.startService();
  expect(reactor.sslServers).toEqual([[7, factory, ours, 50, "127.0.0.1"]]);
  expect(reactor.sslClients).toEqual([["host", 7, clientFactory, theirs, 3, null]]);
  for (const service of [server, client]) void service.stopService();
  expect([server.port, reactor.connectors[0]?._disconnected]).toEqual([null, true]);
});

test("UDPServer has its protocol listen while it runs", async () => {
  const protocol = new DatagramProtocol();
  protocol.noisy = false;
  const service = new UDPServer(0, protocol, { interface: "127.0.0.1" });
  service.privilegedStartService();
  service.startService();
  expect(protocol.numPorts).toBe(1);
  await service.stopService();
  expect([protocol.numPorts, service.port]).toEqual([0, null]);
});

class Endpoint {
  readonly factories: IProtocolFactory[] = [];
  readonly listening: Deferred<IListeningPort>[] = [];
  cancelled = 0;

  listen(factory: IProtocolFactory): Deferred<IListeningPort> {
    this.factories.push(factory);
    const listening = new Deferred<IListeningPort>(() => void (this.cancelled += 1));
    this.listening.push(listening);
    return listening;
  }
}

describe("StreamServerEndpointService", () => {
  test("listens when privileged, or else when started, and only once", () => {
    for (const privileged of [true, false]) {
      const [endpoint, factory] = [new Endpoint(), new Factory()];
      const service = new StreamServerEndpointService(endpoint, factory);
      if (privileged) service.privilegedStartService();
      service.startService();
      expect([endpoint.factories, service.running]).toEqual([[factory], true]);
    }
  });

  test("tells when it listens, and stops the port, which it waits for", () => {
    const endpoint = new Endpoint();
    const service = new StreamServerEndpointService(endpoint, new Factory());
    let listens = false;
    service.startService().addCallback(() => void (listens = true));
    expect(listens).toBe(false);
    const port = new NotedPort();
    const closing = new Deferred<void>();
    port.stopListening = () => closing;
    endpoint.listening[0]!.callback(port);
    expect(listens).toBe(true);
    let stopped = false;
    service.stopService().addCallback(() => void (stopped = true));
    expect([stopped, service.running]).toEqual([false, true]);
    closing.callback();
    expect([stopped, service.running]).toEqual([true, false]);
  });

  test("stopped too early it cancels, which is no error; it can start again after", () => {
    captureLoggedErrors();
    const endpoint = new Endpoint();
    const service = new StreamServerEndpointService(endpoint, new Factory());
    service.startService();
    let stopped = false;
    service.stopService().addCallback(() => void (stopped = true));
    expect([endpoint.cancelled, stopped, service.running]).toEqual([1, true, false]);
    service.startService();
    const port = new NotedPort();
    endpoint.listening[1]!.callback(port);
    service.stopService();
    expect([endpoint.listening.length, port.stopped]).toEqual([2, 1]);
    assertNoLoggedErrors();
  });

  test("an error is logged only, now or later", () => {
    captureLoggedErrors();
    const error = new CannotListenError("", 7, new Error("in use"));
    const now = new StreamServerEndpointService({ listen: () => fail(error) }, new Factory());
    now.startService();
    expect(flushLoggedErrors(CannotListenError)).toHaveLength(1);
    const throwing = new StreamServerEndpointService(
      {
        listen() {
          throw error;
        },
      },
      new Factory(),
    );
    throwing.startService();
    expect(flushLoggedErrors(CannotListenError)).toHaveLength(1);
    let stopped = false;
    now.stopService().addCallback(() => void (stopped = true));
    expect(stopped).toBe(true);
    assertNoLoggedErrors();
  });

  test("an error known at once is thrown where that is asked for", () => {
    const error = new CannotListenError("", 7, new Error("in use"));
    const service = new StreamServerEndpointService({ listen: () => fail(error) }, new Factory());
    service._raiseSynchronously = true;
    expect(() => service.privilegedStartService()).toThrow(CannotListenError);
  });

  test("stopped before it started it has nothing to do", () => {
    let stopped = false;
    new StreamServerEndpointService(new Endpoint(), new Factory())
      .stopService()
      .addCallback(() => void (stopped = true));
    expect(stopped).toBe(true);
  });
});

describe("TimerService", () => {
  function timer(call: () => unknown): [TimerService, Clock] {
    const clock = new Clock();
    const service = new TimerService(10, call);
    service.clock = clock;
    return [service, clock];
  }

  test("calls at once and every step while it runs, and again after another start", () => {
    let calls = 0;
    const [service, clock] = timer(() => (calls += 1));
    service.startService();
    expect(calls).toBe(1);
    clock.pump([10, 10]);
    expect(calls).toBe(3);
    service.stopService();
    expect([service.running, clock.getDelayedCalls().length]).toEqual([false, 0]);
    clock.advance(100);
    service.startService();
    expect(calls).toBe(4);
  });

  test("passes its arguments", () => {
    const got: unknown[] = [];
    const service = new TimerService(1, (a: string, b: number) => void got.push(a, b), "a", 2);
    service.clock = new Clock();
    service.startService();
    service.stopService();
    expect(got).toEqual(["a", 2]);
  });

  test("stops after the call in progress", () => {
    const working = new Deferred();
    const [service] = timer(() => working);
    service.startService();
    let stopped = false;
    service.stopService().addCallback(() => void (stopped = true));
    expect([stopped, service.running]).toEqual([false, true]);
    working.callback(null);
    expect([stopped, service.running]).toEqual([true, false]);
  });

  test("logs an error and calls no more, but stays a running service", () => {
    captureLoggedErrors();
    const [service, clock] = timer(() => {
      throw new RangeError("once is enough");
    });
    service.startService();
    expect(flushLoggedErrors(RangeError)).toHaveLength(1);
    expect([service.running, clock.getDelayedCalls().length]).toEqual([true, 0]);
    let stopped = false;
    service.stopService().addCallback(() => void (stopped = true));
    expect(stopped).toBe(true);
    assertNoLoggedErrors();
  });
});

test("a CooperatorService lets iterators work while it runs", () => {
  const service = new CooperatorService();
  expect(service.coop.running).toBe(false);
  void service.startService();
  expect(service.coop.running).toBe(true);
  let failure: Failure | null = null;
  service.coiterate([1, 2, 3].values()).addErrback((reason) => void (failure = reason));
  void service.stopService();
  expect(service.coop.running).toBe(false);
  expect(failure).not.toBe(null);
});

describe("backoffPolicy", () => {
  test("grows by its factor to its limit, and adds jitter on top", () => {
    const policy = backoffPolicy({ initialDelay: 2, maxDelay: 10, factor: 2, jitter: () => 0.5 });
    expect([1, 2, 3, 100, 1000].map(policy)).toEqual([4.5, 8.5, 10.5, 10.5, 10.5]);
    expect(backoffPolicy({ factor: 1e300, jitter: () => 0 })(7)).toBe(60);
  });

  test("by default begins at 1.5 seconds and adds less than one", () => {
    const first = backoffPolicy()(1);
    expect(first).toBeGreaterThanOrEqual(1.5);
    expect(first).toBeLessThan(2.5);
    expect(backoffPolicy()(50)).toBeGreaterThanOrEqual(60);
  });
});

test("CancelledError is what a Deferred that was cancelled fails with", () => {
  // StreamServerEndpointService tells it from errors worth a log line.
  const listening = new Endpoint().listen(new Factory());
  let cancelled = false;
  listening.addErrback((failure) => void (cancelled = failure.check(CancelledError) !== null));
  listening.cancel();
  expect(cancelled).toBe(true);
});
