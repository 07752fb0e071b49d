/** A program on a reactor in memory: names, refused connections and a minute of waiting, in no time. */
import { Factory } from "@strombus/reactor";
import { ClientService } from "@strombus/reactor/application/internet";
import { clientFromString } from "@strombus/reactor/endpoints";
import { Echo } from "@strombus/reactor/protocols/wire";
import { AccumulatingProtocol, SimulatedReactor } from "@strombus/reactor/testing";
import { expect, test } from "vitest";

test("a client that finds nobody tries again, and nobody waits for it", async () => {
  const reactor = new SimulatedReactor();
  reactor.hosts.set("shop.test", ["192.0.2.7"]);
  reactor.network.addresses.add("192.0.2.7");

  const protocol = new AccumulatingProtocol();
  const factory = Factory.forProtocol(() => protocol);
  const endpoint = clientFromString(reactor, "tcp:shop.test:7");
  const client = new ClientService(endpoint, factory, { clock: reactor, retryPolicy: () => 60 });
  client.startService();
  await reactor.settle();

  reactor.listenTCP(7, Factory.forProtocol(Echo));
  reactor.advance(59);
  await reactor.settle();
  expect(protocol.made).toBe(false);
  reactor.advance(1);
  await reactor.settle();
  expect(String(protocol.transport?.getPeer())).toContain("192.0.2.7");

  client.stopService();
  await reactor.settle();
});
