/** What only a real socket can show of a connection: its writes, its resets, its last moments. */
import * as net from "node:net";
import { constants } from "node:os";
import { beforeEach, expect, test, vi } from "vitest";
import { ConnectionAborted, ConnectionDone, ConnectionLost } from "../error.js";
import { NodeReactor } from "../reactor.js";
import { logged, pair, Recorder, serving, turn, until, tidyUp } from "./recording.test.helper.js";

let reactor = new NodeReactor();
beforeEach(() => {
  reactor = new NodeReactor();
});
tidyUp(() => reactor);

test("all that is written in one turn is one write of the socket, large or small", async () => {
  const [server, client] = await pair(reactor, new Recorder(), new Recorder());
  const handle = client.transport.getHandle() as unknown as { _handle: Record<string, (...a: unknown[]) => unknown> };
  const writes = ["writeBuffer", "writev", "writeUtf8String"].map((name) => vi.spyOn(handle._handle, name));
  const count = () => writes.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  for (let i = 0; i < 100; i++) client.transport.write("small");
  await until(() => server.bytes === 500);
  expect(count()).toBe(1);
  for (let i = 0; i < 10; i++) client.transport.write(Buffer.alloc(30_000));
  await until(() => server.bytes === 300_500);
  expect(count()).toBe(2);
  client.transport.loseConnection();
  await until(() => server.isLost);
});

test("a push producer is paused at more than bufferSize, which may be set", async () => {
  const [server, client] = await pair(reactor, new Recorder(), new Recorder());
  let pauses = 0;
  const producer = {
    pauseProducing: () => (pauses += 1),
    resumeProducing: () => undefined,
    stopProducing: () => undefined,
  };
  client.transport.registerProducer(producer, true);
  expect(client.transport.bufferSize).toBe(65_536);
  client.transport.bufferSize = 1000;
  client.transport.write(Buffer.alloc(1000));
  expect(pauses).toBe(0);
  client.transport.write("x");
  expect(pauses).toBe(1);
  client.transport.unregisterProducer();
  client.transport.loseConnection();
  await until(() => server.isLost);
});

test("TCP_NODELAY is on from the start, and both options remember what they were set to", async () => {
  const [server, client] = await pair(reactor, new Recorder(), new Recorder());
  expect([client.transport.getTcpNoDelay(), client.transport.getTcpKeepAlive()]).toEqual([true, false]);
  client.transport.setTcpNoDelay(false);
  client.transport.setTcpKeepAlive(true);
  expect([client.transport.getTcpNoDelay(), client.transport.getTcpKeepAlive()]).toEqual([false, true]);
  client.transport.loseConnection();
  await until(() => server.isLost);
});

test("what is written after loseConnection in the same turn is still sent", async () => {
  const [server, client] = await pair(reactor, new Recorder(), new Recorder());
  client.transport.write("before ");
  client.transport.loseConnection();
  client.transport.write("after");
  expect(client.transport.disconnecting).toBe(true);
  await until(() => server.isLost);
  expect(server.bytes).toBe(12);
});

test("loseConnection waits for a paused push producer, and not for one that is not paused", async () => {
  const [server, client] = await pair(reactor, new Recorder(), new Recorder());
  const producer = {
    asked: 0,
    pauseProducing(): void {},
    resumeProducing(): void {
      this.asked += 1;
      server.transport.write("rest");
      server.transport.unregisterProducer();
    },
    stopProducing(): void {},
  };
  server.transport.registerProducer(producer, true);
  server.transport.write(Buffer.alloc(70_000));
  server.transport.loseConnection();
  await until(() => client.isLost);
  expect(client.bytes).toBe(70_004);
  expect(producer.asked).toBe(1);

  const [idleServer, idleClient] = await pair(reactor, new Recorder(), new Recorder());
  idleServer.transport.registerProducer(producer, true);
  idleServer.transport.loseConnection();
  await until(() => idleServer.isLost && idleClient.isLost);
});

test("a resumeProducing that throws ends the connection with that error", async () => {
  const [server, client] = await pair(reactor, new Recorder(), new Recorder());
  const mistake = new Error("producer");
  const producer = {
    pauseProducing(): void {},
    resumeProducing(): void {
      throw mistake;
    },
    stopProducing(): void {},
  };
  server.transport.registerProducer(producer, true);
  server.transport.write(Buffer.alloc(70_000));
  await until(() => server.isLost && client.isLost);
  expect(server.error).toBe(mistake);
  expect(logged.errors).toEqual([mistake]);
});

test("abortConnection: ConnectionAborted here, never inside the call; ConnectionLost there", async () => {
  const [server, client] = await pair(reactor, new Recorder(), new Recorder());
  server.transport.abortConnection();
  server.transport.abortConnection();
  server.transport.loseConnection();
  server.transport.write("late");
  expect(server.isLost).toBe(false);
  await until(() => server.isLost && client.isLost);
  expect(server.error).toBeInstanceOf(ConnectionAborted);
  expect((client.error as Error).constructor).toBe(ConnectionLost);
  await turn();
  expect([server.reasons.length, client.reasons.length]).toEqual([1, 1]);
});

test("abortConnection drops what is unsent and does not wait for the peer, not even after loseConnection", async () => {
  const [server, client] = await pair(reactor, new Recorder(), new Recorder());
  client.transport.pauseProducing();
  server.transport.write(Buffer.alloc(30_000_000));
  server.transport.loseConnection();
  await turn();
  server.transport.abortConnection();
  await until(() => server.isLost);
  expect(server.error).toBeInstanceOf(ConnectionAborted);
  client.transport.resumeProducing();
  await until(() => client.isLost);
  expect(client.bytes).toBeLessThan(30_000_000);
});

