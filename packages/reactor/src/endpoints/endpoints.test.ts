/** Endpoints: what reaches the reactor, what comes back, and their description by text. */
import { spawn, spawnSync } from "node:child_process";
import { getDiffieHellman } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HostnameAddress, IPv4Address, IPv6Address } from "../address.js";
import { directlyProvides } from "../components.js";
import { Deferred } from "../defer.js";
import {
  clientFromString,
  connectProtocol,
  HostnameEndpoint,
  type HostnameOptions,
  quoteStringArgument,
  registerServerParser,
  serverFromString,
  AdoptedStreamServerEndpoint,
  SSL4ClientEndpoint,
  SSL4ServerEndpoint,
  TCP4ClientEndpoint,
  TCP4ServerEndpoint,
  TCP6ClientEndpoint,
  TCP6ServerEndpoint,
  UNIXClientEndpoint,
  UNIXServerEndpoint,
  wrapClientTLS,
} from "../endpoints.js";
import {
  AlreadyListened,
  CannotListenError,
  ConnectingCancelledError,
  ConnectionRefusedError,
  DNSLookupError,
  NoProtocol,
  VerificationError,
} from "../error.js";
import { ValueError } from "../exceptions.js";
import { Failure } from "../failure.js";
import {
  IHalfCloseableProtocol,
  type IClientFactory,
  type IHostnameResolver,
  IHandshakeListener,
  type IProtocol,
  type IReactor,
  IStreamClientEndpoint,
  IStreamServerEndpoint,
  type ITLSContextFactory,
} from "../interfaces.js";
import { Factory, Protocol } from "../protocol.js";
import { NodeReactor } from "../reactor.js";
import { CertificateOptions, optionsForClientTLS, trustRootFromCertificates } from "../ssl.js";
import { logged, Recorder, until } from "../stream/recording.test.helper.js";
import { TestAuthority } from "../testing/certificates.js";
import { MemoryReactorClock, RaisingMemoryReactor, StringTransport } from "../testing/index.js";

let memory = new MemoryReactorClock();
let reactor = new NodeReactor();
let folder = "";
beforeEach(() => {
  memory = new MemoryReactorClock();
  reactor = new NodeReactor();
  folder = mkdtempSync(join(tmpdir(), "strombus-endpoints-"));
  logged.begin();
});
afterEach(() => {
  logged.end();
  rmSync(folder, { recursive: true });
});

/** A memory reactor as the parsers take it; they use no more of it than there is. */
function asReactor(): IReactor {
  return memory as unknown as IReactor;
}

function factoryFor(protocol: () => IProtocol | null): Factory {
  const factory = Factory.forProtocol(protocol);
  factory.noisy = false;
  return factory;
}

function outcomeOf<T>(deferred: Deferred<T>): { value?: T; error?: unknown } {
  const outcome: { value?: T; error?: unknown } = {};
  deferred.addCallbacks(
    (value) => void (outcome.value = value),
    (failure) => void (outcome.error = failure.value),
  );
  return outcome;
}

const context = new CertificateOptions();

