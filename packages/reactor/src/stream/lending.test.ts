/** Data that is lent: only real sockets can. */
import { createHash, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { beforeEach, expect, test } from "vitest";
import { NodeReactor } from "../reactor.js";
import { optionsForClientTLS, trustRootFromCertificates } from "../ssl.js";
import { TestAuthority } from "../testing/certificates.js";
import { lendTo } from "./lending.js";
import { logged, pair, Recorder, turn, until, tidyUp } from "./recording.test.helper.js";

let reactor = new NodeReactor();
beforeEach(() => {
  reactor = new NodeReactor();
});
tidyUp(() => reactor);

class Borrower extends Recorder {
  takesLentData = true;
  readonly hash = createHash("sha256");
  memory: ArrayBufferLike | null = null;
  own = 0;
  fail = false;
  override dataReceived(data: Buffer): void {
    this.own += data.length;
    super.dataReceived(data);
  }
  lentDataReceived(data: Buffer): void {
    if (this.fail) throw new Error("no");
    this.memory = data.buffer;
    this.bytes += data.length;
    this.hash.update(data);
  }
}

test("both ends read into one piece of memory, and nothing is lost or mixed up", async () => {
  const [server, client] = await pair(reactor, new Borrower(), new Borrower());
  const [down, up] = [randomBytes(3_000_000), randomBytes(3_000_000)];
  server.transport.write(down);
  client.transport.write(up);
  await until(() => server.bytes === up.length && client.bytes === down.length);
  expect(server.memory).toBe(client.memory);
  expect([server.own, client.own]).toEqual([0, 0]);
  const digest = (data: Buffer) => createHash("sha256").update(data).digest("hex");
  expect([server.hash.digest("hex"), client.hash.digest("hex")]).toEqual([digest(up), digest(down)]);
});

test("who does not want it now has data of its own", async () => {
  const [server, client] = await pair(reactor, Object.assign(new Borrower(), { takesLentData: false }), new Recorder());
  client.transport.write("mine");
  await until(() => server.bytes === 4);
  expect(server.own).toBe(4);
});

test("a borrower that pauses hears nothing until it goes on, and then of everything, and of the end", async () => {
  const [server, client] = await pair(reactor, new Borrower(), new Recorder());
  server.transport.pauseProducing();
  client.transport.write(Buffer.alloc(100_000));
  client.transport.loseConnection();
  for (let i = 0; i < 20; i++) await turn();
  expect([server.bytes, server.isLost]).toEqual([0, false]);
  server.transport.resumeProducing();
  await until(() => server.isLost);
  expect(server.bytes).toBe(100_000);
});

test("once TLS is on, data is the protocol's own", async () => {
  const authority = new TestAuthority();
  const [server, client] = await pair(reactor, new Borrower(), new Borrower());
  client.transport.write("clear");
  await until(() => server.bytes === 5);
  server.transport.startTLS(authority.issue(["localhost"]).options());
  const trustRoot = trustRootFromCertificates([authority.certificate]);
  client.transport.startTLS(optionsForClientTLS("localhost", { trustRoot }));
  client.transport.write(Buffer.alloc(500_000));
  server.transport.write(Buffer.alloc(500_000));
  await until(() => server.own === 500_000 && client.own === 500_000);
  client.transport.loseConnection();
  await until(() => server.isLost && client.isLost);
  expect(logged.errors).toEqual([]);
});

test("what a borrower throws ends its connection, and is logged", async () => {
  const [server, client] = await pair(reactor, Object.assign(new Borrower(), { fail: true }), new Recorder());
  client.transport.write("x");
  await until(() => server.isLost && client.isLost);
  expect(logged.errors.map((error) => error.message)).toEqual(["no"]);
});

test("a socket that cannot lend is left as it was", () => {
  const read = () => true;
  for (const socket of [{}, { _handle: null }, { _handle: { useUserBuffer: () => expect.unreachable() } }]) {
    const before = { ...socket };
    expect(lendTo(socket as unknown as Socket, read)).toBe(false);
    expect(socket).toEqual(before);
  }
});
