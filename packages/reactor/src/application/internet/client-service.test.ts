/** A ClientService keeps one connection: every row of its table of states. */
import { describe, expect, test } from "vitest";
import { IPv4Address } from "../../address.js";
import { implementer } from "../../components.js";
import { CancelledError, Deferred } from "../../defer.js";
import { ConnectionDone, ConnectionRefusedError, NoProtocol } from "../../error.js";
import { Failure } from "../../failure.js";
import { IHalfCloseableProtocol, ILoggingContext, type IProtocol, type IProtocolFactory } from "../../interfaces.js";
import { Factory, Protocol } from "../../protocol.js";
import { capturedLogs } from "../../logger.js";
import { Clock, StringTransport } from "../../testing/index.js";
import { ClientService } from "../internet.js";

const address = new IPv4Address("TCP", "127.0.0.1", 1);

class Endpoint {
  readonly attempts: { connected: Deferred<IProtocol>; factory: IProtocolFactory }[] = [];
  cancelled = 0;
  stubborn = false;

  connect(factory: IProtocolFactory): Deferred<IProtocol> {
    const connected = new Deferred<IProtocol>(() => void (this.cancelled += 1));
    this.attempts.push({ connected, factory });
    return connected;
  }

  /** The last attempt succeeds. */
  succeed(): { protocol: IProtocol; transport: StringTransport } {
    const { connected, factory } = this.attempts.at(-1)!;
    const protocol = factory.buildProtocol(address)!;
    const transport = new StringTransport();
    void protocol.makeConnection(transport);
    connected.callback(protocol);
    return { protocol, transport };
  }

  fail(error: Error = new ConnectionRefusedError()): void {
    this.attempts.at(-1)!.connected.errback(error);
  }
}

class App extends Protocol {
  lost = 0;
  override connectionLost(): void {
    this.lost += 1;
  }
}

function make({ prepareConnection }: { prepareConnection?: (protocol: App) => unknown } = {}) {
  const [endpoint, clock] = [new Endpoint(), new Clock()];
  const asked: number[] = [];
  const service = new ClientService<App>(endpoint, Factory.forProtocol(App), {
    clock,
    retryPolicy: (attempt) => {
      asked.push(attempt);
      return 10;
    },
    ...(prepareConnection === undefined ? {} : { prepareConnection }),
  });
  return { endpoint, clock, service, asked };
}

function fail(text: string): never {
  throw new Error(text);
}

/** What has become of a Deferred so far. */
function watch(deferred: Deferred): () => unknown {
  let outcome: unknown = "waiting";
  deferred.addBoth((result) => {
    outcome = result instanceof Failure ? result.type : result;
  });
  return () => outcome;
}

function lose({ protocol }: { protocol: IProtocol }): void {
  void protocol.connectionLost(new Failure(new ConnectionDone()));
}

describe("not started", () => {
  test("start connects; whenConnected waits for it", () => {
    const { endpoint, service } = make();
    const connected = watch(service.whenConnected());
    service.startService();
    expect([endpoint.attempts.length, connected()]).toEqual([1, "waiting"]);
    endpoint.succeed();
    expect(connected()).toBeInstanceOf(App);
  });

  test("stop fires at once, and who waits is told", () => {
    const { service } = make();
    const connected = watch(service.whenConnected());
    expect(watch(service.stopService())()).toBe(null);
    expect(connected()).toBe(CancelledError);
    expect(watch(service.whenConnected())()).toBe(CancelledError);
  });
});

