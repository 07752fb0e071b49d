/** TLS, on sockets and in memory: from the start and in mid-connection, whom each side trusts, and how it ends. */
import { once } from "node:events";
import * as net from "node:net";
import * as tls from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { directlyProvides } from "../components.js";
import { ConnectionAborted, ConnectionDone, ConnectionLost, SSLError, VerificationError } from "../error.js";
import { RuntimeError } from "../exceptions.js";
import {
  IHandshakeListener,
  INegotiated,
  IProtocolNegotiationFactory,
  ISSLTransport,
  type ITLSContextFactory,
} from "../interfaces.js";
import { NodeReactor } from "../reactor.js";
import { type AnyReactor, reactors } from "../reactors.test.helper.js";
import {
  Certificate,
  CertificateOptions,
  ContextByName,
  optionsForClientTLS,
  TLSVersion,
  trustRootFromCertificates,
} from "../ssl.js";
import { TestAuthority } from "../testing/certificates.js";
import type { StreamConnection } from "./connection.js";
import { logged, Recorder, RecordingFactory, serving, until } from "./recording.test.helper.js";

const authority = new TestAuthority();
const trustRoot = trustRootFromCertificates([authority.certificate]);
const localhost = authority.issue(["localhost", "127.0.0.1"]);

let reactor: AnyReactor = new NodeReactor();
beforeEach(() => {
  reactor = new NodeReactor();
  logged.begin();
});
afterEach(async () => {
  logged.end();
  for (const transport of reactor.openTransports) {
    (transport as Partial<StreamConnection>).abortConnection?.();
    await (transport as { stopListening?: () => PromiseLike<void> }).stopListening?.();
  }
  expect(reactor.getDelayedCalls()).toEqual([]);
});

class Talker extends Recorder {
  received = "";
  greeting = "";
  override connectionMade(): void {
    if (this.greeting !== "") this.transport.write(this.greeting);
  }
  override dataReceived(data: Buffer): void {
    super.dataReceived(data);
    this.received += data.toString("latin1");
  }
}

class Listening extends Talker implements IHandshakeListener {
  completed = 0;
  constructor() {
    super();
    directlyProvides(this, IHandshakeListener);
  }
  handshakeCompleted(): void {
    this.completed += 1;
  }
}

interface Ends<S, C> {
  server?: S;
  client?: C;
  serverOptions?: ITLSContextFactory;
  clientOptions?: ITLSContextFactory;
}

/** Connects two protocols by TLS, as far as it goes. */
function join<S extends Recorder = Talker, C extends Recorder = Talker>({
  server = new Talker() as Recorder as S,
  client = new Talker() as Recorder as C,
  serverOptions = localhost.options(),
  clientOptions = optionsForClientTLS("localhost", { trustRoot }),
}: Ends<S, C> = {}): [server: S, client: C] {
  const factory = serving(() => server);
  const port = reactor.listenSSL(0, factory, serverOptions, { interface: "127.0.0.1" });
  reactor.connectSSL("127.0.0.1", port.getHost().port, new RecordingFactory(() => client), clientOptions);
  return [server, client];
}

