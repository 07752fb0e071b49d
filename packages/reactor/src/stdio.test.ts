/** A protocol on two streams of the process. */
import { PassThrough, Writable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PipeAddress } from "./address.js";
import { directlyProvides } from "./components.js";
import { ConnectionDone, ConnectionLost } from "./error.js";
import { RuntimeError } from "./exceptions.js";
import { Failure } from "./failure.js";
import { IHalfCloseableProtocol } from "./interfaces.js";
import { Protocol } from "./protocol.js";
import { StandardIO } from "./stdio.js";
import { logged, until } from "./stream/recording.test.helper.js";

beforeEach(() => logged.begin());
afterEach(() => logged.end());

class Recorder extends Protocol {
  declare transport: StandardIO;
  readonly events: string[] = [];
  reason: Failure | null = null;
  override connectionMade(): void {
    this.events.push("made");
  }
  override dataReceived(data: Buffer): void {
    this.events.push(data.toString());
  }
  override connectionLost(reason: Failure): void {
    this.events.push("lost");
    this.reason = reason;
  }
}

class Half extends Recorder {
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

function start<P extends Recorder>(protocol: P, stdout: Writable = new PassThrough()) {
  const stdin = new PassThrough();
  const openTransports = new Set<never>();
  new StandardIO(protocol, { stdin, stdout, reactor: { openTransports } });
  return { protocol, stdin, stdout, openTransports };
}

test("makeConnection runs in the constructor; both ends have a PipeAddress; the end of input is the end", async () => {
  const { protocol, stdin, openTransports } = start(new Recorder());
  expect(protocol.events).toEqual(["made"]);
  expect([protocol.transport.getPeer(), protocol.transport.getHost()]).toEqual([new PipeAddress(), new PipeAddress()]);
  expect(openTransports.size).toBe(1);
  stdin.end("in");
  await until(() => protocol.reason !== null);
  expect(protocol.events).toEqual(["made", "in", "lost"]);
  expect(protocol.reason?.value).toBeInstanceOf(ConnectionDone);
  expect(openTransports.size).toBe(0);
});

test("loseConnection writes what is to be written, and reads no more", async () => {
  const stdout = new PassThrough().setEncoding("utf8");
  const { protocol, stdin } = start(new Recorder(), stdout);
  protocol.transport.write("last ");
  protocol.transport.writeSequence([Buffer.from("words")]);
  protocol.transport.loseConnection();
  protocol.transport.write("dropped");
  stdin.write("unheard");
  await until(() => protocol.reason !== null);
  expect(stdout.read()).toBe("last words");
  expect(protocol.events).toEqual(["made", "lost"]);
});

test("a half-closeable protocol is told of each half", async () => {
  const { protocol, stdin } = start(new Half());
  stdin.end();
  await until(() => protocol.events.includes("read lost"));
  protocol.transport.write("answer");
  protocol.transport.loseWriteConnection();
  await until(() => protocol.events.includes("write lost"));
  expect(protocol.reason).toBe(null);
  protocol.transport.loseConnection();
  await until(() => protocol.reason !== null);
  expect(protocol.events).toEqual(["made", "read lost", "write lost", "lost"]);
});

test("an output that fails is ConnectionLost; R1: what a protocol throws is logged and the end", async () => {
  const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
  const { protocol } = start(new Recorder(), broken);
  protocol.transport.write("x");
  await until(() => protocol.reason !== null);
  expect(protocol.reason?.value).toBeInstanceOf(ConnectionLost);
  const mistake = new Error("a mistake");
  const bad = start(new Recorder());
  bad.protocol.dataReceived = () => {
    throw mistake;
  };
  bad.stdin.write("x");
  await until(() => bad.protocol.reason !== null);
  expect(bad.protocol.reason?.value).toBe(mistake);
  expect(logged.errors).toEqual([mistake]);
});

test("a producer is paused above 64 KB and goes on when all is written; the end stops it", async () => {
  const stdout = new PassThrough({ highWaterMark: 1 });
  const { protocol } = start(new Recorder(), stdout);
  const calls: string[] = [];
  const producer = {
    pauseProducing: () => void calls.push("pause"),
    resumeProducing: () => void calls.push("resume"),
    stopProducing: () => void calls.push("stop"),
  };
  protocol.transport.registerProducer(producer, true);
  expect(() => protocol.transport.registerProducer(producer, true)).toThrow(RuntimeError);
  protocol.transport.write(Buffer.alloc(40_000));
  protocol.transport.write(Buffer.alloc(40_000));
  expect(calls).toEqual(["pause"]);
  stdout.resume();
  await until(() => calls.includes("resume"));
  protocol.transport.connectionLost(new Failure(new ConnectionLost()));
  expect(calls).toEqual(["pause", "resume", "stop"]);
  expect(protocol.events.at(-1)).toBe("lost");
});

test("loseConnection while the write side still ends is the end as well, when all is out", async () => {
  const writes: (() => void)[] = [];
  const stdout = new Writable({ write: (_data, _encoding, written) => void writes.push(written) });
  const { protocol } = start(new Half(), stdout);
  protocol.transport.write("out");
  protocol.transport.loseWriteConnection();
  protocol.transport.loseConnection();
  await new Promise((resolve) => setImmediate(resolve));
  expect(protocol.events).toEqual(["made"]);
  writes[0]!();
  await until(() => protocol.reason !== null);
  expect(protocol.events).toEqual(["made", "write lost", "lost"]);
});