describe("connecting", () => {
  test("made: every waiter gets the application's own protocol", () => {
    const { endpoint, service } = make();
    service.startService();
    const waiters = [watch(service.whenConnected()), watch(service.whenConnected())];
    endpoint.succeed();
    expect(waiters[0]!()).toBeInstanceOf(App);
    expect(waiters[1]!()).toBe(waiters[0]!());
  });

  test("failed: waits as the policy says, and tries again", () => {
    const { endpoint, clock, service, asked } = make();
    service.startService();
    endpoint.fail();
    expect(asked).toEqual([1]);
    clock.advance(9);
    expect(endpoint.attempts).toHaveLength(1);
    clock.advance(1);
    endpoint.fail();
    clock.advance(10);
    expect([endpoint.attempts.length, asked]).toEqual([3, [1, 2]]);
  });

  test.each([
    ["throws", () => fail("a fault")],
    ["gives no delay", () => NaN],
  ])("a policy that %s is logged, and the default one decides", (_, retryPolicy) => {
    const [endpoint, clock] = [new Endpoint(), new Clock()];
    const service = new ClientService(endpoint, Factory.forProtocol(App), { clock, retryPolicy });
    service.startService();
    const events = capturedLogs(() => endpoint.fail());
    expect(events.some(({ log_failure }) => log_failure !== undefined)).toBe(true);
    clock.advance(2.5);
    expect(endpoint.attempts).toHaveLength(2);
  });

  test("stop cancels the attempt and fires when that is over", () => {
    const { endpoint, clock, service } = make();
    service.startService();
    const connected = watch(service.whenConnected());
    expect([watch(service.stopService())(), connected()]).toEqual([null, CancelledError]);
    expect([endpoint.cancelled, clock.getDelayedCalls().length]).toEqual([1, 0]);
  });

  test("stop closes a connection that is made all the same, and waits for its end", () => {
    const { endpoint, service } = make();
    const stubborn = new Deferred<IProtocol>(() => {
      const connection = endpoint.attempts[0]!.factory.buildProtocol(address)!;
      void connection.makeConnection(transport);
      made = connection;
      stubborn.callback(connection);
    });
    const transport = new StringTransport();
    let made: IProtocol | null = null;
    endpoint.connect = (factory) => {
      endpoint.attempts.push({ connected: stubborn, factory });
      return stubborn;
    };
    service.startService();
    const stopped = watch(service.stopService());
    expect([stopped(), transport.disconnecting]).toEqual(["waiting", true]);
    lose({ protocol: made! });
    expect(stopped()).toBe(null);
  });

  test("a factory that makes no protocol has failed", () => {
    const { endpoint, service, asked } = make();
    service.startService();
    endpoint.fail(new NoProtocol());
    expect(asked).toEqual([1]);
  });

  test("starting twice warns and does nothing", () => {
    const { endpoint, service } = make();
    service.startService();
    const warnings = capturedLogs(() => service.startService());
    expect(warnings.map(({ log_level }) => log_level?.name)).toEqual(["warn"]);
    expect(endpoint.attempts).toHaveLength(1);
  });
});

describe("waiting", () => {
  test("stop cancels the timer and fires at once", () => {
    const { endpoint, clock, service } = make();
    service.startService();
    endpoint.fail();
    const connected = watch(service.whenConnected());
    expect([watch(service.stopService())(), connected()]).toEqual([null, CancelledError]);
    expect(clock.getDelayedCalls()).toEqual([]);
  });

  test("whenConnected waits through it", () => {
    const { endpoint, clock, service } = make();
    service.startService();
    endpoint.fail();
    const connected = watch(service.whenConnected());
    clock.advance(10);
    endpoint.succeed();
    expect(connected()).toBeInstanceOf(App);
  });
});

describe("connected", () => {
  test("whenConnected fires now", () => {
    const { endpoint, service } = make();
    service.startService();
    endpoint.succeed();
    expect(watch(service.whenConnected())()).toBeInstanceOf(App);
  });

  test("lost: waits and connects again; the count of failures begins anew with each connection", () => {
    const { endpoint, clock, service, asked } = make();
    service.startService();
    endpoint.fail();
    clock.advance(10);
    const connection = endpoint.succeed();
    const app = watch(service.whenConnected())() as App;
    lose(connection);
    expect([app.lost, asked]).toEqual([1, [1, 1]]);
    clock.advance(10);
    expect(endpoint.attempts).toHaveLength(3);
  });

  test("stop closes the connection, and fires when it is lost; whoever stops meanwhile hears of it too", () => {
    const { endpoint, clock, service } = make();
    service.startService();
    const connection = endpoint.succeed();
    const stops = [watch(service.stopService()), watch(service.stopService())];
    expect([connection.transport.disconnecting, stops[0]!(), stops[1]!()]).toEqual([true, "waiting", "waiting"]);
    lose(connection);
    expect([stops[0]!(), stops[1]!(), clock.getDelayedCalls().length]).toEqual([null, null, 0]);
  });
});

describe("disconnecting", () => {
  test("start restarts when the connection is gone; whenConnected survives that", () => {
    const { endpoint, service } = make();
    service.startService();
    const connection = endpoint.succeed();
    const stopped = watch(service.stopService());
    const connected = watch(service.whenConnected());
    service.startService();
    expect(endpoint.attempts).toHaveLength(1);
    lose(connection);
    expect([endpoint.attempts.length, stopped(), connected()]).toEqual([2, null, "waiting"]);
    endpoint.succeed();
    expect(connected()).toBeInstanceOf(App);
  });

  test("restarting, stop means it again", () => {
    const { endpoint, service } = make();
    service.startService();
    const connection = endpoint.succeed();
    const stops = [watch(service.stopService())];
    service.startService();
    stops.push(watch(service.stopService()));
    const connected = watch(service.whenConnected());
    lose(connection);
    expect([stops[0]!(), stops[1]!(), connected(), endpoint.attempts.length]).toEqual([null, null, CancelledError, 1]);
  });
});

describe("stopped", () => {
  test("start connects, stop fires, whenConnected fails", () => {
    const { endpoint, service } = make();
    service.startService();
    const connection = endpoint.succeed();
    service.stopService();
    lose(connection);
    expect(watch(service.whenConnected())()).toBe(CancelledError);
    expect(watch(service.stopService())()).toBe(null);
    service.startService();
    expect(endpoint.attempts).toHaveLength(2);
  });
});