describe.each(reactors)("%s", (_, make) => {
  beforeEach(() => {
    reactor = make();
  });

  test("data both ways, written before the handshake is over; then a clean end on both sides", async () => {
    const [server, client] = join({ server: new Listening(), client: new Listening() });
    client.greeting = "hello";
    server.greeting = "welcome";
    await until(() => server.received === "hello" && client.received === "welcome");
    for (const { transport } of [server, client]) {
      expect(ISSLTransport.providedBy(transport)).toBe(true);
      expect(INegotiated.providedBy(transport)).toBe(true);
    }
    expect([server.completed, client.completed]).toEqual([1, 1]);
    expect(Certificate.peerFromTransport(client.transport).equals(localhost)).toBe(true);
    expect(Certificate.hostFromTransport(server.transport).equals(localhost)).toBe(true);
    expect(() => Certificate.peerFromTransport(server.transport)).toThrow("no certificate");
    client.transport.write("bye");
    client.transport.loseConnection();
    client.transport.write("dropped: the end has begun");
    await until(() => server.isLost && client.isLost);
    expect(server.received).toBe("hellobye");
    for (const end of [server, client]) expect(end.error).toBeInstanceOf(ConnectionDone);
  });

  test("a plain connection provides neither ISSLTransport nor a certificate", async () => {
    const server = new Talker();
    const port = reactor.listenTCP(
      0,
      serving(() => server),
      { interface: "127.0.0.1" },
    );
    const client = new Talker();
    reactor.connectTCP("127.0.0.1", port.getHost().port, new RecordingFactory(() => client));
    await until(() => server.connected && client.connected);
    expect(ISSLTransport.providedBy(client.transport)).toBe(false);
    expect(client.transport.negotiatedProtocol).toBe(null);
    expect(() => Certificate.peerFromTransport(client.transport)).toThrow("no certificate");
  });

  test("a megabyte each way, and a producer that waits", async () => {
    const [server, client] = join();
    const size = 1 << 20;
    let left = 32;
    client.connectionMade = () => {
      client.transport.registerProducer(
        {
          resumeProducing() {
            client.transport.write(Buffer.alloc(size / 32, "c"));
            left -= 1;
            if (left > 0) return;
            client.transport.unregisterProducer();
            client.transport.loseConnection();
          },
          stopProducing() {},
        },
        false,
      );
    };
    server.connectionMade = () => server.transport.write(Buffer.alloc(size, "s"));
    await until(() => server.isLost && client.isLost);
    expect(server.bytes).toBe(size);
    expect(server.error).toBeInstanceOf(ConnectionDone);
  });

  test("a slow reader bounds what the writer's side holds", async () => {
    const [server, client] = join();
    client.connectionMade = () => client.transport.pauseProducing();
    let paused = false;
    let written = 0;
    const isPaused = (): boolean => paused; // a write may have paused it
    const producer = {
      pauseProducing: () => void (paused = true),
      resumeProducing: () => {
        paused = false;
        for (; !isPaused() && written < 64; written++) server.transport.write(Buffer.alloc(1 << 20));
      },
      stopProducing() {},
    };
    server.connectionMade = () => {
      server.transport.registerProducer(producer, true);
      producer.resumeProducing();
    };
    await until(() => client.connected && paused);
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBeLessThan(16); // the system's buffers and ours, of 64 MB
    client.transport.resumeProducing();
    await until(() => client.bytes === 64 << 20);
    server.transport.unregisterProducer();
    server.transport.loseConnection();
    await until(() => client.isLost);
  });

  describe("whom the client trusts", () => {
    const other = new TestAuthority("Somebody else");
    test.each([
      [
        "an authority it does not know",
        authority.issue("localhost"),
        "localhost",
        trustRootFromCertificates([other.certificate]),
        SSLError,
      ],
      ["the platform's authorities alone", authority.issue("localhost"), "localhost", undefined, SSLError],
      ["a certificate for another name", authority.issue("elsewhere.test"), "localhost", trustRoot, VerificationError],
      [
        "a certificate for another address",
        authority.issue(["localhost", "127.0.0.2"]),
        "127.0.0.1",
        trustRoot,
        VerificationError,
      ],
      ["a certificate that has expired", authority.issue("localhost", { days: -1 }), "localhost", trustRoot, SSLError],
    ])(
      "%s: both ends are lost, the client's with the reason, and no data arrives",
      async (_, certificate, name, root, reason) => {
        const [server, client] = join({
          serverOptions: certificate.options(),
          clientOptions: optionsForClientTLS(name, { trustRoot: root }),
        });
        server.greeting = "secret";
        client.greeting = "secret";
        await until(() => server.isLost && client.isLost);
        expect(client.error).toBeInstanceOf(reason);
        expect(server.error).toBeInstanceOf(Error);
        expect([server.received, client.received]).toEqual(["", ""]);
      },
    );

    test.each([
      ["127.0.0.1", "an address in the certificate"],
      ["LOCALHOST.", "a name in other letters and with a final dot"],
    ])("%s is %s", async (name) => {
      const [, client] = join({ clientOptions: optionsForClientTLS(name, { trustRoot }) });
      await until(() => client.connected && client.transport.getPeerCertificate() !== null);
      client.transport.loseConnection();
      await until(() => client.isLost);
      expect(client.error).toBeInstanceOf(ConnectionDone);
    });

    test("the authority itself as the trust root, and a client that verifies nothing", async () => {
      for (const clientOptions of [
        optionsForClientTLS("localhost", { trustRoot: authority.certificate }),
        new CertificateOptions(),
      ]) {
        const [server, client] = join({ clientOptions });
        client.greeting = "in";
        await until(() => server.received === "in");
        client.transport.loseConnection();
        await until(() => client.isLost);
      }
    });
  });

  describe("whom the server trusts", () => {
    const clientCertificate = authority.issue("alice");
    const stranger = new TestAuthority("Stranger").issue("alice");
    const serverOptions = localhost.options(authority.certificate);

    test("a client's certificate of its authority, which it can look at", async () => {
      const [server, client] = join({
        serverOptions,
        clientOptions: optionsForClientTLS("localhost", { trustRoot, clientCertificate }),
      });
      client.greeting = "hello";
      await until(() => server.received === "hello");
      const shown = Certificate.peerFromTransport(server.transport);
      expect(shown.getSubject().get("CN")).toBe("alice");
      expect(shown.getIssuer().get("CN")).toBe("Test authority");
      client.transport.loseConnection();
      await until(() => server.isLost && client.isLost);
    });

    test.each([
      ["no certificate", undefined],
      ["a stranger's certificate", stranger],
    ])("a client with %s is refused, and its data never arrives", async (_, shown) => {
      for (const maximum of [TLSVersion.TLSv1_2, TLSVersion.TLSv1_3]) {
        const [server, client] = join({
          serverOptions: new CertificateOptions({
            privateKey: localhost.privateKey,
            certificate: localhost,
            trustRoot,
            lowerMaximumSecurityTo: maximum,
          }),
          clientOptions: optionsForClientTLS("localhost", { trustRoot, clientCertificate: shown }),
        });
        client.greeting = "let me in";
        await until(() => server.isLost && client.isLost);
        expect(server.error).toBeInstanceOf(SSLError);
        expect(server.received).toBe("");
      }
    });
  });

  test("ALPN: the factory's protocols, the server's preference", async () => {
    const server = new Talker();
    const client = new Talker();
    const factory = Object.assign(
      serving(() => server),
      { acceptableProtocols: () => ["h2", "http/1.1"] },
    );
    directlyProvides(factory, IProtocolNegotiationFactory);
    const port = reactor.listenSSL(0, factory, localhost.options(), { interface: "127.0.0.1" });
    const clientOptions = optionsForClientTLS("localhost", { trustRoot, acceptableProtocols: ["http/1.1", "spdy/3"] });
    reactor.connectSSL("127.0.0.1", port.getHost().port, new RecordingFactory(() => client), clientOptions);
    client.greeting = "x";
    await until(() => server.received === "x");
    expect([server.transport.negotiatedProtocol, client.transport.negotiatedProtocol]).toEqual([
      "http/1.1",
      "http/1.1",
    ]);
  });

  test("SNI: each name has its certificate, names that nobody asked for the usual one", async () => {
    const serverOptions = new ContextByName(
      [
        ["a.example.test", authority.issue("a.example.test").options()],
        ["*.example.test", authority.issue("*.example.test").options()],
      ],
      localhost.options(),
    );
    for (const [asked, shown] of [
      ["a.example.test", "a.example.test"],
      ["B.example.test", "*.example.test"],
      ["localhost", "localhost"],
      ["constructor", null],
    ] as const) {
      const [, client] = join({ serverOptions, clientOptions: optionsForClientTLS(asked, { trustRoot }) });
      await until(() => client.isLost || (client.connected && client.transport.getPeerCertificate() !== null));
      if (shown === null) {
        expect(client.error).toBeInstanceOf(VerificationError);
        continue;
      }
      expect(client.error).toBe(undefined);
      expect(Certificate.peerFromTransport(client.transport).getSubject().get("CN")).toBe(shown);
      client.transport.loseConnection();
      await until(() => client.isLost);
    }
  });

  describe("startTLS", () => {
    class StartServer extends Listening {
      override dataReceived(data: Buffer): void {
        super.dataReceived(data);
        if (!this.received.endsWith("STARTTLS\n")) return;
        this.transport.write("ready\n");
        this.transport.startTLS(localhost.options());
        this.transport.write("under TLS");
      }
    }
    class StartClient extends Listening {
      override dataReceived(data: Buffer): void {
        super.dataReceived(data);
        if (this.received === "ready\n") this.transport.startTLS(optionsForClientTLS("localhost", { trustRoot }));
      }
    }

    async function plain<S extends Recorder, C extends Recorder>(server: S, client: C): Promise<void> {
      const port = reactor.listenTCP(
        0,
        serving(() => server),
        { interface: "127.0.0.1" },
      );
      reactor.connectTCP("127.0.0.1", port.getHost().port, new RecordingFactory(() => client));
      await until(() => server.connected && client.connected);
      await port.stopListening();
    }

    test("the protocol stays, what was written goes out before in the clear, and connectionMade is not repeated", async () => {
      const [server, client] = [new StartServer(), new StartClient()];
      await plain(server, client);
      client.transport.write("STARTTLS\n");
      await until(() => client.received === "ready\nunder TLS");
      client.transport.write("secret");
      await until(() => server.received === "STARTTLS\nsecret");
      expect([server.completed, client.completed]).toEqual([1, 1]);
      expect(ISSLTransport.providedBy(server.transport)).toBe(true);
      expect(() => server.transport.startTLS(localhost.options())).toThrow(RuntimeError);
      server.transport.loseConnection();
      await until(() => server.isLost && client.isLost);
      for (const end of [server, client]) expect(end.error).toBeInstanceOf(ConnectionDone);
    });

    test("a producer that was registered before goes on above TLS", async () => {
      const [server, client] = [new Talker(), new Talker()];
      await plain(server, client);
      let left = 20;
      const producer = {
        resumeProducing() {
          if (left-- > 0) client.transport.write(Buffer.alloc(10_000, "x"));
          else client.transport.unregisterProducer();
        },
        stopProducing() {},
      };
      server.transport.startTLS(localhost.options());
      client.transport.startTLS(optionsForClientTLS("localhost", { trustRoot }));
      client.transport.registerProducer(producer, false);
      await until(() => server.bytes === 200_000);
      client.transport.loseConnection();
      await until(() => server.isLost && client.isLost);
    });

    test("normal: false swaps the roles", async () => {
      const [server, client] = [new Talker(), new Talker()];
      await plain(server, client);
      server.transport.startTLS(optionsForClientTLS("localhost", { trustRoot }), { normal: false });
      client.transport.startTLS(localhost.options(), { normal: false });
      server.transport.write("from the TLS client");
      await until(() => client.received === "from the TLS client");
      client.transport.loseConnection();
      await until(() => server.isLost && client.isLost);
    });

    test("a context factory that is broken throws from startTLS, and the connection is as it was", async () => {
      const [server, client] = [new Talker(), new Talker()];
      await plain(server, client);
      const broken = new CertificateOptions({ privateKey: "no key", certificate: "no certificate" });
      expect(() => server.transport.startTLS(broken)).toThrow();
      server.transport.write("still in the clear");
      await until(() => client.received === "still in the clear");
      client.transport.loseConnection();
      await until(() => server.isLost && client.isLost);
    });

    test("a reader that was paused stays paused", async () => {
      const [server, client] = [new Talker(), new Talker()];
      await plain(server, client);
      server.transport.pauseProducing();
      server.transport.startTLS(localhost.options());
      client.transport.startTLS(optionsForClientTLS("localhost", { trustRoot }));
      client.transport.write("hello");
      await until(() => client.transport.getPeerCertificate() !== null);
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
      expect(server.received).toBe("");
      server.transport.resumeProducing();
      await until(() => server.received === "hello");
      client.transport.loseConnection();
      await until(() => server.isLost && client.isLost);
    });
  });

  describe("the end", () => {
    test("abortConnection: ConnectionAborted here, nothing more delivered, ConnectionLost there", async () => {
      const [server, client] = join();
      client.greeting = "x";
      await until(() => server.received === "x");
      client.transport.write("y");
      client.transport.write(Buffer.alloc(5_000_000));
      client.transport.abortConnection();
      expect(client.isLost).toBe(false);
      await until(() => server.isLost && client.isLost);
      expect(client.error).toBeInstanceOf(ConnectionAborted);
      expect(server.error).toBeInstanceOf(ConnectionLost);
    });

    test("loseConnection before the handshake: with nothing written it aborts, else what is written arrives first", async () => {
      const [server, client] = join();
      client.connectionMade = () => client.transport.loseConnection();
      await until(() => server.isLost && client.isLost);
      expect(client.error).toBeInstanceOf(ConnectionAborted);
      const [server2, client2] = join();
      client2.connectionMade = () => {
        client2.transport.write("quick");
        client2.transport.loseConnection();
      };
      await until(() => server2.isLost && client2.isLost);
      expect(server2.received).toBe("quick");
      for (const end of [server2, client2]) expect(end.error).toBeInstanceOf(ConnectionDone);
    });

    test("loseConnection waits for a push producer, paused or not, until that is unregistered", async () => {
      const [server, client] = join();
      client.greeting = "x";
      await until(() => server.received === "x");
      const producer = { pauseProducing() {}, resumeProducing() {}, stopProducing() {} };
      client.transport.registerProducer(producer, true);
      client.transport.loseConnection();
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
      expect([client.isLost, server.isLost]).toEqual([false, false]);
      client.transport.unregisterProducer();
      await until(() => server.isLost && client.isLost);
      for (const end of [server, client]) expect(end.error).toBeInstanceOf(ConnectionDone);
    });

    test("loseConnection waits for a pull producer, and sends what that has", async () => {
      const [server, client] = join();
      client.greeting = "x";
      await until(() => server.received === "x");
      let left = 3;
      const producer = {
        resumeProducing() {
          client.transport.write("y");
          if (--left === 0) client.transport.unregisterProducer();
        },
        stopProducing() {},
      };
      client.transport.registerProducer(producer, false);
      client.transport.loseConnection();
      await until(() => server.isLost && client.isLost);
      expect(server.received).toBe("xyyy");
      for (const end of [server, client]) expect(end.error).toBeInstanceOf(ConnectionDone);
    });

    test("R1: a handshakeCompleted that throws ends the connection with that error", async () => {
      const server = new Listening();
      const mistake = new Error("a mistake");
      server.handshakeCompleted = () => {
        throw mistake;
      };
      const [, client] = join({ server });
      await until(() => server.isLost && client.isLost);
      expect(server.error).toBe(mistake);
      expect(logged.errors).toEqual([mistake]);
    });
  });
});

