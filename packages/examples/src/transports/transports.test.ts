/** What the pages about the reactor, its endpoints, TLS and the PROXY protocol show, as programs that run. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reactor } from "@strombus/reactor";
import { implementer } from "@strombus/reactor/components";
import { Deferred } from "@strombus/reactor/defer";
import { clientFromString, connectProtocol, serverFromString, wrapClientTLS } from "@strombus/reactor/endpoints";
import { HostnameEndpoint, TCP4ServerEndpoint } from "@strombus/reactor/endpoints";
import {
  IHalfCloseableProtocol,
  type IListeningPort,
  type IPushProducer,
  type ITCPTransport,
  type ITLSTransport,
} from "@strombus/reactor/interfaces";
import { DatagramProtocol, Factory, Protocol } from "@strombus/reactor/protocol";
import { LineReceiver } from "@strombus/reactor/protocols/basic";
import { proxyEndpoint } from "@strombus/reactor/protocols/haproxy";
import { LimitTotalConnectionsFactory, TimeoutFactory } from "@strombus/reactor/protocols/policies";
import { Certificate, optionsForClientTLS, PrivateCertificate, trustRootFromCertificates } from "@strombus/reactor/ssl";
import { TestAuthority } from "@strombus/reactor/testing";
import { deferToWorker } from "@strombus/reactor/threads";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

const authority = new TestAuthority();
let folder = "";
let ports: IListeningPort[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "strombus-transports-"));
  writeFileSync(join(folder, "server.pem"), authority.issue(["localhost", "127.0.0.1"]).dumpPEM());
  writeFileSync(join(folder, "alice.pem"), authority.issue("alice").dumpPEM());
  writeFileSync(join(folder, "ca.pem"), authority.certificate.dumpPEM());
});
afterEach(async () => {
  for (const port of ports) await port.stopListening();
  ports = [];
});
afterAll(() => rmSync(folder, { recursive: true }));

const read = (name: string): string => join(folder, name);
const numberOf = (port: IListeningPort): number => {
  ports.push(port);
  return (port.getHost() as unknown as { port: number }).port;
};

class Greeter extends Protocol {
  override connectionMade() {
    this.transport?.write(`hello ${String(this.transport.getPeer())}`);
    this.transport?.loseConnection();
  }
}

/** Collects until the end. */
class Collector extends Protocol {
  text = "";
  #end: (text: string) => void = () => {};
  readonly ended = new Promise<string>((resolve) => (this.#end = resolve));
  override dataReceived(data: Buffer) {
    this.text += data.toString();
  }
  override connectionLost() {
    this.#end(this.text);
  }
}

function quiet(factory: Factory): Factory {
  factory.noisy = false;
  return factory;
}

test("endpoints from text", async () => {
  const factory = quiet(Factory.forProtocol(Greeter));
  const key = read("server.pem");
  const server = serverFromString(reactor, `ssl:0:privateKey=${key}:interface=127.0.0.1`);
  const port = numberOf(await server.listen(factory));

  const client = clientFromString(reactor, `tls:localhost:${port}:trustRoots=${folder}`);
  const protocol = await connectProtocol(client, new Collector());
  expect(await protocol.ended).toContain("hello IPv4Address");
});

test("TLS with a client's certificate", async () => {
  const certificate = PrivateCertificate.loadPEM(authority.issue("localhost").dumpPEM());
  const clients = Certificate.loadPEM(authority.certificate.dumpPEM());

  class Named extends Protocol {
    override dataReceived() {
      const peer = Certificate.peerFromTransport(this.transport!);
      this.transport?.write(`hello ${peer.getSubject().get("CN")}`);
      this.transport?.loseConnection();
    }
  }
  const factory = quiet(Factory.forProtocol(Named));
  const port = numberOf(reactor.listenSSL(0, factory, certificate.options(clients), { interface: "127.0.0.1" }));

  const options = optionsForClientTLS("localhost", {
    trustRoot: trustRootFromCertificates([authority.certificate]),
    clientCertificate: authority.issue("alice"),
  });
  const endpoint = wrapClientTLS(options, new HostnameEndpoint(reactor, "localhost", port));
  const client = await connectProtocol(endpoint, new Collector());
  client.transport?.write("?");
  expect(await client.ended).toBe("hello alice");
});

test("STARTTLS", async () => {
  const certificate = authority.issue("localhost");
  const seen: string[] = [];

  class Server extends LineReceiver {
    override lineReceived(line: Buffer) {
      if (line.toString() !== "STARTTLS") return void seen.push(line.toString());
      this.clearLineBuffer(); // what a stranger slipped in before TLS is not to be taken for the client's
      this.sendLine("GO AHEAD");
      (this.transport as ITLSTransport).startTLS(certificate.options());
    }
  }
  class Client extends LineReceiver {
    override connectionMade() {
      this.sendLine("STARTTLS");
    }
    override lineReceived() {
      const trustRoot = trustRootFromCertificates([authority.certificate]);
      (this.transport as ITLSTransport).startTLS(optionsForClientTLS("localhost", { trustRoot }));
      this.sendLine("a secret");
      this.transport?.loseConnection();
    }
  }
  const factory = quiet(Factory.forProtocol(Server));
  const port = numberOf(reactor.listenTCP(0, factory, { interface: "127.0.0.1" }));
  await connectProtocol(clientFromString(reactor, `tcp:127.0.0.1:${port}`), new Client());
  while (seen.length === 0) await new Promise(setImmediate);
  expect(seen).toEqual(["a secret"]);
});

test("behind a balancer", async () => {
  const factory = quiet(Factory.forProtocol(Greeter));
  const behind = proxyEndpoint(new TCP4ServerEndpoint(reactor, 0, { interface: "127.0.0.1" }), {
    allowedProxies: ["127.0.0.1", "10.0.0.0/8"],
    timeout: 5,
  });
  const port = numberOf(await behind.listen(factory));
  const balancer = net.connect(port, "127.0.0.1");
  balancer.write("PROXY TCP4 192.0.2.1 203.0.113.7 12345 22\r\n");
  let said = "";
  for await (const data of balancer) said += String(data);
  expect(said).toBe("hello IPv4Address(type=TCP, host=192.0.2.1, port=12345)");
  expect(() => serverFromString(reactor, "haproxy:tcp:2022:allow=10.0.0.0/8,192.0.2.1")).not.toThrow();
});

test("limits around a factory", async () => {
  const limited = LimitTotalConnectionsFactory.forProtocol(Greeter);
  limited.connectionLimit = 100;
  limited.noisy = false;
  const factory = new TimeoutFactory(limited, { timeoutPeriod: 60 });
  const port = numberOf(reactor.listenTCP(0, factory, { interface: "127.0.0.1" }));
  const client = await connectProtocol(clientFromString(reactor, `tcp:127.0.0.1:${port}`), new Collector());
  expect(await client.ended).toContain("hello");
});

test("a function of a module in a thread", async () => {
  const file = read("work.mjs");
  writeFileSync(file, "export const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);");
  const sum = await deferToWorker<number>(file, "sum", [1, 2, 3]);
  expect(sum).toBe(6);
  await reactor.getThreadPool().stop();
});

test("a producer that waits for its reader", async () => {
  class Counting extends Protocol implements IPushProducer {
    declare transport: ITCPTransport;
    #next = 0;
    #paused = false;

    override connectionMade() {
      this.transport.registerProducer(this, true);
      this.#produce();
    }

    #produce() {
      while (!this.#paused && this.#next < 100_000) this.transport.write(`${this.#next++}\n`);
      if (this.#next < 100_000) return;
      this.transport.unregisterProducer();
      this.transport.loseConnection();
    }

    pauseProducing() {
      this.#paused = true; // more than 64 KB wait to be sent
    }

    resumeProducing() {
      this.#paused = false; // all is sent
      this.#produce();
    }

    stopProducing() {} // the connection is lost
  }
  const factory = quiet(Factory.forProtocol(Counting));
  const port = numberOf(reactor.listenTCP(0, factory, { interface: "127.0.0.1" }));
  const client = await connectProtocol(clientFromString(reactor, `tcp:127.0.0.1:${port}`), new Collector());
  expect((await client.ended).split("\n").slice(-2)).toEqual(["99999", ""]);
});

test("halves of a connection", async () => {
  @implementer(IHalfCloseableProtocol)
  class Sorting extends LineReceiver implements IHalfCloseableProtocol {
    readonly #lines: string[] = [];

    override lineReceived(line: Buffer) {
      this.#lines.push(line.toString());
    }

    readConnectionLost() {
      for (const line of this.#lines.sort()) this.sendLine(line);
      this.transport?.loseConnection();
    }

    writeConnectionLost() {}
  }
  const factory = quiet(Factory.forProtocol(Sorting));
  const port = numberOf(reactor.listenTCP(0, factory, { interface: "127.0.0.1" }));
  const client = net.connect(port, "127.0.0.1");
  client.end("b\r\na\r\n");
  let said = "";
  for await (const data of client) said += String(data);
  expect(said).toBe("a\r\nb\r\n");
});

test("datagrams, and a group of listeners", async () => {
  class Answering extends DatagramProtocol {
    override datagramReceived(data: Buffer, address: readonly [host: string, port: number]) {
      this.transport?.write(`you said ${data.toString()}`, address);
    }
  }
  const port = numberOf(reactor.listenUDP(0, new Answering(), { interface: "127.0.0.1" }));
  const heard = new Deferred<string>();
  class Asking extends DatagramProtocol {
    override startProtocol() {
      this.transport?.connect("127.0.0.1", port);
      this.transport?.write("hello");
    }
    override datagramReceived(data: Buffer) {
      heard.callback(data.toString());
    }
  }
  numberOf(reactor.listenUDP(0, new Asking(), { interface: "127.0.0.1" }));
  expect(await heard).toBe("you said hello");
});