describe("failAfterFailures", () => {
  test("fails with the error of that attempt since it was asked for", () => {
    const { endpoint, clock, service } = make();
    service.startService();
    endpoint.fail();
    const [one, two, patient] = [1, 2, null].map((failAfterFailures) =>
      watch(service.whenConnected({ failAfterFailures })),
    );
    clock.advance(10);
    endpoint.fail(new RangeError("first"));
    expect([one!(), two!(), patient!()]).toEqual([RangeError, "waiting", "waiting"]);
    clock.advance(10);
    endpoint.fail(new TypeError("second"));
    expect([two!(), patient!()]).toEqual([TypeError, "waiting"]);
  });

  test("does not count connections that were lost", () => {
    const { endpoint, clock, service } = make();
    const connection = (service.startService(), endpoint.succeed());
    lose(connection);
    const waiter = watch(service.whenConnected({ failAfterFailures: 1 }));
    clock.advance(10);
    endpoint.succeed();
    expect(waiter()).toBeInstanceOf(App);
  });
});

describe("prepareConnection", () => {
  test("is waited for, with the application's protocol, before anyone is told", () => {
    const preparing = new Deferred();
    let prepared: unknown = null;
    const { endpoint, service } = make({
      prepareConnection: (protocol) => {
        prepared = protocol;
        return preparing;
      },
    });
    service.startService();
    const connected = watch(service.whenConnected());
    endpoint.succeed();
    expect([prepared instanceof App, connected()]).toEqual([true, "waiting"]);
    preparing.callback(null);
    expect(connected()).toBe(prepared);
  });

  test("that fails is a failed attempt, and closes its connection", () => {
    const { endpoint, clock, service, asked } = make({
      prepareConnection: () => {
        throw new RangeError("not like this");
      },
    });
    service.startService();
    const connected = watch(service.whenConnected({ failAfterFailures: 1 }));
    const connection = endpoint.succeed();
    expect([connection.transport.disconnecting, asked, connected()]).toEqual([true, [1], RangeError]);
    lose(connection); // no news
    expect([asked, clock.getDelayedCalls().length]).toEqual([[1], 1]);
  });

  test("is cut short by the loss of the connection", () => {
    const preparing = new Deferred();
    const { endpoint, clock, service, asked } = make({ prepareConnection: () => preparing });
    service.startService();
    lose(endpoint.succeed());
    expect([asked, clock.getDelayedCalls().length]).toEqual([[1], 1]);
    preparing.callback(null); // too late
    expect([asked, clock.getDelayedCalls().length]).toEqual([[1], 1]);
  });

  test("is cancelled by stop, which closes the connection and waits for its end", () => {
    let cancelled = 0;
    const { endpoint, service } = make({ prepareConnection: () => new Deferred(() => void (cancelled += 1)) });
    service.startService();
    const connection = endpoint.succeed();
    const stopped = watch(service.stopService());
    expect([cancelled, connection.transport.disconnecting, stopped()]).toEqual([1, true, "waiting"]);
    lose(connection);
    expect(stopped()).toBe(null);
  });
});

describe("what the endpoint sees", () => {
  test("is a protocol with the interfaces of the application's, and a factory that starts and stops the application's", () => {
    @implementer(IHalfCloseableProtocol)
    class HalfCloseable extends Protocol implements IHalfCloseableProtocol {
      heard: string[] = [];
      readConnectionLost(): void {
        this.heard.push("read");
      }
      writeConnectionLost(): void {
        this.heard.push("write");
      }
    }
    const endpoint = new Endpoint();
    const factory = Factory.forProtocol(HalfCloseable);
    const service = new ClientService<HalfCloseable>(endpoint, factory, { clock: new Clock() });
    service.startService();
    const { protocol } = endpoint.succeed();
    const app = watch(service.whenConnected())() as HalfCloseable;
    expect(IHalfCloseableProtocol.providedBy(protocol) && ILoggingContext.providedBy(protocol)).toBe(true);
    expect((protocol as unknown as ILoggingContext).logPrefix()).toBe("HalfCloseable");
    void (protocol as unknown as IHalfCloseableProtocol).readConnectionLost();
    void (protocol as unknown as IHalfCloseableProtocol).writeConnectionLost();
    expect(app.heard).toEqual(["read", "write"]);
    endpoint.attempts[0]!.factory.doStart();
    expect(factory.numPorts).toBe(1);
    endpoint.attempts[0]!.factory.doStop();
    expect(factory.numPorts).toBe(0);
  });

  test("is not half-closeable where the application's is not", () => {
    const { endpoint, service } = make();
    service.startService();
    expect(IHalfCloseableProtocol.providedBy(endpoint.succeed().protocol)).toBe(false);
  });
});
