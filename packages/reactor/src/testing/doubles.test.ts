/** The small doubles, and looking at Deferreds without waiting. */
import { describe, expect, test } from "vitest";
import { Deferred, fail, succeed } from "../defer.js";
import { AssertionError, RuntimeError } from "../exceptions.js";
import { Logger, LogPublisher } from "../logger.js";
import {
  assertNoResult,
  Clock,
  EventLoggingObserver,
  FakeDatagramTransport,
  failureResultOf,
  LineSendingProtocol,
  NonStreamingProducer,
  StringIOWithoutClosing,
  StringTransport,
  StringTransportWithDisconnection,
  successResultOf,
  waitUntilAllDisconnected,
} from "./index.js";

describe("the result of a Deferred", () => {
  test("successResultOf gives the value, or says why there is none", () => {
    expect(successResultOf(succeed(3))).toBe(3);
    expect(() => successResultOf(new Deferred())).toThrow(AssertionError);
    expect(() => successResultOf(fail(new RangeError("no")))).toThrow(/RangeError: no/);
  });

  test("failureResultOf gives the failure, of the right type", () => {
    expect(failureResultOf(fail(new RangeError("no"))).value).toBeInstanceOf(RangeError);
    expect(failureResultOf(fail(new RangeError("no")), TypeError, RangeError).check("RangeError")).toBe("RangeError");
    expect(() => failureResultOf(fail(new RangeError("no")), TypeError)).toThrow(/in another way/);
    expect(() => failureResultOf(succeed(3))).toThrow(AssertionError);
    expect(() => failureResultOf(new Deferred())).toThrow(AssertionError);
  });

  test("assertNoResult leaves what comes later to others", () => {
    const deferred = new Deferred<number>();
    assertNoResult(deferred);
    deferred.callback(3);
    expect(successResultOf(deferred)).toBe(3);
    expect(() => assertNoResult(succeed(3))).toThrow(AssertionError);
    expect(() => assertNoResult(fail(new RangeError("no")))).toThrow(AssertionError);
  });
});

test("StringIOWithoutClosing can be read after it was closed", () => {
  const file = new StringIOWithoutClosing();
  file.write("one ");
  file.close();
  file.write("two");
  expect(String(file.getvalue())).toBe("one two");
});

test("FakeDatagramTransport keeps what is sent, and to whom", () => {
  const transport = new FakeDatagramTransport();
  transport.write("one");
  transport.write("two", ["127.0.0.1", 7]);
  expect(transport.written).toEqual([
    [Buffer.from("one"), null],
    [Buffer.from("two"), ["127.0.0.1", 7]],
  ]);
});

describe("NonStreamingProducer", () => {
  test("writes the ten digits, unregisters and fires", () => {
    const consumer = new StringTransport();
    const producer = new NonStreamingProducer(consumer);
    consumer.registerProducer(producer, false);
    for (let count = 0; count < 10; count++) producer.resumeProducing();
    expect([String(consumer.value()), consumer.producer, successResultOf(producer.result)]).toEqual([
      "0123456789",
      null,
      null,
    ]);
    expect(() => producer.resumeProducing()).toThrow(RuntimeError);
  });

  test("is never paused, and knows that it was stopped", () => {
    const consumer = new StringTransport();
    const producer = new NonStreamingProducer(consumer);
    consumer.registerProducer(producer, false);
    expect(() => producer.pauseProducing()).toThrow(RuntimeError);
    producer.stopProducing();
    expect([producer.stopped, consumer.producer, successResultOf(producer.result)]).toEqual([true, null, null]);
    expect(() => producer.resumeProducing()).toThrow(RuntimeError);
  });
});

test("waitUntilAllDisconnected fires when the last of them is", () => {
  const clock = new Clock();
  const transports = [new StringTransportWithDisconnection(), new StringTransportWithDisconnection()];
  const done = waitUntilAllDisconnected(
    clock,
    transports.map((transport) => ({ transport })),
  );
  transports[0]!.loseConnection();
  clock.advance(0.01);
  assertNoResult(done);
  transports[1]!.loseConnection();
  clock.advance(0.01);
  expect([successResultOf(done), clock.getDelayedCalls()]).toEqual([null, []]);
});

describe("LineSendingProtocol", () => {
  test("sends its lines when it connects, and keeps what comes", () => {
    const [protocol, transport] = [new LineSendingProtocol(["one", "two"]), new StringTransport()];
    void protocol.makeConnection(transport);
    expect(String(transport.value())).toBe("one\r\ntwo\r\n");
    void protocol.dataReceived(Buffer.from("three\r\n"));
    protocol.connectionLost();
    expect([protocol.response.map(String), protocol.lostConn]).toEqual([["three"], true]);
  });

  test("or when the first line comes", () => {
    const [protocol, transport] = [new LineSendingProtocol(["one"], { start: false }), new StringTransport()];
    void protocol.makeConnection(transport);
    expect(transport.value()).toHaveLength(0);
    void protocol.dataReceived(Buffer.from("go\r\non\r\n"));
    expect(String(transport.value())).toBe("one\r\n");
  });
});

test("EventLoggingObserver is the list of what was logged, until the test ends", () => {
  const publisher = new LogPublisher();
  const cleanups: (() => void)[] = [];
  const events = EventLoggingObserver.createWithCleanup({ addCleanup: (each) => void cleanups.push(each) }, publisher);
  const log = new Logger({ observer: publisher });
  log.info("one");
  for (const cleanup of cleanups) cleanup();
  log.info("two");
  expect(events.map(({ log_format }) => log_format)).toEqual(["one"]);
});