describe("what reaches the reactor", () => {
  const factory = factoryFor(() => null);
  test("servers: defaults and all options", () => {
    void new TCP4ServerEndpoint(memory, 1).listen(factory);
    void new TCP4ServerEndpoint(memory, 2, { backlog: 5, interface: "127.0.0.1" }).listen(factory);
    void new TCP6ServerEndpoint(memory, 3).listen(factory);
    expect(memory.tcpServers).toEqual([
      [1, factory, 50, ""],
      [2, factory, 5, "127.0.0.1"],
      [3, factory, 50, "::"],
    ]);
    void new SSL4ServerEndpoint(memory, 4, context, { interface: "::1" }).listen(factory);
    expect(memory.sslServers).toEqual([[4, factory, context, 50, "::1"]]);
    void new UNIXServerEndpoint(memory, "/a").listen(factory);
    void new UNIXServerEndpoint(memory, "/b", { backlog: 1, mode: 0o600, wantPID: true }).listen(factory);
    expect(memory.unixServers).toEqual([
      ["/a", factory, 50, 0o666, false],
      ["/b", factory, 1, 0o600, true],
    ]);
  });

  test("clients: defaults and all options", () => {
    void new TCP4ClientEndpoint(memory, "h", 1).connect(factory);
    void new TCP4ClientEndpoint(memory, "h", 2, { timeout: 5, bindAddress: ["127.0.0.1", 7] }).connect(factory);
    expect(memory.tcpClients.map(([host, port, , ...rest]) => [host, port, ...rest])).toEqual([
      ["h", 1, 30, null],
      ["h", 2, 5, ["127.0.0.1", 7]],
    ]);
    void new SSL4ClientEndpoint(memory, "h", 3, context, { timeout: null }).connect(factory);
    expect(memory.sslClients[0]!.slice(3)).toEqual([context, null, null]);
    void new UNIXClientEndpoint(memory, "/a", { checkPID: true }).connect(factory);
    expect(memory.unixClients[0]!.slice(2)).toEqual([30, true]);
    void new TCP6ClientEndpoint(memory, "::1", 4).connect(factory);
    expect(memory.tcpClients.at(-1)!.slice(0, 2)).toEqual(["::1", 4]);
  });

  test("errors of listenX and connectX are failures, nothing is thrown", () => {
    const listenException = new CannotListenError("", 1, new Error("in use"));
    const connectException = new Error("no");
    const raising = new RaisingMemoryReactor({ listenException, connectException });
    expect(outcomeOf(new TCP4ServerEndpoint(raising, 1).listen(factory)).error).toBe(listenException);
    expect(outcomeOf(new UNIXServerEndpoint(raising, "/a").listen(factory)).error).toBe(listenException);
    expect(outcomeOf(new TCP4ClientEndpoint(raising, "h", 1).connect(factory)).error).toBe(connectException);
    expect(outcomeOf(new SSL4ClientEndpoint(raising, "h", 1, context).connect(factory)).error).toBe(connectException);
  });

  test("an adopted descriptor listens once", () => {
    const endpoint = new AdoptedStreamServerEndpoint(memory, 5, "IPv4");
    void endpoint.listen(factory);
    expect(outcomeOf(endpoint.listen(factory)).error).toBeInstanceOf(AlreadyListened);
    expect(memory.adoptedPorts).toEqual([[5, "IPv4", factory]]);
  });
});