describe("against a raw socket", () => {
  /** A server of ours and a raw TLS client of Node's, with the socket below it. */
  async function rawClient(): Promise<{ server: Talker; socket: net.Socket; cleartext: tls.TLSSocket }> {
    const server = new Talker();
    const port = reactor.listenSSL(
      0,
      serving(() => server),
      localhost.options(),
      { interface: "127.0.0.1" },
    );
    const socket = net.connect(port.getHost().port, "127.0.0.1");
    const cleartext = tls.connect({ socket, rejectUnauthorized: false });
    cleartext.on("error", () => {});
    await once(cleartext, "secureConnect");
    cleartext.write("hello");
    await until(() => server.received === "hello");
    return { server, socket, cleartext };
  }

  test("a connection that is cut without a close alert is ConnectionLost", async () => {
    const { server, socket } = await rawClient();
    (socket as net.Socket & { _handle: { shutdown?: unknown } }).destroySoon();
    await until(() => server.isLost);
    expect(server.error).toBeInstanceOf(ConnectionLost);
  });

  test("a close alert is ConnectionDone, after all data, also for a reader that is slow", async () => {
    const { server, cleartext } = await rawClient();
    server.transport.pauseProducing();
    cleartext.end(Buffer.alloc(300_000, "x"));
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(server.isLost).toBe(false);
    server.transport.resumeProducing();
    await until(() => server.isLost);
    expect(server.bytes).toBe(300_005);
    expect(server.error).toBeInstanceOf(ConnectionDone);
  });

  test("what is no TLS at all ends the connection with SSLError, and the port goes on", async () => {
    const protocols: Talker[] = [];
    const factory = serving(() => {
      protocols.push(new Talker());
      return protocols.at(-1)!;
    });
    const port = reactor.listenSSL(0, factory, localhost.options(), { interface: "127.0.0.1" });
    const socket = net.connect(port.getHost().port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.0\r\n\r\n");
    await until(() => protocols[0]?.isLost === true);
    expect(protocols[0]!.error).toBeInstanceOf(SSLError);
    socket.destroy();
    const client = new Talker();
    client.greeting = "better";
    const options = optionsForClientTLS("localhost", { trustRoot });
    reactor.connectSSL("127.0.0.1", port.getHost().port, new RecordingFactory(() => client), options);
    await until(() => protocols[1]?.received === "better");
  });

  test("R3: a handshake that does not come to its end in time is the end of the connection", async () => {
    const server = new Talker();
    server.connectionMade = () => {};
    const factory = serving(() => server);
    const port = reactor.listenSSL(0, factory, localhost.options(), { interface: "127.0.0.1" });
    const socket = net.connect(port.getHost().port, "127.0.0.1");
    socket.on("error", () => {});
    await until(() => server.connected);
    const [deadline] = reactor.getDelayedCalls();
    expect(deadline!.getTime() - reactor.seconds()).toBeGreaterThan(50);
    deadline!.reset(0);
    await until(() => server.isLost);
    expect(server.error).toBeInstanceOf(SSLError);
    socket.destroy();
  });
});
