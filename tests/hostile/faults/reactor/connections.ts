/** The callbacks of connections, datagrams and processes, and what makes them happen. */
import { PassThrough } from "node:stream";
import { classImplements, directlyProvides } from "@strombus/reactor/components";
import { Deferred } from "@strombus/reactor/defer";
import {
  HostnameEndpoint,
  StandardIOEndpoint,
  TCP4ClientEndpoint,
  TCP4ServerEndpoint,
  wrapClientTLS,
} from "@strombus/reactor/endpoints";
import type { Failure } from "@strombus/reactor/failure";
import {
  type IClientFactory,
  IConsumer,
  IHalfCloseableProtocol,
  IHandshakeListener,
  type IListeningPort,
  IProtocol,
  type IProtocolFactory,
  IProtocolNegotiationFactory,
  type IPullProducer,
  type IPushProducer,
  type IResolutionReceiver,
  type ITCPTransport,
  type ITLSContextFactory,
  type TLSSettings,
} from "@strombus/reactor/interfaces";
import { adapt } from "@strombus/reactor/components";
import type { Protocol } from "@strombus/reactor/protocol";
import {
  ClientFactory,
  DatagramProtocol,
  Factory,
  FileWrapper,
  ProcessProtocol,
  ReconnectingClientFactory,
} from "@strombus/reactor/protocol";
import {
  FileSender,
  Int32StringReceiver,
  LineOnlyReceiver,
  LineReceiver,
  NetstringReceiver,
  StatefulStringProtocol,
} from "@strombus/reactor/protocols/basic";
import { HAProxyWrappingFactory } from "@strombus/reactor/protocols/haproxy";
import {
  ProtocolWrapper,
  ThrottlingFactory,
  TimeoutFactory,
  TimeoutMixin,
  TimeoutProtocol,
  WrappingFactory,
} from "@strombus/reactor/protocols/policies";
import { reactor as theReactor } from "@strombus/reactor";
import { optionsForClientTLS, trustRootFromCertificates } from "@strombus/reactor/ssl";
import { StandardIO } from "@strombus/reactor/stdio";
import { FakeTransport, StringTransport, TestAuthority } from "@strombus/reactor/testing";
import { connect } from "@strombus/reactor/testing/iosim";
import { type Cases, End, HERE, quiet, type Trial } from "./trial.js";

const PEER = "127.0.0.1";
const authority = new TestAuthority();
const serverTLS = authority.issue("localhost").options();
const clientTLS = optionsForClientTLS("localhost", { trustRoot: trustRootFromCertificates([authority.certificate]) });

class Half extends End {
  constructor() {
    super();
    directlyProvides(this, IHalfCloseableProtocol, IHandshakeListener);
  }
  readConnectionLost(): void {
    this.transport.loseConnection();
  }
  writeConnectionLost(): void {}
  handshakeCompleted(): void {}
}

const makeProducer = (): IPushProducer & IPullProducer => ({
  pauseProducing() {},
  resumeProducing() {},
  stopProducing() {},
});

interface Conversation {
  protocol?: Protocol;
  factory?: IProtocolFactory;
  clients?: IClientFactory;
  /** Something that stands around the factory of that protocol. */
  around?: (factory: Factory) => IProtocolFactory;
  producer?: IPushProducer | IPullProducer;
  streaming?: boolean;
  /** What the client says. */
  say?: string | Buffer;
  listen?: (factory: IProtocolFactory) => IListeningPort | Deferred<IListeningPort>;
  connect?: (port: number, factory: IClientFactory) => unknown;
}

