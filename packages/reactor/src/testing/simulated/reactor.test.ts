/** What a reactor in memory has besides what every reactor does: time, names and programs that a test decides on. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ConnectionDone,
  ConnectionLost,
  ConnectionRefusedError,
  ProcessTerminated,
  TimeoutError,
  UnsupportedAddressFamily,
} from "../../error.js";
import { AssertionError, OSError } from "../../exceptions.js";
import { connectProtocol, HostnameEndpoint, ProcessEndpoint, TCP6ClientEndpoint } from "../../endpoints.js";
import { DatagramProtocol, Protocol, ReconnectingClientFactory } from "../../protocol.js";
import { Echo } from "../../protocols/wire.js";
import { optionsForClientTLS, trustRootFromCertificates } from "../../ssl.js";
import { logged, Recorder, RecordingFactory, serving, turn, until } from "../../stream/recording.test.helper.js";
import { AccumulatingProtocol, SimulatedReactor, TestAuthority } from "../index.js";

let reactor = new SimulatedReactor();
beforeEach(() => {
  reactor = new SimulatedReactor();
  logged.begin();
});
afterEach(() => logged.end());

const sockets = (): number => process.getActiveResourcesInfo().filter((kind) => /^(TCP|Pipe)/.test(kind)).length;
const echoes = () => serving(() => new Echo());

test("a conversation by the name of a host, without a socket: settle ends when all has arrived", async () => {
  const before = sockets();
  reactor.hosts.set("shop.test", ["192.0.2.7"]);
  reactor.network.addresses.add("192.0.2.7");
  reactor.listenTCP(80, echoes());
  const client = new AccumulatingProtocol();
  connectProtocol(new HostnameEndpoint(reactor, "shop.test", 80), client);
  await reactor.settle();
  expect(String(client.transport!.getPeer())).toBe("IPv4Address(type=TCP, host=192.0.2.7, port=80)");
  client.transport!.write(Buffer.alloc(1_000_000));
  await reactor.settle();
  expect(client.data).toHaveLength(1_000_000);
  expect(sockets()).toBeLessThanOrEqual(before); // tests before may have left some that just close
  client.transport!.loseConnection();
  await reactor.settle();
  expect(client.closedReason!.value).toBeInstanceOf(ConnectionDone);
  expect(reactor.openTransports.size).toBe(1);
});

test("an address that is nobody's gives no answer, until the time is up, and nobody waits for it", async () => {
  const factory = new RecordingFactory();
  reactor.connectTCP("192.0.2.9", 80, factory);
  await reactor.settle();
  reactor.advance(29.9);
  expect(factory.events).toEqual(["start", "connecting"]);
  reactor.advance(0.1);
  expect(factory.error).toBeInstanceOf(TimeoutError);
});

test("happy eyeballs by the clock: IPv6 does not answer, a third of a second later IPv4 does", async () => {
  reactor.hosts.set("both.test", ["2001:db8::1", "127.0.0.1"]);
  reactor.listenTCP(80, echoes());
  const client = new AccumulatingProtocol();
  connectProtocol(new HostnameEndpoint(reactor, "both.test", 80), client);
  await reactor.settle();
  expect(client.made).toBe(false);
  reactor.advance(0.3);
  await reactor.settle();
  expect(client.made).toBe(true);
  expect(reactor.getDelayedCalls()).toEqual([]);
  client.transport!.loseConnection();
  await reactor.settle();
});

test("IPv6 alone is not heard by who listens on IPv4", async () => {
  reactor.listenTCP(80, echoes(), { interface: "127.0.0.1" });
  const refused = connectProtocol(new TCP6ClientEndpoint(reactor, "::1", 80), new Protocol());
  await expect(Promise.resolve(refused)).rejects.toBeInstanceOf(ConnectionRefusedError);
});

test("a client that tries again does so by the clock", async () => {
  const factory = new ReconnectingClientFactory();
  factory.noisy = false;
  factory.jitter = null;
  factory.clock = reactor;
  const clients: Recorder[] = [];
  factory.protocol = () => (clients.push(new Recorder()), clients.at(-1)!);
  reactor.connectTCP("localhost", 80, factory);
  await reactor.settle();
  reactor.listenTCP(80, echoes());
  await reactor.pump([1, 1.8]); // e seconds
  expect(clients).toHaveLength(1);
  factory.stopTrying();
  clients[0]!.transport.loseConnection();
  await reactor.settle();
  expect(clients[0]!.isLost).toBe(true);
});

test("a program is what a test says it is; any other does not exist", async () => {
  reactor.programs.set("/bin/greet", (child) => {
    child.says(`hello, ${child.args[1]!}`);
    child.exit(0);
  });
  reactor.programs.set("/bin/crash", (child) => child.exit(null, "KILL"));
  const [greeted, crashed] = [new AccumulatingProtocol(), new AccumulatingProtocol()];
  connectProtocol(new ProcessEndpoint(reactor, "/bin/greet", { args: ["greet", "ann"] }), greeted);
  connectProtocol(new ProcessEndpoint(reactor, "/bin/crash"), crashed);
  await reactor.settle();
  expect(greeted.data.toString()).toBe("hello, ann");
  expect(greeted.closedReason!.value).toBeInstanceOf(ConnectionDone);
  expect(crashed.closedReason!.value).toBeInstanceOf(ProcessTerminated);
  expect(() => reactor.spawnProcess({} as never, "/bin/other")).toThrow(OSError);
  expect(reactor.processes).toHaveLength(2);
});

test("there are no descriptors to adopt, and two that talk for ever are an AssertionError", async () => {
  expect(() => reactor.adoptStreamPort(3, "IPv4")).toThrow(UnsupportedAddressFamily);
  expect(() => reactor.adoptStreamConnection(3, "IPv4")).toThrow(UnsupportedAddressFamily);
  expect(() => reactor.adoptDatagramPort(3, "IPv4")).toThrow(UnsupportedAddressFamily);
  reactor.listenTCP(7, echoes());
  const client = new Echo();
  reactor.connectTCP("localhost", 7, new RecordingFactory(() => client));
  await until(() => client.connected);
  client.transport!.write("ping");
  await expect(reactor.settle()).rejects.toBeInstanceOf(AssertionError);
  client.transport!.loseConnection();
  await reactor.settle();
});

test("a broadcast reaches every port of that number, once it is allowed", async () => {
  class Heard extends DatagramProtocol {
    override noisy = false;
    readonly received: string[] = [];
    override datagramReceived(data: Buffer): void {
      this.received.push(data.toString());
    }
  }
  const [one, two] = [new Heard(), new Heard()];
  reactor.listenMulticast(9, one, { listenMultiple: true });
  reactor.listenMulticast(9, two, { listenMultiple: true });
  const sender = reactor.listenUDP(0, new Heard());
  sender.write("not yet", ["<broadcast>", 9]);
  sender.setBroadcastAllowed(true);
  sender.write("to all", ["<broadcast>", 9]);
  await reactor.settle();
  expect([one.received, two.received]).toEqual([["to all"], ["to all"]]);
});

test("what a delayed call and a thread's call throw is logged, and time goes on", async () => {
  const events: string[] = [];
  const fail = (text: string) => () => {
    throw new Error(text);
  };
  reactor.callLater(1, fail("late"));
  reactor.callLater(1, () => events.push("next"));
  reactor.callInThread(fail("thread"));
  await reactor.pump([1]);
  expect([events, logged.errors.map(({ message }) => message)]).toEqual([["next"], ["late", "thread"]]);
  expect(() => reactor.callInThread(null as never)).toThrow(AssertionError);
});

describe("a closing connection", () => {
  async function connected(kind = "TCP"): Promise<[server: Recorder, client: Recorder]> {
    const [server, client] = [new Recorder(), new Recorder()];
    const port = reactor.listenTCP(
      0,
      serving(() => server),
    );
    reactor.connectTCP("127.0.0.1", port.getHost().port, new RecordingFactory(() => client));
    await until(() => server.connected && client.connected);
    if (kind === "TLS") {
      const authority = new TestAuthority();
      server.transport.startTLS(authority.issue("localhost").options());
      const trustRoot = trustRootFromCertificates([authority.certificate]);
      client.transport.startTLS(optionsForClientTLS("localhost", { trustRoot }));
      await reactor.settle();
    }
    return [server, client];
  }

  test.each(["TCP", "TLS"])("gives up a %s peer a minute of the clock after it took something last", async (kind) => {
    const [server, client] = await connected(kind);
    client.transport.pauseProducing();
    for (let i = 0; i < 20; i++) server.transport.write(Buffer.alloc(200_000));
    server.transport.loseConnection();
    await reactor.settle();
    await reactor.pump([59]);
    client.transport.resumeProducing();
    await turn();
    client.transport.pauseProducing();
    await reactor.settle();
    const taken = client.bytes;
    await reactor.pump([59]);
    expect([taken > 0, client.bytes - taken, server.isLost]).toEqual([true, 0, false]);
    expect(reactor.getDelayedCalls()).toEqual([]);
    await reactor.pump([1]);
    expect(server.error).toBeInstanceOf(ConnectionLost);
    client.transport.abortConnection();
    await reactor.settle();
  });

  test("reads on for five seconds of the clock", async () => {
    const [server, client] = await connected();
    const socket = server.transport.getHandle();
    client.transport.pauseProducing(); // it does not see the end, and so does not answer it
    server.transport.loseConnection();
    await reactor.settle();
    expect([server.error, socket.destroyed]).toEqual([new ConnectionDone(), false]);
    await reactor.pump([4.9]);
    expect(socket.destroyed).toBe(false);
    await reactor.pump([0.1]);
    expect(socket.destroyed).toBe(true);
    client.transport.abortConnection();
    await reactor.settle();
  });
});