test("no data comes after abortConnection, and an error right after it becomes the reason", async () => {
  const mistake = new Error("after abort");
  class Aborting extends Recorder {
    override dataReceived(data: Buffer): void {
      super.dataReceived(data);
      this.transport.abortConnection();
      throw mistake;
    }
  }
  const [server, client] = await pair(reactor, new Aborting(), new Recorder());
  for (let i = 0; i < 100; i++) client.transport.write(Buffer.alloc(65_536));
  await until(() => server.isLost && client.isLost);
  expect(server.bytes).toBeLessThanOrEqual(65_536);
  expect(server.error).toBe(mistake);
});

// PIN
test("an error right after abortConnection in resumeProducing becomes the reason, too", async () => {
  const [server, client] = await pair(reactor, new Recorder(), new Recorder());
  const mistake = new Error("after abort");
  const producer = {
    pauseProducing(): void {},
    resumeProducing(): void {
      server.transport.abortConnection();
      throw mistake;
    },
    stopProducing(): void {},
  };
  server.transport.registerProducer(producer, true);
  server.transport.write(Buffer.alloc(70_000));
  await until(() => server.isLost && client.isLost);
  expect(server.error).toBe(mistake);
});

test("closing loses nothing while the peer is still sending", async () => {
  const [server, client] = await pair(reactor, new Recorder(), new Recorder());
  const flood = setInterval(() => client.transport.write(Buffer.alloc(10_000)), 0);
  await until(() => server.bytes > 0);
  const size = 5_000_000;
  server.transport.write(Buffer.alloc(size));
  server.transport.loseConnection();
  await until(() => client.isLost);
  clearInterval(flood);
  expect(client.bytes).toBe(size);
  expect(client.error).toBeInstanceOf(ConnectionDone);
});

test("R8: a connection that is closed is gone soon, even if the peer keeps its half open", async () => {
  const port = reactor.listenTCP(
    0,
    serving(() => server),
  );
  const server = new Recorder();
  const socket = net.connect({ port: port.getHost().port, host: "127.0.0.1", allowHalfOpen: true });
  const ended = new Promise((resolve) => socket.once("end", resolve));
  socket.resume();
  await until(() => server.connected);
  const handle = server.transport.getHandle();
  server.transport.lingerTime = 0.01;
  server.transport.loseConnection();
  await until(() => server.isLost);
  expect(server.error).toBeInstanceOf(ConnectionDone);
  await ended;
  await until(() => handle.closed);
  socket.on("error", () => {});
  socket.destroy();
  await port.stopListening();
});

test("R8: a closing connection whose peer takes nothing is dropped with ConnectionLost", async () => {
  const [server, client] = await pair(reactor, new Recorder(), new Recorder());
  client.transport.pauseProducing();
  server.transport.stallTime = 0.02;
  server.transport.write(Buffer.alloc(30_000_000));
  server.transport.loseConnection();
  await until(() => server.isLost);
  expect((server.error as Error).constructor).toBe(ConnectionLost);
  client.transport.abortConnection();
  await until(() => client.isLost);
});

test("a reset by the peer is ConnectionLost with its cause", async () => {
  const [server, client] = await pair(reactor, new Recorder(), new Recorder());
  client.transport.getHandle().resetAndDestroy();
  await until(() => server.isLost);
  expect((server.error as Error).constructor).toBe(ConnectionLost);
  expect((server.error as Error).cause).toMatchObject({ code: "ECONNRESET" });
  await until(() => client.isLost);
});

test("bytesTaken moves with what the system takes, also within one large write, and stands while the peer reads nothing", async () => {
  const [server, client] = await pair(reactor, new Recorder(), new Recorder());
  client.transport.pauseProducing();
  const size = 64 * 2 ** 20;
  server.transport.write(Buffer.alloc(size));
  for (let turns = 0; turns < 20; turns++) await turn();
  const standing = server.transport.bytesTaken;
  for (let turns = 0; turns < 20; turns++) await turn();
  expect(server.transport.bytesTaken).toBe(standing);
  expect(standing).toBeLessThan(size);

  client.transport.resumeProducing();
  await until(() => server.transport.bytesTaken > standing && server.transport.bufferedBytes > 0);
  await until(() => client.bytes === size);
  expect(server.transport.bytesTaken).toBe(size);
  server.transport.loseConnection();
  await until(() => client.isLost);
});

test.each(["ENOBUFS", "ENOMEM"] as const)("R1: a write that fails by %s ends its connection alone", async (code) => {
  const [server, client] = await pair(reactor, new Recorder(), new Recorder());
  const [, neighbour] = await pair(reactor, new Recorder(), new Recorder());
  const { _handle: handle } = server.transport.getHandle() as unknown as { _handle: { writeBuffer(): number } };
  vi.spyOn(handle, "writeBuffer").mockReturnValue(-constants.errno[code]);
  server.transport.write(Buffer.from("one"));
  server.transport.write(Buffer.from("two"));
  await until(() => server.isLost && client.isLost);
  expect(server.reasons).toHaveLength(1);
  expect(server.error).toBeInstanceOf(ConnectionLost);
  expect((server.error as ConnectionLost).cause).toMatchObject({ code });
  expect([neighbour.isLost, logged.errors]).toEqual([false, []]);
});