describe("connect", () => {
  const address = new IPv4Address("TCP", "192.0.2.1", 80);
  function start(factory: Factory): { connected: Deferred<IProtocol>; wrapping: IClientFactory } {
    const connected = new TCP4ClientEndpoint(memory, "192.0.2.1", 80).connect(factory);
    return { connected, wrapping: memory.tcpClients.at(-1)![2] };
  }

  test("fires with the protocol after its connectionMade; what it declares its stand-in declares", () => {
    const events: string[] = [];
    class Half extends Protocol {
      override connectionMade(): void {
        events.push("made");
      }
    }
    const protocol = new Half();
    directlyProvides(protocol, IHalfCloseableProtocol);
    const { connected, wrapping } = start(factoryFor(() => protocol));
    connected.addCallback((result) => void events.push(result === protocol ? "fired" : "wrong"));
    const standIn = wrapping.buildProtocol(address)!;
    expect(IHalfCloseableProtocol.providedBy(standIn)).toBe(true);
    expect(IHandshakeListener.providedBy(standIn)).toBe(false);
    const transport = new StringTransport();
    void standIn.makeConnection(transport);
    expect(events).toEqual(["made", "fired"]);
    expect(protocol.transport).toBe(transport);
  });

  test("no protocol, a factory that throws, a failed attempt, a connectionMade that throws", () => {
    const none = start(factoryFor(() => null));
    expect(none.wrapping.buildProtocol(address)).toBe(null);
    expect(outcomeOf(none.connected).error).toBeInstanceOf(NoProtocol);
    const mistake = new Error("a mistake");
    const throwing = start(
      factoryFor(() => {
        throw mistake;
      }),
    );
    expect(throwing.wrapping.buildProtocol(address)).toBe(null);
    expect(outcomeOf(throwing.connected).error).toBe(mistake);
    const failing = start(factoryFor(() => new Protocol()));
    const refused = new ConnectionRefusedError();
    failing.wrapping.clientConnectionFailed(memory.connectors.at(-1)!, new Failure(refused));
    expect(outcomeOf(failing.connected).error).toBe(refused);
    const bad = start(
      factoryFor(() =>
        Object.assign(new Protocol(), {
          connectionMade: () => {
            throw mistake;
          },
        }),
      ),
    );
    expect(() => bad.wrapping.buildProtocol(address)!.makeConnection(new StringTransport())).toThrow(mistake);
    expect(outcomeOf(bad.connected).error).toBe(mistake);
  });

  test("cancelling stops the attempt and says where it went", () => {
    const { connected } = start(factoryFor(() => new Protocol()));
    const outcome = outcomeOf(connected);
    connected.cancel();
    expect(outcome.error).toBeInstanceOf(ConnectingCancelledError);
    expect(String((outcome.error as ConnectingCancelledError).address)).toBe(String(address));
    expect(memory.connectors[0]!._disconnected).toBe(true);
  });

  test("connectProtocol takes a protocol that is there", () => {
    const protocol = new Protocol();
    const connected = connectProtocol(new TCP4ClientEndpoint(memory, "192.0.2.1", 80), protocol);
    void memory.tcpClients[0]![2].buildProtocol(address)!.makeConnection(new StringTransport());
    expect(outcomeOf(connected).value).toBe(protocol);
    const result = new Deferred<IProtocol>();
    expect(connectProtocol({ connect: () => result }, protocol)).toBe(result);
  });

  // PIN
  test("cancelling passes through TLS over an endpoint", () => {
    const endpoint = wrapClientTLS(context, new TCP4ClientEndpoint(memory, "192.0.2.1", 80));
    const connected = endpoint.connect(factoryFor(() => new Protocol()));
    const outcome = outcomeOf(connected);
    connected.cancel();
    expect(outcome.error).toBeInstanceOf(ConnectingCancelledError);
    expect(memory.connectors[0]!._disconnected).toBe(true);
  });
});