/** All that happens on a connection: data, a producer that is paused, halves that close, an abort, an attempt that fails. */
async function converse(trial: Trial, given: Conversation = {}): Promise<void> {
  const { reactor } = trial;
  const ends: End[] = [];
  const makeEnd = (): End => {
    ends.push(new Half());
    return ends.at(-1)!;
  };
  const {
    protocol = new Half(),
    clients = quiet(ClientFactory.forProtocol(makeEnd)),
    producer = makeProducer(),
    streaming = true,
    say = "x",
    listen = (each: IProtocolFactory) => reactor.listenTCP(0, each, HERE),
    connect = (number: number, each: IClientFactory) => reactor.connectTCP(PEER, number, each),
  } = given;
  const own = quiet(Factory.forProtocol(() => protocol));
  const factory = given.factory ?? given.around?.(own) ?? own;
  let port: IListeningPort | null = null;
  const listening = trial.hear(() => listen(factory));
  if (listening instanceof Deferred) listening.addCallback((each) => void (port = each));
  else port = listening;
  const number = () => ((port?.getHost() ?? { port: 1 }) as { port: number }).port;
  trial.hear(() => connect(number(), clients));
  await trial.settle();
  const transport = protocol.transport as ITCPTransport | null;
  if (transport !== null) {
    for (const end of ends) if (end.connected) trial.hear(() => end.transport.write(say));
    await trial.settle();
    trial.hear(() => transport.registerProducer(producer, streaming));
    trial.hear(() => transport.write(Buffer.alloc(1_000_000)));
    await trial.settle();
    if (given.producer === undefined) trial.hear(() => transport.unregisterProducer());
    trial.hear(() => transport.loseWriteConnection());
    await trial.settle();
    for (const end of ends) if (end.connected) trial.hear(() => end.transport.loseWriteConnection());
    await trial.settle();
  }
  for (const end of ends) if (end.connected) trial.hear(() => end.transport.abortConnection());
  await trial.settle();
  trial.hear(() => transport?.abortConnection());
  await trial.settle();
  const gone = number();
  trial.hear(() => port?.stopListening());
  await trial.settle();
  trial.hear(() => connect(gone, clients)); // which fails
  await trial.settle();
}

/** The same through endpoints. */
const byEndpoints = ({ reactor }: Trial): Conversation => ({
  listen: (factory) => new TCP4ServerEndpoint(reactor, 0, HERE).listen(factory),
  connect: (port, factory) => new TCP4ClientEndpoint(reactor, PEER, port).connect(factory),
});

/** The same behind wrappers. */
const wrapped = ({ reactor }: Trial): Conversation => ({
  listen: (factory) => reactor.listenTCP(0, new WrappingFactory(factory), HERE),
  connect: (port, factory) => reactor.connectTCP(PEER, port, new WrappingFactory(factory)),
});

const overTLS = (
  { reactor }: Trial,
  { server = serverTLS, client = clientTLS }: { server?: ITLSContextFactory; client?: ITLSContextFactory } = {},
): Conversation => ({
  listen: (factory) => reactor.listenSSL(0, factory, server, HERE),
  connect: (port, factory) => reactor.connectSSL(PEER, port, factory, client),
});

const tlsByEndpoints = ({ reactor }: Trial): Conversation => ({
  listen: (factory) => reactor.listenSSL(0, factory, serverTLS, HERE),
  connect: (port, factory) => {
    const endpoint = new TCP4ClientEndpoint(reactor, PEER, port);
    return wrapClientTLS(clientTLS, endpoint, { clock: reactor }).connect(factory);
  },
});

/** A protocol on this process's own input and output. */
async function onStandardIO(trial: Trial, given: Pick<Conversation, "protocol" | "producer" | "streaming"> = {}) {
  const { protocol = new Half(), producer = makeProducer(), streaming = true } = given;
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const io = new StandardIO(protocol, { stdin, stdout, reactor: trial.reactor });
  trial.hear(() => stdin.write("x"));
  await trial.settle();
  trial.hear(() => io.registerProducer(producer, streaming));
  trial.hear(() => io.write(Buffer.alloc(1_000_000)));
  stdout.resume();
  await trial.settle();
  if (given.producer === undefined) trial.hear(() => io.unregisterProducer());
  trial.hear(() => io.loseWriteConnection());
  await trial.settle();
  stdin.end();
  await trial.settle();
  trial.hear(() => io.abortConnection());
  await trial.settle();
  trial.hear(() => io.registerProducer(producer, streaming));
}

/** A server's certificate for each name: what node:tls asks of applications in the handshake. */
async function handshake(trial: Trial, SNICallback: NonNullable<TLSSettings["SNICallback"]>): Promise<void> {
  const told = (reason: Failure): void => void trial.told.push(reason.value);
  const protocol = Object.assign(new Half(), { connectionLost: told });
  const mine = trial.spoil({ SNICallback, checkServerIdentity: () => undefined });
  const server = { settingsForTLS: () => ({ ...serverTLS.settingsForTLS(false), SNICallback: mine.SNICallback }) };
  const client = {
    settingsForTLS: () => ({ ...clientTLS.settingsForTLS(true), checkServerIdentity: mine.checkServerIdentity }),
  };
  const clients = quiet(ClientFactory.forProtocol(() => Object.assign(new Half(), { connectionLost: told })));
  await converse(trial, { protocol, clients, ...overTLS(trial, { server, client }) });
}

