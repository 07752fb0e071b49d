/**
 * R1: whatever of the application's code throws, or rejects, costs that connection alone. It is logged, others go on, and
 * nothing reaches `uncaughtException` or `unhandledRejection`.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { directlyProvides } from "./components.js";
import {
  IHalfCloseableProtocol,
  IHandshakeListener,
  type ITLSContextFactory,
  type ITCPTransport,
  type IUDPTransport,
} from "./interfaces.js";
import { globalLogPublisher } from "./logger.js";
import { ClientFactory, DatagramProtocol, Factory, Protocol } from "./protocol.js";
import { NodeReactor } from "./reactor.js";
import { type AnyReactor, pass, reactors } from "./reactors.test.helper.js";
import { optionsForClientTLS, trustRootFromCertificates } from "./ssl.js";
import { logged, turn } from "./stream/recording.test.helper.js";
import { TestAuthority } from "./testing/certificates.js";

const mistake = new Error("a mistake of the application");
const fail = (): never => {
  throw mistake;
};
const reject = (): Promise<never> => Promise.reject(mistake);

const authority = new TestAuthority();
const serverTLS = authority.issue("localhost").options();
const clientTLS = optionsForClientTLS("localhost", { trustRoot: trustRootFromCertificates([authority.certificate]) });

const PATIENCE = 15_000; // milliseconds

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`it never came true: ${String(condition)}`);
    await turn();
  }
}

let escaped: unknown[] = [];
const escape = (error: unknown): void => void escaped.push(error);
let reactor: AnyReactor = new NodeReactor();

beforeEach(() => {
  escaped = [];
  process.on("uncaughtException", escape);
  process.on("unhandledRejection", escape);
  logged.begin();
});

afterEach(async () => {
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
  process.off("uncaughtException", escape);
  process.off("unhandledRejection", escape);
  logged.end();
  expect(escaped).toEqual([]);
});

/** Echoes, and knows when it is over. */
class End extends Protocol {
  declare transport: ITCPTransport;
  received = "";
  lost = false;
  override dataReceived(data: Buffer): void | Promise<void> {
    this.received += data.toString();
  }
  override connectionLost(): void | Promise<void> {
    this.lost = true;
  }
}

class HalfCloseable extends End {
  constructor() {
    super();
    directlyProvides(this, IHalfCloseableProtocol, IHandshakeListener);
  }
  readConnectionLost(): void | Promise<void> {
    this.transport.loseConnection();
  }
  writeConnectionLost(): void | Promise<void> {}
  handshakeCompleted(): void | Promise<void> {}
}

function quiet<F extends Factory>(factory: F): F {
  factory.noisy = false;
  return factory;
}

interface Pair {
  readonly server: HalfCloseable;
  readonly client: HalfCloseable;
}

/** Two connections of one port: one to be harmed, and one that must not notice. */
async function connections(
  harm: (pair: Pair) => void,
  tls: { server: ITLSContextFactory; client: ITLSContextFactory } | null = null,
): Promise<{ harmed: Pair; other: Pair; close: () => Promise<void> }> {
  const pairs = [0, 1].map(() => ({ server: new HalfCloseable(), client: new HalfCloseable() }));
  const [harmed, other] = pairs as [Pair, Pair];
  harm(harmed);
  const servers = pairs.map(({ server }) => server);
  const factory = quiet(Factory.forProtocol(() => servers.shift()!));
  const where = { interface: "127.0.0.1" };
  const port = tls ? reactor.listenSSL(0, factory, tls.server, where) : reactor.listenTCP(0, factory, where);
  for (const { client, server } of pairs) {
    const clientFactory = quiet(ClientFactory.forProtocol(() => client));
    const number = port.getHost().port;
    if (tls) reactor.connectSSL("127.0.0.1", number, clientFactory, tls.client);
    else reactor.connectTCP("127.0.0.1", number, clientFactory);
    await until(() => client.connected && server.connected);
  }
  const close = async (): Promise<void> => {
    other.client.transport.write("still here");
    await until(() => other.server.received === "still here");
    other.client.transport.loseConnection();
    await until(() => other.server.lost && other.client.lost);
    await port.stopListening();
    expect(logged.errors).toEqual([mistake]);
    expect(reactor.openTransports.size).toBe(0);
  };
  return { harmed, other, close };
}

const producer = { pauseProducing() {}, resumeProducing() {}, stopProducing() {} };

