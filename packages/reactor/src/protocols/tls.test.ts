/** TLS over transports that are no sockets: here in memory, where a pump moves the encrypted bytes. */
import { expect, test } from "vitest";
import { ConnectionDone, ConnectionLost, VerificationError } from "../error.js";
import { Failure } from "../failure.js";
import type { IProtocol } from "../interfaces.js";
import { Factory } from "../protocol.js";
import { optionsForClientTLS, trustRootFromCertificates } from "../ssl.js";
import { Recorder, turn } from "../stream/recording.test.helper.js";
import { Clock } from "../task.js";
import { TestAuthority } from "../testing/certificates.js";
import { connect, type IOPump, makeFakeClient, makeFakeServer } from "../testing/iosim.js";
import { TLSMemoryBIOFactory } from "./tls.js";

const authority = new TestAuthority();
const certificate = authority.issue("localhost");
const trustRoot = trustRootFromCertificates([authority.certificate]);

class Talker extends Recorder {
  received = "";
  override dataReceived(data: Buffer): void {
    super.dataReceived(data);
    this.received += data.toString("latin1");
  }
}

function start(name = "localhost"): { server: Talker; client: Talker; pump: IOPump; clock: Clock } {
  const [server, client, clock] = [new Talker(), new Talker(), new Clock()];
  const over = (factory: TLSMemoryBIOFactory): IProtocol => factory.buildProtocol(null as never)!;
  const factoryOf = (protocol: Talker): Factory => Factory.forProtocol(() => protocol);
  const outerServer = over(new TLSMemoryBIOFactory(certificate.options(), false, factoryOf(server), clock));
  const options = optionsForClientTLS(name, { trustRoot });
  const outerClient = over(new TLSMemoryBIOFactory(options, true, factoryOf(client), clock));
  const pump = connect(outerServer, makeFakeServer(outerServer), outerClient, makeFakeClient(outerClient), {
    greet: false,
  });
  return { server, client, pump, clock };
}

/** Pumps until it holds; node:tls needs turns of the event loop in between. */
async function until(pump: IOPump, condition: () => boolean): Promise<void> {
  for (let rounds = 0; rounds < 5000 && !condition(); rounds++) {
    pump.flush();
    await turn();
  }
  expect(condition()).toBe(true);
}

test("both ways, with the transport below at hand, to a clean end that leaves no timer", async () => {
  const { server, client, pump, clock } = start();
  client.transport.write("hello");
  server.transport.write("welcome");
  await until(pump, () => server.received === "hello" && client.received === "welcome");
  expect((client.transport as unknown as { transport: unknown }).transport).toBe(pump.clientIO);
  client.transport.loseConnection();
  await until(pump, () => server.isLost && client.isLost);
  for (const end of [server, client]) expect(end.error).toBeInstanceOf(ConnectionDone);
  await until(pump, () => clock.getDelayedCalls().length === 0);
});

test("a megabyte passes a transport that pauses its producers", async () => {
  const { server, client, pump } = start();
  server.transport.write(Buffer.alloc(1 << 20, "s"));
  server.transport.loseConnection();
  await until(pump, () => client.isLost && server.isLost);
  expect(client.bytes).toBe(1 << 20);
});

test("a certificate for another name ends both, and nothing arrives", async () => {
  const { server, client, pump } = start("elsewhere.test");
  client.transport.write("secret");
  await until(pump, () => client.isLost && server.isLost);
  expect(client.error).toBeInstanceOf(VerificationError);
  expect(server.received).toBe("");
});

test("a connection below that is cut is ConnectionLost", async () => {
  const { server, client, pump } = start();
  client.transport.write("hello");
  await until(pump, () => server.received === "hello");
  void pump.server.connectionLost(new Failure(new ConnectionDone()));
  await until(pump, () => server.isLost);
  expect(server.error).toBeInstanceOf(ConnectionLost);
  client.transport.abortConnection();
  await until(pump, () => client.isLost);
});

test("a peer that takes nothing is given up when nothing has moved for a minute of the clock", async () => {
  const { server, client, pump, clock } = start();
  client.transport.write("hello");
  await until(pump, () => server.received === "hello");
  server.transport.write(Buffer.alloc(1 << 20));
  server.transport.loseConnection();
  await turn();
  clock.advance(59);
  client.transport.write("still here");
  await turn();
  void pump.server.dataReceived(pump.clientIO.getOutBuffer()); // one way alone
  clock.advance(59);
  for (let turns = 0; turns < 5; turns++) await turn(); // the end would take some
  expect(server.isLost).toBe(false);
  clock.advance(1);
  await until(pump, () => server.isLost);
  expect(String(server.error)).toMatch(/^ConnectionLost.*takes no data/);
  client.transport.abortConnection();
  await until(pump, () => clock.getDelayedCalls().length === 0);
});

test("R3: a handshake that does not begin ends by the clock", async () => {
  const { server, client, clock, pump } = start();
  clock.advance(60);
  expect([server.isLost, client.isLost]).toEqual([true, true]);
  await until(pump, () => clock.getDelayedCalls().length === 0);
});