/** Lines, strings: what a receiver makes of bytes. */
const receiving = (say: string | Buffer, make: () => object) => async (trial: Trial) =>
  converse(trial, { protocol: trial.spoil(make()) as Protocol, say });

class Rawness extends LineReceiver {
  override lineReceived(): void {
    this.setRawMode();
  }
  override rawDataReceived(): void {}
}

class Lines extends LineOnlyReceiver {
  override lineReceived(): void {}
}

class Strings extends Int32StringReceiver {
  override stringReceived(): void {}
}

class Netstrings extends NetstringReceiver {
  override stringReceived(): void {}
}

class Greeting extends StatefulStringProtocol(Int32StringReceiver) {
  proto_init(): string {
    return "init";
  }
}

const int32 = (length: number, text = ""): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length);
  return Buffer.concat([head, Buffer.from(text)]);
};

async function datagrams(trial: Trial): Promise<void> {
  const { reactor } = trial;
  const protocol = trial.spoil(quiet(new DatagramProtocol()));
  const port = trial.hear(() => reactor.listenUDP(0, protocol, HERE));
  const sender = quiet(new DatagramProtocol());
  const other = reactor.listenUDP(0, sender, HERE);
  if (port !== null) trial.hear(() => other.write("x", [PEER, (port.getHost() as { port: number }).port]));
  await trial.settle();
  if (port !== null) trial.hear(() => port.connect(PEER, 9));
  if (port !== null) trial.hear(() => port.write("to nobody"));
  await trial.settle();
  trial.hear(() => port?.stopListening());
  await other.stopListening();
  await trial.settle();
}

async function child(trial: Trial): Promise<void> {
  const protocol = trial.spoil(new ProcessProtocol());
  trial.reactor.programs.set("/bin/program", (program) => {
    program.says("out");
    program.says("err", 2);
    program.exit(0);
  });
  trial.reactor.spawnProcess(protocol, "/bin/program");
  await trial.settle();
}

/** Writes to a consumer of the application's. */
async function consuming(trial: Trial): Promise<void> {
  const consumer = trial.spoil({
    producer: null as IPullProducer | IPushProducer | null,
    write() {},
    registerProducer(producer: IPullProducer | IPushProducer) {
      this.producer = producer;
    },
    unregisterProducer() {
      this.producer = null;
    },
  });
  directlyProvides(consumer, IConsumer);
  const pieces = ["a", ""];
  const sender = new FileSender();
  trial.hear(() => sender.beginFileTransfer({ read: () => pieces.shift() ?? "" }, consumer));
  for (let ask = 0; ask < 2; ask++) trial.hear(() => sender.resumeProducing());
  trial.hear(() => adapt(IProtocol, consumer).dataReceived(Buffer.from("x")));
  await trial.settle();
}

async function sendFile(trial: Trial, transform: (piece: Buffer) => Buffer): Promise<void> {
  const pieces = ["a", ""];
  const protocol = Object.assign(new Half(), {
    dataReceived(this: Half) {
      trial.hear(() =>
        new FileSender().beginFileTransfer({ read: () => pieces.shift() ?? "" }, this.transport, { transform }),
      );
    },
  });
  await converse(trial, { protocol });
}

/** A resolver of the application's, asked for an endpoint and for a connection. */
async function lookUp(trial: Trial): Promise<void> {
  const { reactor } = trial;
  trial.hear(() => reactor.resolve("localhost"));
  await converse(trial, {
    connect: (port, factory) => new HostnameEndpoint(reactor, "localhost", port).connect(factory),
  });
  reactor.advance(60);
}

/** A receiver of the application's, at each of our resolvers. */
const receivingFrom =
  (install: (trial: Trial) => (receiver: IResolutionReceiver) => unknown) => async (trial: Trial) => {
    let complete = false as boolean;
    const receiver = trial.spoil({
      resolutionBegan() {},
      addressResolved() {},
      resolutionComplete() {
        complete = true;
      },
    });
    const look = install(trial);
    const begun = trial.hear(() => look(receiver));
    for (let turn = 0; begun !== null && !complete && turn < 1000; turn++) await trial.settle();
  };

async function retrying(trial: Trial): Promise<void> {
  const clients = trial.spoil(quiet(ReconnectingClientFactory.forProtocol(() => new Half())));
  clients.clock = trial.reactor;
  clients.jitter = null; // the same in each run
  await converse(trial, { clients });
  clients.stopTrying();
}

