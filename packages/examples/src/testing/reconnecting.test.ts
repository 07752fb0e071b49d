/** A program on a reactor in memory: names, refused connections and a minute of waiting, in no time. */
import { Factory, Protocol } from "@strombus/reactor";
import { ClientService } from "@strombus/reactor/application/internet";
import { clientFromString } from "@strombus/reactor/endpoints";
import { Echo } from "@strombus/reactor/protocols/wire";
import { assertNoResult, SimulatedReactor, successResultOf } from "@strombus/reactor/testing";
import { expect, test } from "vitest";

test("a client that finds nobody tries again, and nobody waits for it", async () => {
  const reactor = new SimulatedReactor();
  reactor.hosts.set("shop.test", ["192.0.2.7"]);
  reactor.network.addresses.add("192.0.2.7");

  const client = new ClientService(clientFromString(reactor, "tcp:shop.test:7"), Factory.forProtocol(Protocol), {
    clock: reactor,
    retryPolicy: () => 60,
  });
  client.startService();
  await reactor.settle();

  reactor.listenTCP(7, Factory.forProtocol(Echo));
  const connected = client.whenConnected();
  reactor.advance(59);
  await reactor.settle();
  assertNoResult(connected);
  reactor.advance(1);
  await reactor.settle();
  const protocol = successResultOf(connected) as Protocol;
  expect(String(protocol.transport?.getPeer())).toContain("192.0.2.7");

  client.stopService();
  await reactor.settle();
});
