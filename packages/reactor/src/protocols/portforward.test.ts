/** Bytes go both ways through a forwarder, at the pace of the slower side. */
import { describe, expect, test } from "vitest";
import { IPv4Address } from "../address.js";
import { ConnectionDone, ConnectionRefusedError } from "../error.js";
import { Failure } from "../failure.js";
import { FakeTransport, MemoryReactor, StringTransport } from "../testing/index.js";
import type { ProxyClient } from "./portforward.js";
import { ProxyFactory, ProxyServer } from "./portforward.js";

const here = new IPv4Address("TCP", "127.0.0.1", 1);

function accepted() {
  const memory = new MemoryReactor();
  const factory = new ProxyFactory("inner.example", 22);
  class Server extends ProxyServer {
    override reactor = memory;
  }
  factory.protocol = Server;
  const server = factory.buildProtocol(here) as ProxyServer;
  const outside = new StringTransport();
  server.makeConnection(outside);
  return { memory, server, outside };
}

function forwarding() {
  const { memory, server, outside } = accepted();
  const client = memory.tcpClients[0]![2].buildProtocol(here) as ProxyClient;
  const inside = new StringTransport();
  client.makeConnection(inside);
  return { server, outside, client, inside };
}

describe("a port forwarder", () => {
  test("connects for each connection, and reads nothing before", () => {
    const { memory, outside } = accepted();
    expect(memory.tcpClients.map(([host, port]) => [host, port])).toEqual([["inner.example", 22]]);
    expect(outside.producerState).toBe("paused");
  });

  test("then passes on both ways, each side the producer of the other", () => {
    const { server, outside, client, inside } = forwarding();
    expect(outside.producerState).toBe("producing");
    expect([outside.producer, outside.streaming]).toEqual([inside, true]);
    expect([inside.producer, inside.streaming]).toEqual([outside, true]);
    server.dataReceived(Buffer.from("in"));
    client.dataReceived(Buffer.from("out"));
    expect([String(inside.value()), String(outside.value())]).toEqual(["in", "out"]);
  });

  test("closes one side when the other is lost, without waiting for a producer that is gone", () => {
    for (const first of ["server", "client"] as const) {
      const { server, outside, client, inside } = forwarding();
      (first === "server" ? server : client).connectionLost(new Failure(new ConnectionDone()));
      const other = first === "server" ? inside : outside;
      expect([other.disconnecting, other.producer]).toEqual([true, null]);
    }
  });

  test("closes the connection that it cannot forward", () => {
    const { memory, outside } = accepted();
    const refused = new Failure(new ConnectionRefusedError());
    memory.tcpClients[0]![2].clientConnectionFailed(memory.connectors[0]!, refused);
    expect(outside.disconnecting).toBe(true);
  });

  test("closes the inner connection when the outer one has gone meanwhile", () => {
    const { memory, server } = accepted();
    const gone = new FakeTransport(server, true); // lost: registering a producer stops it
    gone.disconnected = true;
    server.transport = gone;
    const client = memory.tcpClients[0]![2].buildProtocol(here) as ProxyClient;
    class Inside extends StringTransport {
      override stopProducing(): void {
        this.loseConnection();
      }
    }
    const inside = new Inside();
    client.makeConnection(inside);
    expect(inside.disconnecting).toBe(true);
  });
});