describe("HostnameEndpoint", () => {
  class FakeResolver implements IHostnameResolver {
    constructor(readonly hosts: readonly string[]) {}
    resolveHostName(...[receiver, name, { portNumber = 0 } = {}]: Parameters<IHostnameResolver["resolveHostName"]>) {
      const resolution = { name, cancel: () => {} };
      receiver.resolutionBegan(resolution);
      for (const host of this.hosts) {
        const Type = host.includes(":") ? IPv6Address : IPv4Address;
        receiver.addressResolved(new Type("TCP", host, portNumber));
      }
      receiver.resolutionComplete();
      return resolution;
    }
  }
  const hosts = ["2001:db8::1", "192.0.2.1", "192.0.2.2"];
  function start(addresses = hosts, protocol: IProtocol = new Protocol(), options: HostnameOptions = {}) {
    const looking = Object.assign(memory, { nameResolver: new FakeResolver(addresses) });
    const endpoint = new HostnameEndpoint(looking, "example.test", 80, { bindAddress: "192.0.2.9", ...options });
    const connected = endpoint.connect(factoryFor(() => protocol));
    return { connected, outcome: outcomeOf(connected), protocol };
  }
  const tried = (): string[] => memory.tcpClients.map(([host]) => host);
  const fail = (index: number, error: Error): void => {
    memory.tcpClients[index]![2].clientConnectionFailed(memory.connectors[index]!, new Failure(error));
  };

  test("one address at once, one more every 0.3 s, each with its own timeout and the local address", () => {
    start();
    expect(tried()).toEqual(hosts.slice(0, 1));
    memory.advance(0.29);
    expect(tried()).toHaveLength(1);
    memory.advance(0.02);
    expect(tried()).toEqual(hosts.slice(0, 2));
    memory.advance(0.3);
    expect(tried()).toEqual(hosts);
    expect(memory.tcpClients[0]!.slice(3)).toEqual([30, ["192.0.2.9", 0]]);
  });

  test("the first success wins: the others are stopped and no call remains", () => {
    const { outcome, protocol } = start();
    memory.advance(0.3);
    void memory.tcpClients[1]![2].buildProtocol(new IPv4Address("TCP", hosts[1]!, 80))!.makeConnection(
      new StringTransport(),
    );
    expect(outcome.value).toBe(protocol);
    expect(memory.connectors.map((connector) => connector._disconnected)).toEqual([true, false]);
    expect(memory.getDelayedCalls()).toEqual([]);
  });

  test("a failure does not hurry the next; the last one is told when all have failed", () => {
    const { outcome } = start(hosts.slice(0, 2));
    fail(0, new Error("first"));
    expect(tried()).toHaveLength(1);
    memory.advance(0.3);
    const last = new Error("last");
    fail(1, last);
    expect(outcome).toEqual({});
    memory.advance(0.3);
    expect(outcome.error).toBe(last);
    expect(memory.getDelayedCalls()).toEqual([]);
  });

  test("with hurry a failure starts the next at once, and the last tells that all have failed", () => {
    const { outcome } = start(hosts.slice(0, 2), new Protocol(), { hurry: true });
    fail(0, new Error("first"));
    expect(tried()).toEqual(hosts.slice(0, 2));
    const last = new Error("last");
    fail(1, last);
    expect(outcome.error).toBe(last);
    expect(memory.getDelayedCalls()).toEqual([]);
  });

  test("with hurry an attempt that is still on its way is waited for", () => {
    const { outcome, protocol } = start(hosts.slice(0, 2), new Protocol(), { hurry: true });
    memory.advance(0.3);
    fail(1, new Error("second"));
    expect(outcome).toEqual({});
    const made = memory.tcpClients[0]![2].buildProtocol(new IPv4Address("TCP", hosts[0]!, 80))!;
    void made.makeConnection(new StringTransport());
    expect(outcome.value).toBe(protocol);
    expect(memory.getDelayedCalls()).toEqual([]);
  });

  test("no address, a bad name, cancelling; and how it prints", () => {
    expect(start([]).outcome.error).toBeInstanceOf(DNSLookupError);
    const looking = Object.assign(memory, { nameResolver: new FakeResolver(hosts) });
    const bad = new HostnameEndpoint(looking, "no\u2028name..", 1).connect(factoryFor(() => null));
    expect(outcomeOf(bad).error).toBeInstanceOf(ValueError);
    const { connected, outcome } = start();
    connected.cancel();
    expect(outcome.error).toBeInstanceOf(ConnectingCancelledError);
    expect((outcome.error as ConnectingCancelledError).address).toEqual(new HostnameAddress("example.test", 80));
    expect(memory.getDelayedCalls()).toEqual([]);
    expect(String(new HostnameEndpoint(looking, "b\u00fccher.example", 80))).toBe(
      "<HostnameEndpoint xn--bcher-kva.example:80>",
    );
    expect(String(new HostnameEndpoint(looking, "::1", 80))).toBe("<HostnameEndpoint [::1]:80>");
  });

  test("a resolver of the application serves resolve, connectTCP and HostnameEndpoint", async () => {
    const port = reactor.listenTCP(
      0,
      factoryFor(() => new Recorder()),
      { interface: "127.0.0.1" },
    );
    const before = reactor.installNameResolver(new FakeResolver(["127.0.0.1"]));
    expect(before).not.toBe(reactor.nameResolver);
    expect(await reactor.resolve("anything.test")).toBe("127.0.0.1");
    for (const endpoint of [
      new HostnameEndpoint(reactor, "anything.test", port.getHost().port),
      new TCP4ClientEndpoint(reactor, "anything.test", port.getHost().port),
    ]) {
      const client = await connectProtocol(endpoint, new Recorder());
      client.transport.loseConnection();
      await until(() => client.isLost);
    }
    await port.stopListening();
  });
});