describe.each(reactors)("%s", (_, make) => {
  beforeEach(() => {
    reactor = make();
  });

  const methods: [name: keyof HalfCloseable, then: (pair: Pair) => void][] = [
    ["makeConnection", () => {}],
    ["connectionMade", () => {}],
    ["dataReceived", ({ client }) => client.transport.write("x")],
    ["readConnectionLost", ({ client }) => client.transport.loseWriteConnection()],
    ["writeConnectionLost", ({ server }) => server.transport.loseWriteConnection()],
    ["connectionLost", ({ client }) => client.transport.abortConnection()],
  ];
  for (const [how, mistaken] of [
    ["throws", fail],
    ["rejects", reject],
  ] as const) {
    test.each(methods)(`a protocol whose %s ${how}`, async (name, then) => {
      const { harmed, close } = await connections(({ server }) => {
        const usual = server.makeConnection.bind(server);
        Object.assign(server, {
          [name]: (transport: ITCPTransport) => {
            if (name === "makeConnection") void usual(transport);
            if (name === "connectionLost") server.lost = true;
            return mistaken();
          },
        });
      });
      then(harmed);
      await until(() => logged.errors.length > 0 && harmed.server.lost);
      if (!harmed.client.lost) harmed.client.transport.loseConnection();
      await until(() => harmed.client.lost);
      await close();
    });

    test(`a protocol whose handshakeCompleted ${how}`, async () => {
      const tls = { server: serverTLS, client: clientTLS };
      const { harmed, close } = await connections(({ server }) => void (server.handshakeCompleted = mistaken), tls);
      await until(() => harmed.server.lost && harmed.client.lost);
      await close();
    });
  }

  const producers: [name: keyof typeof producer, streaming: boolean][] = [
    ["pauseProducing", true],
    ["resumeProducing", true],
    ["resumeProducing", false],
    ["stopProducing", true],
  ];
  test.each(producers)("a producer whose %s throws (streaming: %s)", async (name, streaming) => {
    const { harmed, close } = await connections(() => {});
    const { server, client } = harmed;
    server.transport.registerProducer({ ...producer, [name]: fail }, streaming);
    server.transport.write(Buffer.alloc(100_000));
    if (name === "stopProducing") client.transport.abortConnection();
    await until(() => server.lost && client.lost);
    await close();
  });

  test("what TLS asks of the application: for a name's certificate, and for an opinion of the server's", async () => {
    const mistakes = [fail, reject as () => never].flatMap(
      (mistaken): { server: ITLSContextFactory; client: ITLSContextFactory }[] => [
        {
          server: { settingsForTLS: () => ({ ...serverTLS.settingsForTLS(false), SNICallback: mistaken }) },
          client: clientTLS,
        },
        {
          server: serverTLS,
          client: { settingsForTLS: () => ({ ...clientTLS.settingsForTLS(true), checkServerIdentity: mistaken }) },
        },
      ],
    );
    for (const { server: serverOptions, client: clientOptions } of mistakes) {
      const [server, client] = [new HalfCloseable(), new HalfCloseable()];
      const factory = quiet(Factory.forProtocol(() => server));
      const port = reactor.listenSSL(0, factory, serverOptions, { interface: "127.0.0.1" });
      const clients = quiet(ClientFactory.forProtocol(() => client));
      reactor.connectSSL("127.0.0.1", port.getHost().port, clients, clientOptions);
      await until(() => server.lost && client.lost);
      await port.stopListening();
    }
    expect(reactor.openTransports.size).toBe(0);
  });

  test("a factory that throws in buildProtocol, clientConnectionFailed, clientConnectionLost and stopFactory", async () => {
    const port = reactor.listenTCP(0, quiet(Factory.forProtocol(() => new End())), { interface: "127.0.0.1" });
    const number = port.getHost().port;
    const factories = (["buildProtocol", "clientConnectionLost", "stopFactory"] as const).map((name) => {
      const client = new End();
      const factory = quiet(ClientFactory.forProtocol(() => client));
      Object.assign(factory, { [name]: fail });
      reactor.connectTCP("127.0.0.1", number, factory);
      return { client, factory };
    });
    await until(() => factories.slice(1).every(({ client }) => client.connected));
    for (const { client } of factories.slice(1)) client.transport.loseConnection();
    await until(() => logged.errors.length === 3);
    await port.stopListening();
    const unlucky = quiet(ClientFactory.forProtocol(() => new End()));
    unlucky.clientConnectionFailed = fail;
    reactor.connectTCP("127.0.0.1", number, unlucky);
    await until(() => logged.errors.length === 4);
    expect(new Set(logged.errors)).toEqual(new Set([mistake]));
    await until(() => reactor.openTransports.size === 0);
  });

  test("a client factory, or a protocol of datagrams, that cannot start leaves nothing open", () => {
    const clients = quiet(ClientFactory.forProtocol(() => new End()));
    clients.startFactory = fail;
    expect(() => reactor.connectTCP("127.0.0.1", 1, clients)).toThrow(mistake);
    const datagrams = Object.assign(new DatagramProtocol(), { noisy: false, startProtocol: fail });
    expect(() => reactor.listenUDP(0, datagrams, { interface: "127.0.0.1" })).toThrow(mistake);
    expect(reactor.openTransports.size).toBe(0);
  });

  test("a port's factory that throws in buildProtocol, and in stopFactory when the reactor stops", async () => {
    const factory = quiet(Factory.forProtocol(fail));
    factory.stopFactory = fail;
    const port = reactor.listenTCP(0, factory, { interface: "127.0.0.1" });
    const client = new End();
    reactor.connectTCP("127.0.0.1", port.getHost().port, quiet(ClientFactory.forProtocol(() => client)));
    await until(() => client.lost);
    const finished = reactor.run({ installSignalHandlers: false });
    reactor.stop();
    await finished;
    expect(logged.errors.filter((each) => each === mistake)).toHaveLength(2);
  });

  test("a protocol of datagrams", async () => {
    class Datagrams extends DatagramProtocol {
      declare transport: IUDPTransport & { getHost(): { port: number } };
      override noisy = false;
    }
    const [broken, whole] = [new Datagrams(), new Datagrams()];
    Object.assign(broken, { datagramReceived: fail, connectionRefused: fail });
    const here = { interface: "127.0.0.1" };
    const [port, other] = [reactor.listenUDP(0, broken, here), reactor.listenUDP(0, whole, here)];
    other.write("x", ["127.0.0.1", port.getHost().port]);
    await until(() => logged.errors.length === 1);
    const gone = reactor.listenUDP(0, new Datagrams(), here);
    const number = gone.getHost().port;
    await gone.stopListening();
    port.connect("127.0.0.1", number);
    await until(() => {
      port.write("x");
      return logged.errors.length > 1;
    });
    broken.stopProtocol = fail;
    await expect(Promise.resolve(port.stopListening())).rejects.toBe(mistake);
    await other.stopListening();
    expect(new Set(logged.errors)).toEqual(new Set([mistake]));
  });

  test("a protocol of datagrams whose methods reject", async () => {
    class Datagrams extends DatagramProtocol {
      declare transport: IUDPTransport;
      override noisy = false;
    }
    const broken = new Datagrams();
    Object.assign(broken, { startProtocol: reject, datagramReceived: reject, stopProtocol: reject });
    const here = { interface: "127.0.0.1" };
    const [port, other] = [reactor.listenUDP(0, broken, here), reactor.listenUDP(0, new Datagrams(), here)];
    await until(() => logged.errors.length === 1);
    other.write("x", ["127.0.0.1", port.getHost().port]);
    await until(() => logged.errors.length === 2);
    await port.stopListening();
    await until(() => logged.errors.length === 3);
    await other.stopListening();
    expect(new Set(logged.errors)).toEqual(new Set([mistake]));
  });

  test("calls, triggers and observers of the log", async () => {
    const ran: string[] = [];
    const observer = fail;
    globalLogPublisher.addObserver(observer);
    for (const mistaken of [fail, reject]) {
      reactor.callLater(0, mistaken);
      reactor.callFromThread(mistaken);
      reactor.callInThread(mistaken);
      for (const phase of ["before", "during", "after"] as const) reactor.addSystemEventTrigger(phase, "tea", mistaken);
    }
    reactor.callLater(0, () => ran.push("a call"));
    reactor.addSystemEventTrigger("after", "tea", () => ran.push("a trigger"));
    reactor.fireSystemEvent("tea");
    await pass(reactor, 0);
    await until(() => ran.length === 2 && logged.errors.filter((error) => error === mistake).length >= 12);
    globalLogPublisher.removeObserver(observer);
  });
});
