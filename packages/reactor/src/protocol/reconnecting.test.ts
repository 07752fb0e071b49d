/** A ReconnectingClientFactory connects again, at growing intervals. */
import { expect, test } from "vitest";
import { IPv4Address } from "../address.js";
import { ConnectionDone, ConnectionRefusedError, NotConnectingError } from "../error.js";
import { ValueError } from "../exceptions.js";
import { Failure } from "../failure.js";
import { Clock, FakeConnector } from "../testing/index.js";
import { ReconnectingClientFactory } from "../protocol.js";

const lost = new Failure(new ConnectionDone());
const refused = new Failure(new ConnectionRefusedError());

class Connector extends FakeConnector {
  connects = 0;
  constructor() {
    super(new IPv4Address("TCP", "127.0.0.1", 1));
  }
  override connect(): void {
    this.connects += 1;
  }
}

function make(): [ReconnectingClientFactory, Connector, Clock] {
  const [factory, connector, clock] = [new ReconnectingClientFactory(), new Connector(), new Clock()];
  factory.clock = clock;
  return [factory, connector, clock];
}

test("the defaults are Twisted's", () => {
  const { initialDelay, delay, factor, maxDelay, jitter, maxRetries, retries, continueTrying, clock, connector } =
    new ReconnectingClientFactory();
  expect([initialDelay, delay, factor, maxDelay, jitter]).toEqual([1, 1, Math.E, 3600, 0.119626565582]);
  expect([maxRetries, retries, continueTrying, clock, connector]).toEqual([null, 0, true, null, null]);
});

test("waits grow by the factor, before the first one too, up to the limit", () => {
  const [factory, connector, clock] = make();
  factory.jitter = null;
  const waits: number[] = [];
  for (let attempt = 0; attempt < 10; attempt++) {
    factory.clientConnectionFailed(connector, refused);
    const [call] = clock.getDelayedCalls();
    waits.push(call!.getTime() - clock.seconds());
    clock.advance(waits.at(-1)!);
    expect(connector.connects).toBe(attempt + 1);
  }
  expect(waits.slice(0, 3).map((wait) => wait.toFixed(2))).toEqual(["2.72", "7.39", "20.09"]);
  expect(waits.at(-1)).toBe(3600);
  expect(factory.retries).toBe(10);
});

test("jitter spreads them, and the jittered wait is what the next one grows from", () => {
  const [factory, connector, clock] = make();
  factory.clientConnectionLost(connector, lost);
  const first = clock.getDelayedCalls()[0]!.getTime();
  expect(first).not.toBe(Math.E);
  expect(Math.abs(first - Math.E)).toBeLessThan(Math.E); // eight deviations
  expect(factory.delay).toBe(first);
});

test("with a clock, exactly one call is pending after a loss", () => {
  const [factory, connector, clock] = make();
  factory.clientConnectionLost(connector, lost);
  expect(clock.getDelayedCalls()).toHaveLength(1);
  expect(factory.connector).toBe(connector);
});

test("gives up after maxRetries", () => {
  const [factory, connector, clock] = make();
  factory.maxRetries = 2;
  for (let attempt = 0; attempt < 4; attempt++) {
    factory.clientConnectionFailed(connector, refused);
    clock.advance(1000);
  }
  expect(connector.connects).toBe(2);
});

test("stopTrying while connected means no reconnection later", () => {
  const [factory, connector, clock] = make();
  connector.stopConnecting = () => {
    throw new NotConnectingError("connected");
  };
  factory.connector = connector;
  factory.stopTrying();
  factory.clientConnectionLost(connector, lost);
  expect([factory.continueTrying, clock.getDelayedCalls()]).toEqual([false, []]);
});

test("stopTrying cancels the wait", () => {
  const [factory, connector, clock] = make();
  factory.clientConnectionFailed(connector, refused);
  factory.stopTrying();
  expect([clock.getDelayedCalls(), connector.stoppedConnecting]).toEqual([[], true]);
});

test("stopTrying whose connector fails at once does not retry", () => {
  const [factory, connector, clock] = make();
  factory.connector = connector;
  connector.stopConnecting = () => factory.clientConnectionFailed(connector, refused);
  factory.stopTrying();
  expect(clock.getDelayedCalls()).toEqual([]);
});

test("resetDelay begins anew, and leaves a pending call alone", () => {
  const [factory, connector, clock] = make();
  factory.clientConnectionFailed(connector, refused);
  factory.resetDelay();
  expect([factory.delay, factory.retries, factory.continueTrying]).toEqual([1, 0, true]);
  expect(clock.getDelayedCalls()).toHaveLength(1);
});

test("retry without a connector is a ValueError", () => {
  const [factory] = make();
  expect(() => factory.retry()).toThrow(ValueError);
});
