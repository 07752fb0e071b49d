/** ClientCreator: one connection without a factory. */
import { expect, test } from "vitest";
import { IPv4Address } from "../address.js";
import { CancelledError } from "../defer.js";
import { ConnectionRefusedError } from "../error.js";
import { Failure } from "../failure.js";
import { ClientCreator, Protocol } from "../protocol.js";
import { MemoryReactorClock, SimulatedReactor, StringTransportWithDisconnection } from "../testing/index.js";

class Named extends Protocol {
  constructor(
    readonly one: string,
    readonly two: number,
  ) {
    super();
  }
}

const peer = new IPv4Address("TCP", "192.0.2.1", 80);

test("fires with a protocol of its class and arguments, a turn after the connection is made", async () => {
  const reactor = new MemoryReactorClock();
  const creator = new ClientCreator(reactor, Named, "a", 2);
  const made = creator.connectTCP("192.0.2.1", 80, { timeout: 5 });
  const [host, port, factory, timeout] = reactor.tcpClients[0]!;
  expect([host, port, timeout]).toEqual(["192.0.2.1", 80, 5]);
  const protocol = factory.buildProtocol(peer)!;
  expect(made.called).toBe(false);
  reactor.advance(0);
  expect(await made).toBe(protocol);
  expect(protocol).toMatchObject({ one: "a", two: 2 });
});

test("fails with the attempt", async () => {
  const reactor = new MemoryReactorClock();
  const made = new ClientCreator(reactor, Protocol).connectUNIX("/a");
  reactor.unixClients[0]![1].clientConnectionFailed(reactor.connectors[0]!, new Failure(new ConnectionRefusedError()));
  await expect(Promise.resolve(made)).rejects.toBeInstanceOf(ConnectionRefusedError);
});

test("cancelling disconnects, before the connection is made and after", async () => {
  const reactor = new MemoryReactorClock();
  const early = new ClientCreator(reactor, Protocol).connectTCP("192.0.2.1", 80);
  early.cancel();
  expect(reactor.connectors[0]!._disconnected).toBe(true);
  await expect(Promise.resolve(early)).rejects.toBeInstanceOf(CancelledError);
  const late = new ClientCreator(reactor, Protocol).connectTCP("192.0.2.1", 80);
  const protocol = reactor.tcpClients[1]![2].buildProtocol(peer) as Protocol;
  const transport = new StringTransportWithDisconnection();
  transport.protocol = protocol;
  void protocol.makeConnection(transport);
  late.cancel();
  expect(transport.connected).toBe(false);
  reactor.advance(0);
  await expect(Promise.resolve(late)).rejects.toBeInstanceOf(CancelledError);
});

test("who cancels an attempt hears of that, and not what the connector says of it", async () => {
  const made = new ClientCreator(new SimulatedReactor(), Protocol).connectTCP("127.0.0.1", 80);
  made.cancel();
  await expect(Promise.resolve(made)).rejects.toBeInstanceOf(CancelledError);
});