describe("descriptions", () => {
  const factory = factoryFor(() => null);
  const listen = (description: string): void => void serverFromString(asReactor(), description).listen(factory);
  const connect = (description: string): void => void clientFromString(asReactor(), description).connect(factory);

  test("servers", () => {
    listen("tcp:80");
    listen("TCP:port=81:interface=127.0.0.1:backlog=7");
    listen("tcp:82:10.0.0.1:9");
    listen("tcp6:83:8:\\:\\:1");
    listen("tcp:84:interface=\\:\\:1");
    expect(memory.tcpServers).toEqual([
      [80, factory, 50, ""],
      [81, factory, 7, "127.0.0.1"],
      [82, factory, 9, "10.0.0.1"],
      [83, factory, 8, "::1"],
      [84, factory, 50, "::1"],
    ]);
    listen("unix:/run/a");
    listen("unix:address=/run/b:mode=600:backlog=1:lockfile=0");
    listen(`unix:${quoteStringArgument("/odd:name\\")}`);
    expect(memory.unixServers).toEqual([
      ["/run/a", factory, 50, 0o666, true],
      ["/run/b", factory, 1, 0o600, false],
      ["/odd:name\\", factory, 50, 0o666, true],
    ]);
  });

  test("clients", () => {
    connect("tcp:example.test:80");
    connect("tcp:host=example.test:port=81:timeout=5:bindAddress=10.0.0.1");
    connect("tcp:82:host=example.test");
    connect("tcp:example.test:port=83");
    connect("tcp:\\:\\:1:84");
    expect(memory.tcpClients.map(([host, port, , ...rest]) => [host, port, ...rest])).toEqual([
      ["example.test", 80, 30, null],
      ["example.test", 81, 5, ["10.0.0.1", 0]],
      ["example.test", 82, 30, null],
      ["example.test", 83, 30, null],
      ["::1", 84, 30, null],
    ]);
    connect("unix:/a");
    connect("unix:path=/a\\=b:timeout=9:lockfile=1");
    expect(memory.unixClients.map(([path, , ...rest]) => [path, ...rest])).toEqual([
      ["/a", 30, false],
      ["/a=b", 9, true],
    ]);
    connect("ssl:example.test:443:timeout=8");
    expect(memory.sslClients[0]!.slice(0, 2)).toEqual(["example.test", 443]);
  });

  test.each([
    ["nosuch:1", ValueError],
    ["constructor:1", ValueError],
    ["", ValueError],
    ["tcp", TypeError],
    ["tcp:80:127.0.0.1:5:surplus", TypeError],
    ["tcp:80:colour=red", TypeError],
    ["tcp:80:port=81", TypeError],
    ["tcp:port=80:port=81", TypeError],
    ["tcp:http", ValueError],
    ["tcp:80:backlog=many", ValueError],
    ["tcp:80\\", ValueError],
    ["unix:/a:mode=rw", ValueError],
    ["systemd:INET", ValueError],
    ["systemd:INET:index=0:name=a", ValueError],
    ["systemd:INET:index=0", ValueError],
    ["fd:3:domain=IPX", ValueError],
    ["haproxy", TypeError],
    ["haproxy:nosuch:1", ValueError],
    ["haproxy:tcp:80:allow=everybody", ValueError],
    ["haproxy:tcp:80:allow=10.0.0.0/33", ValueError],
  ])("server %j: %o", (description, error) => {
    expect(() => serverFromString(asReactor(), description)).toThrow(error);
  });

  test("a port alone is told how it is written", () => {
    const message = 'unknown type of server endpoint: "2222", a port is written "tcp:2222"';
    expect(() => serverFromString(asReactor(), "2222")).toThrow(new ValueError(message));
  });

  test.each([
    ["nosuch:1", ValueError],
    ["tcp:80", TypeError],
    ["tcp:host:1:2:3:4", TypeError],
    ["tcp:host:http", ValueError],
    ["tcp:host:1:timeout=soon", ValueError],
    ["tls:host", TypeError],
    ["tls:host:1:colour=red", TypeError],
    ["unix", TypeError],
  ])("client %j: %o", (description, error) => {
    expect(() => clientFromString(asReactor(), description)).toThrow(error);
  });

  test("a parser of the application, whose arguments arrive as text", () => {
    let seen: unknown = null;
    registerServerParser("Mine", (_, args, kwargs) => {
      seen = [args, [...kwargs]];
      return new TCP4ServerEndpoint(memory, 1);
    });
    expect(() => registerServerParser("mine", () => new TCP4ServerEndpoint(memory, 1))).toThrow(ValueError);
    expect(IStreamServerEndpoint.providedBy(serverFromString(asReactor(), "MINE:a\\:b:c=d=e"))).toBe(true);
    expect(seen).toEqual([["a:b"], [["c", "d=e"]]]);
  });
});