const PROTOCOL = /^(IProtocol|BaseProtocol|Protocol|IHalfCloseableProtocol)\.(?!logPrefix)/;
const FACTORY = /^(IProtocolFactory|Factory)\.(?!logPrefix)/;

export const CONNECTIONS: Cases = [
  [PROTOCOL, (trial) => converse(trial, { protocol: trial.spoil(new Half()) })],
  [PROTOCOL, (trial) => converse(trial, { protocol: trial.spoil(new Half()), ...byEndpoints(trial) })],
  [PROTOCOL, (trial) => converse(trial, { protocol: trial.spoil(new Half()), ...wrapped(trial) })],
  [PROTOCOL, (trial) => onStandardIO(trial, { protocol: trial.spoil(new Half()) })],
  [
    /^(IProtocol|Protocol)\.dataReceived$/,
    async (trial) => {
      const protocol = trial.spoil(new Half());
      trial.hear(() => adapt(IConsumer, protocol).write("x"));
      await trial.settle();
    },
  ],
  [
    /^LentDataProtocol\.lentDataReceived$/,
    async (trial) => {
      const protocol = trial.spoil(
        Object.assign(new Half(), { takesLentData: true, lentDataReceived: () => undefined }),
      );
      const peer = new Half();
      const pump = connect(protocol, new FakeTransport(protocol, true), peer, new FakeTransport(peer, false));
      peer.transport.write("x");
      pump.flush();
      await trial.settle();
    },
  ],
  [/^IHandshakeListener\./, (trial) => converse(trial, { protocol: trial.spoil(new Half()), ...overTLS(trial) })],
  [
    /^(ILoggingContext|Protocol)\.logPrefix$/,
    (trial) =>
      converse(trial, {
        protocol: Object.assign(trial.spoil(new Half()), {
          dataReceived: () => Promise.reject(new Error("another fault")),
        }),
      }),
  ],
  [
    /^(ILoggingContext|Protocol)\.logPrefix$/,
    async (trial) => {
      const receiver = trial.spoil(
        Object.assign(new Lines(), { lineReceived: () => Promise.reject(new Error("another")) }),
      );
      void receiver.makeConnection(new StringTransport());
      receiver.pauseProducing();
      void receiver.dataReceived(Buffer.from("a line\r\n"));
      receiver.resumeProducing();
      await trial.settle();
    },
  ],
  [/^Factory\.logPrefix$/, (trial) => converse(trial, { factory: trial.spoil(Factory.forProtocol(() => new Half())) })],
  [FACTORY, (trial) => converse(trial, { factory: trial.spoil(quiet(Factory.forProtocol(() => new Half()))) })],
  [
    FACTORY,
    (trial) =>
      converse(trial, { factory: trial.spoil(quiet(Factory.forProtocol(() => new Half()))), ...byEndpoints(trial) }),
  ],
  [
    FACTORY,
    (trial) =>
      converse(trial, { factory: trial.spoil(quiet(Factory.forProtocol(() => new Half()))), ...wrapped(trial) }),
  ],
  [
    /^(IProtocolFactory|Factory)\.(?!logPrefix)/,
    (trial) =>
      converse(trial, {
        clients: trial.spoil(quiet(ClientFactory.forProtocol(() => new Half()))),
        ...tlsByEndpoints(trial),
      }),
  ],
  [
    /^(IProtocolFactory|Factory)\.buildProtocol$/,
    async (trial) => {
      const factory = trial.spoil(quiet(Factory.forProtocol(() => new Half())));
      trial.hear(() => new StandardIOEndpoint(trial.reactor, { stdin: new PassThrough() }).listen(factory));
      await trial.settle();
    },
  ],
  [/^ProtocolSource$/, (trial) => converse(trial, { factory: quiet(Factory.forProtocol(trial.function(() => null))) })],
  [
    /^(IClientFactory|ClientFactory)\./,
    (trial) => converse(trial, { clients: trial.spoil(quiet(ClientFactory.forProtocol(() => new Half()))) }),
  ],
  [
    /^(IClientFactory|ClientFactory)\./,
    (trial) =>
      converse(trial, { clients: trial.spoil(quiet(ClientFactory.forProtocol(() => new Half()))), ...wrapped(trial) }),
  ],
  [/^ReconnectingClientFactory\./, retrying],
  // Producers and consumers
  [/^(IPushProducer|IProducer)\./, (trial) => converse(trial, { producer: trial.spoil(makeProducer()) })],
  [/^(IPushProducer|IProducer)\./, (trial) => onStandardIO(trial, { producer: trial.spoil(makeProducer()) })],
  [/^IPullProducer\./, (trial) => converse(trial, { producer: trial.spoil(makeProducer()), streaming: false })],
  [/^IPullProducer\./, (trial) => onStandardIO(trial, { producer: trial.spoil(makeProducer()), streaming: false })],
  [
    /^(IPushProducer)\./,
    async (trial) => {
      const { reactor } = trial;
      const producer = trial.spoil(makeProducer());
      const protocol = new Half();
      const factory = throttled(trial, quiet(Factory.forProtocol(() => protocol)));
      const port = reactor.listenTCP(0, factory, HERE);
      reactor.connectTCP(PEER, port.getHost().port, quiet(ClientFactory.forProtocol(() => new Half())));
      await trial.settle();
      protocol.transport.registerProducer(producer, true);
      protocol.transport.write("more than ten bytes");
      await reactor.pump([1, 1, 1, 1]);
      protocol.transport.abortConnection();
      await port.stopListening();
      await trial.settle();
    },
  ],
  [
    /^(IPullProducer|IProducer|WritableFile)\./,
    async (trial) => {
      const wrapper = new FileWrapper(trial.spoil({ write: () => undefined, close: () => undefined }));
      const producer = makeProducer();
      producer.resumeProducing = () => wrapper.unregisterProducer();
      trial.hear(() => wrapper.write("x"));
      trial.hear(() => wrapper.registerProducer(trial.spoil(producer), false));
      wrapper.unregisterProducer();
      trial.hear(() => wrapper.registerProducer(producer, true));
      trial.hear(() => wrapper.loseConnection());
      await trial.settle();
    },
  ],
  [/^IConsumer\./, consuming],
  [
    /^FileTransferOptions\.transform$/,
    (trial) =>
      sendFile(
        trial,
        trial.function((piece: Buffer) => piece),
      ),
  ],
  [
    /^FileSender\.transform$/,
    async (trial) => {
      const sender = new FileSender();
      const consumer = new StringTransport();
      trial.hear(() => sender.beginFileTransfer({ read: () => "a" }, consumer));
      sender.transform = trial.function((piece: Buffer) => piece);
      trial.hear(() => sender.resumeProducing());
      await trial.settle();
    },
  ],
  // Receivers
  [/^LineReceiver\.(lineReceived|rawDataReceived)$/, receiving("a line\r\nraw", () => new Rawness())],
  [/^LineReceiver\.lineLengthExceeded$/, receiving("x".repeat(20_000), () => new Rawness())],
  [/^LineOnlyReceiver\.lineReceived$/, receiving("a line\r\n", () => new Lines())],
  [/^LineOnlyReceiver\.lineLengthExceeded$/, receiving("x".repeat(20_000), () => new Lines())],
  [/^IntNStringReceiver\.stringReceived$/, receiving(int32(1, "a"), () => new Strings())],
  [/^IntNStringReceiver\.lengthLimitExceeded$/, receiving(int32(1_000_000), () => new Strings())],
  [/^NetstringReceiver\.stringReceived$/, receiving("1:a,", () => new Netstrings())],
  [/^StatefulString\.stringReceived$/, receiving(int32(1, "a"), () => new Greeting())],
  [/^a method for a state\.proto_init$/, receiving(int32(1, "a"), () => new Greeting())],
  // Wrappers
  [/^ProtocolWrapper\.handshakeCompleted$/, (trial) => wrapping(trial, overTLS(trial))],
  [/^ProtocolWrapper\.(?!handshakeCompleted)/, (trial) => wrapping(trial)],
  [
    /^WrapperSource$/,
    (trial) => {
      const wrapper = trial.function(
        (factory: WrappingFactory, protocol: IProtocol) => new ProtocolWrapper(factory, protocol),
      );
      const around = (factory: IProtocolFactory) => Object.assign(new WrappingFactory(factory), { protocol: wrapper });
      return converse(trial, { around });
    },
  ],
  [
    /^WrappingFactory\.(?!startedConnecting|clientConnection)/,
    (trial) => converse(trial, { around: (factory) => trial.spoil(new WrappingFactory(factory)) }),
  ],
  [
    /^WrappingFactory\.(startedConnecting|clientConnection\w+)$/,
    (trial) =>
      converse(trial, {
        connect: (port, clients) => trial.reactor.connectTCP(PEER, port, trial.spoil(new WrappingFactory(clients))),
      }),
  ],
  [
    /^HAProxyWrappingFactory\.allows$/,
    (trial) =>
      converse(trial, {
        around: (factory) => trial.spoil(new HAProxyWrappingFactory(factory, { clock: trial.reactor })),
      }),
  ],
  [
    /^TimeoutProtocol\.timeoutFunc$/,
    (trial) =>
      converse(trial, {
        around: (wrappedFactory) => {
          const factory = new TimeoutFactory(wrappedFactory, { timeoutPeriod: 0.1, clock: trial.reactor });
          factory.wrap = (protocol) => trial.spoil(new TimeoutProtocol(factory, protocol, 0.1));
          return factory;
        },
      }),
  ],
  [/^WithTimeout\./, (trial) => receiving("x", () => new Timed(trial))(trial)],
  [
    /^ThrottlingFactory\.callLater$/,
    (trial) => converse(trial, { around: (factory) => trial.spoil(throttled(trial, factory)) }),
  ],
  // TLS
  [/^TLSSettings\./, (trial) => handshake(trial, (_, done) => done(null))],
  [/^TLSSettings\.SNICallback$/, (trial) => handshake(trial, () => undefined)],
  [
    /^ITLSContextFactory\.settingsForTLS$/,
    (trial) => {
      const settings = { settingsForTLS: (isClient: boolean) => serverTLS.settingsForTLS(isClient) };
      return converse(trial, overTLS(trial, { server: trial.spoil(settings) }));
    },
  ],
  [
    /^ITLSContextFactory\.settingsForTLS$/,
    (trial) => {
      // It fails when there is a connection already.
      const settings = { settingsForTLS: (isClient: boolean) => serverTLS.settingsForTLS(isClient) };
      const protocol = Object.assign(new Half(), {
        dataReceived(this: { transport: { startTLS(settings: ITLSContextFactory): void } }) {
          this.transport.startTLS(trial.spoil(settings));
        },
      });
      return converse(trial, { protocol });
    },
  ],
  [
    /^IProtocolNegotiationFactory\./,
    (trial) => converse(trial, { factory: trial.spoil(new Negotiating()), ...overTLS(trial) }),
  ],
  // Others
  [/^(IDatagramProtocol|AbstractDatagramProtocol|DatagramProtocol)\./, datagrams],
  [/^(IProcessProtocol|ProcessProtocol)\./, child],
  [
    /^IHostnameResolver\./,
    async (trial) => {
      const { nameResolver } = trial.reactor;
      trial.reactor.installNameResolver(
        trial.spoil({
          resolveHostName: (...args: Parameters<typeof nameResolver.resolveHostName>) =>
            nameResolver.resolveHostName(...args),
        }),
      );
      await lookUp(trial);
    },
  ],
  [
    /^IResolverSimple\./,
    async (trial) => {
      trial.reactor.installResolver(trial.spoil({ getHostByName: () => new Deferred<string>() }));
      await lookUp(trial);
    },
  ],
  [
    /^IResolutionReceiver\./,
    receivingFrom(() => (receiver) => theReactor.nameResolver.resolveHostName(receiver, "localhost")),
  ],
  [
    /^IResolutionReceiver\./,
    receivingFrom(({ reactor }) => {
      reactor.installResolver({
        getHostByName: () => {
          const found = new Deferred<string>();
          found.callback(PEER);
          return found;
        },
      });
      return (receiver) => reactor.nameResolver.resolveHostName(receiver, "localhost");
    }),
  ],
];

async function wrapping(trial: Trial, given: Conversation = {}): Promise<void> {
  await converse(trial, {
    ...given,
    around: (wrappedFactory) => {
      const factory = new WrappingFactory(wrappedFactory);
      factory.wrap = (protocol) => trial.spoil(new ProtocolWrapper(factory, protocol));
      return factory;
    },
  });
}

/** Takes ten bytes a second. */
function throttled({ reactor }: Trial, wrappedFactory: Factory): ThrottlingFactory {
  const factory = new ThrottlingFactory(wrappedFactory, { writeLimit: 10 });
  factory.callLater = (period, callable) => reactor.callLater(period, callable);
  return factory;
}

class Timed extends TimeoutMixin(Half) {
  constructor({ reactor }: Trial) {
    super();
    this.callLater = (period, callable) => reactor.callLater(period, callable);
  }
  override connectionMade(): void {
    this.setTimeout(0.1);
  }
}

class Negotiating extends Factory {
  override noisy = false;
  override protocol = Half;
  acceptableProtocols(): string[] {
    return ["h2"];
  }
}
classImplements(Negotiating, IProtocolNegotiationFactory);