describe("over real sockets", () => {
  const authority = new TestAuthority();
  const localhost = authority.issue(["localhost", "127.0.0.1"]);

  class Greeter extends Recorder {
    override connectionMade(): void {
      this.transport.write("hello");
    }
  }

  test("ssl: and tls: with files, the name is verified, and the protocol sits on TLS on the transport", async () => {
    writeFileSync(join(folder, "server.pem"), localhost.dumpPEM().trimEnd());
    writeFileSync(join(folder, "ca.pem"), authority.certificate.dumpPEM());
    writeFileSync(join(folder, "ca.txt"), "not a certificate, and not read");
    const endpoint = serverFromString(reactor, `ssl:0:privateKey=${folder}/server.pem:interface=127.0.0.1`);
    const listening = await endpoint.listen(factoryFor(() => new Greeter()));
    const { port } = listening.getHost() as unknown as { port: number };
    for (const description of [
      `tls:localhost:${port}:trustRoots=${folder}`,
      `tls:localhost:trustRoots=${folder}:endpoint=${quoteStringArgument(`tcp:127.0.0.1:${port}`)}`,
      `ssl:127.0.0.1:${port}:caCertsDir=${folder}:hostname=localhost`,
      `ssl:127.0.0.1:${port}`,
    ]) {
      const client = await connectProtocol(clientFromString(reactor, description), new Recorder());
      await until(() => client.bytes === 5);
      client.transport.loseConnection();
      await until(() => client.isLost);
    }
    const misled = `tls:elsewhere.test:trustRoots=${folder}:endpoint=${quoteStringArgument(`tcp:127.0.0.1:${port}`)}`;
    const client = await connectProtocol(clientFromString(reactor, misled), new Recorder());
    await until(() => client.isLost);
    expect(client.error).toBeInstanceOf(VerificationError);
    expect(client.bytes).toBe(0);
    await listening.stopListening();
    expect(() => serverFromString(reactor, `ssl:0:privateKey=${folder}/missing.pem`)).toThrow();
    expect(() =>
      serverFromString(reactor, `ssl:0:privateKey=${folder}/server.pem:extraCertChain=${folder}/ca.txt`),
    ).toThrow(ValueError);
  });

  test("every parameter of ssl: servers, of ssl: and tls: clients", async () => {
    const alice = new TestAuthority().issue("alice");
    const read: Record<string, string> = {
      key: localhost.privateKey.dumpPEM(),
      certificate: localhost.x509.toString(),
      chain: authority.certificate.dumpPEM() + authority.certificate.dumpPEM(),
      dh: dhParameters(),
      alice: alice.dumpPEM(),
      "ca.pem": authority.certificate.dumpPEM(),
    };
    for (const [name, text] of Object.entries(read)) writeFileSync(join(folder, name), text);
    const files = `privateKey=${folder}/key:certKey=${folder}/certificate`;
    const more = `extraCertChain=${folder}/chain:dhParameters=${folder}/dh:sslmethod=TLSv1_2_METHOD`;
    const factory = factoryFor(() => new Greeter());
    void serverFromString(asReactor(), `ssl:4433:${files}:${more}:interface=10.0.0.1:backlog=3`).listen(factory);
    const [port, , contextFactory, ...rest] = memory.sslServers[0]!;
    expect([port, ...rest]).toEqual([4433, 3, "10.0.0.1"]);
    expect(() => serverFromString(asReactor(), `ssl:4433:${files}:sslmethod=SSLv3_METHOD`)).toThrow(ValueError);

    // The server shows what it was given, and takes alice's certificate for what it is worth.
    const listening = reactor.listenSSL(0, factory, asking(contextFactory), { interface: "127.0.0.1" });
    const number = listening.getHost().port;
    const local = "timeout=9:bindAddress=127.0.0.2";
    for (const description of [
      `tls:localhost:${number}:${local}:trustRoots=${folder}:certificate=${folder}/alice:privateKey=${folder}/alice`,
      `ssl:127.0.0.1:${number}:${local}:caCertsDir=${folder}:hostname=localhost:certKey=${folder}/alice:privateKey=${folder}/alice`,
    ]) {
      const client = await connectProtocol(clientFromString(reactor, description), new Recorder());
      await until(() => client.bytes === 5);
      expect(client.transport.getPeerCertificate()!.fingerprint).toBe(localhost.x509.fingerprint);
      expect(client.transport.getHostCertificate()!.subject).toContain("alice");
      expect(String(client.transport.getHost())).toContain("127.0.0.2");
      client.transport.loseConnection();
      await until(() => client.isLost);
    }
    await listening.stopListening();

    void clientFromString(asReactor(), "ssl:h:1:timeout=9:bindAddress=10.0.0.1").connect(factory);
    expect(memory.sslClients[0]!.slice(4)).toEqual([9, ["10.0.0.1", 0]]);
  });

  test("wrapClientTLS: the transport below is at hand, refusals pass through", async () => {
    const options = optionsForClientTLS("localhost", { trustRoot: trustRootFromCertificates([authority.certificate]) });
    const port = reactor.listenSSL(
      0,
      factoryFor(() => new Greeter()),
      localhost.options(),
      { interface: "127.0.0.1" },
    );
    const number = port.getHost().port;
    const endpoint = wrapClientTLS(options, new TCP4ClientEndpoint(reactor, "127.0.0.1", number));
    expect(IStreamClientEndpoint.providedBy(endpoint)).toBe(true);
    const client = await connectProtocol(endpoint, new Recorder());
    await until(() => client.bytes === 5);
    const below = (client.transport as unknown as { transport: { getPeer(): IPv4Address } }).transport;
    expect(below.getPeer().port).toBe(number);
    client.transport.loseConnection();
    await until(() => client.isLost);
    await port.stopListening();
    await expect(Promise.resolve(connectProtocol(endpoint, new Recorder()))).rejects.toBeInstanceOf(
      ConnectionRefusedError,
    );
    expect(reactor.openTransports.size).toBe(0);
  });

  test("fd: and systemd: take sockets that are open already", async () => {
    // A parent that listens and hands the descriptor on, as systemd does.
    const program = `
      import { reactor, Factory, Protocol } from "@strombus/reactor";
      import { serverFromString } from "@strombus/reactor/endpoints";
      process.env.LISTEN_PID = String(process.pid);
      class Hello extends Protocol { connectionMade() { this.transport.write("adopted"); this.transport.loseConnection(); } }
      const factory = Factory.forProtocol(Hello);
      factory.noisy = false;
      const port = await serverFromString(reactor, process.argv[1]).listen(factory);
      console.log(String(port.getHost()));
      try { await serverFromString(reactor, "systemd:INET:name=other").listen(factory); } catch (error) { console.log(error.name); }
      process.stdin.on("end", () => process.exit()).resume();`;
    for (const description of ["fd:3", "systemd:domain=INET:index=0", "systemd:INET:name=ssh"]) {
      const server = net.createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as net.AddressInfo;
      const child = spawn(process.execPath, ["--input-type=module", "-e", program, description], {
        cwd: fileURLToPath(new URL("../..", import.meta.url)),
        env: { ...process.env, LISTEN_FDS: "1", LISTEN_FDNAMES: "ssh" },
        stdio: ["pipe", "pipe", "inherit", (server as unknown as { _handle: { fd: number } })._handle.fd],
      });
      let said = "";
      child.stdout!.on("data", (data: Buffer) => (said += data.toString()));
      await until(() => said.includes("ValueError"));
      server.close();
      expect(said).toContain(`port=${port}`);
      const client = await connectProtocol(new TCP4ClientEndpoint(reactor, "127.0.0.1", port), new Recorder());
      await until(() => client.isLost);
      expect(client.bytes).toBe(7);
      child.stdin!.end();
      await new Promise((resolve) => child.once("close", resolve));
    }
  });

  test("a descriptor that is no socket is a CannotListenError", async () => {
    const { openSync } = await import("node:fs");
    const fd = openSync(join(folder, "file"), "w");
    await expect(
      Promise.resolve(serverFromString(reactor, `fd:${fd}`).listen(factoryFor(() => null))),
    ).rejects.toBeInstanceOf(CannotListenError);
  });

  test("stdio: a filter between two pipes", () => {
    const program = `
      import { reactor, Factory, Protocol } from "@strombus/reactor";
      import { serverFromString } from "@strombus/reactor/endpoints";
      class Upper extends Protocol {
        dataReceived(data) { this.transport.write(data.toString().toUpperCase()); }
        connectionLost(reason) { console.error(reason.value.name, String(this.transport.getPeer())); }
      }
      const factory = Factory.forProtocol(Upper);
      await serverFromString(reactor, "stdio:").listen(factory);`;
    const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      input: "x".repeat(200_000),
      maxBuffer: 1 << 20,
    });
    expect(stderr.toString()).toBe("ConnectionDone PipeAddress()\n");
    expect(stdout.toString()).toBe("X".repeat(200_000));
    expect(status).toBe(0);
  });
});

/** A server that asks for a client's certificate, and takes any. */
function asking(contextFactory: ITLSContextFactory): ITLSContextFactory {
  return {
    settingsForTLS: (isClient) => ({
      ...contextFactory.settingsForTLS(isClient),
      requestCert: true,
      rejectUnauthorized: false,
    }),
  };
}

/** Group 14 of RFC 3526 as a file of OpenSSL's. */
function dhParameters(): string {
  const integer = (bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from([2, 0x82, (bytes.length + 1) >> 8, (bytes.length + 1) & 255, 0]), bytes]);
  const group = getDiffieHellman("modp14");
  const body = Buffer.concat([integer(group.getPrime()), Buffer.from([2, 1, 2])]);
  const der = Buffer.concat([Buffer.from([0x30, 0x82, body.length >> 8, body.length & 255]), body]);
  return `-----BEGIN DH PARAMETERS-----\n${der.toString("base64")}\n-----END DH PARAMETERS-----\n`;
}
