import { CannotListenError, ConnectionRefusedError } from "@strombus/reactor/error";
import { Failure } from "@strombus/reactor/failure";
import { IPv4Address, IPv6Address } from "@strombus/reactor/address";
import { OSError } from "@strombus/reactor/exceptions";
import type { IHostnameResolver, IProtocol, IProtocolFactory } from "@strombus/reactor/interfaces";
import { MemoryReactorClock, StringTransport } from "@strombus/reactor/testing";
import { beforeEach, describe, expect, test } from "vitest";
import { ConchUser } from "../avatar.js";
import { FakeTransport, open, pair } from "../channel/fixtures.test.support.js";
import {
  MSG_CHANNEL_CLOSE as CLOSE,
  MSG_CHANNEL_DATA as DATA,
  MSG_CHANNEL_EOF as EOF,
  MSG_CHANNEL_OPEN as OPEN,
  MSG_CHANNEL_OPEN_CONFIRMATION as CONFIRMATION,
  MSG_CHANNEL_OPEN_FAILURE as REFUSAL,
  MSG_REQUEST_FAILURE,
  MSG_REQUEST_SUCCESS,
} from "../channel/numbers.js";
import { ChannelOpen, GlobalRequest } from "../messages/connection.js";
import { SSHChannel } from "./channel.js";
import { NS } from "./common.js";
import { SSHConnection } from "./connection.js";
import * as forwarding from "./forwarding.js";
import {
  allowForwarding,
  type ForwardingRules,
  forwardLocal,
  forwardRemote,
  openConnectForwardingClient,
  packGlobal_tcpip_forward,
  packOpen_direct_tcpip,
  SSHConnectForwardingChannel,
  SSHForwardingClient,
  SSHListenClientForwardingChannel,
  SSHListenForwardingFactory,
  SSHListenServerForwardingChannel,
  unpackGlobal_tcpip_forward,
  unpackOpen_direct_tcpip,
} from "./forwarding.js";

/** Remembers, and hands out free ports from 4000 on. */
class TestReactor extends MemoryReactorClock {
  readonly stopped: (string | number)[] = [];
  /** The addresses of a name; without any it is one. */
  readonly addresses = new Map<string, string[]>();
  readonly nameResolver: IHostnameResolver = {
    resolveHostName: (receiver, name, { portNumber = 0 } = {}) => {
      const resolution = { name, cancel: () => {} };
      receiver.resolutionBegan(resolution);
      for (const host of this.addresses.get(name) ?? [name]) {
        const Type = host.includes(":") ? IPv6Address : IPv4Address;
        receiver.addressResolved(new Type("TCP", host, portNumber));
      }
      receiver.resolutionComplete();
      return resolution;
    },
  };
  /** Addresses that cannot be listened on, with the code of the error. */
  readonly broken = new Map<string, string>();

  override listenTCP(port: number, factory: IProtocolFactory, options: { interface?: string } = {}) {
    const code = this.broken.get(options.interface ?? "");
    if (code !== undefined) throw new CannotListenError(options.interface!, port, new OSError(code, { code }));
    const actual = port === 0 ? 4000 + this.tcpServers.length : port;
    const listening = super.listenTCP(actual, factory, options);
    const stop = listening.stopListening.bind(listening);
    return Object.assign(listening, { stopListening: () => (this.stopped.push(actual), stop()) });
  }

  override listenUNIX(path: string, factory: IProtocolFactory, options: { mode?: number } = {}) {
    const listening = super.listenUNIX(path, factory, options);
    const stop = listening.stopListening.bind(listening);
    return Object.assign(listening, { stopListening: () => (this.stopped.push(path), stop()) });
  }

  /** The n-th attempt to connect succeeds. */
  connect(nth = 0): Wire {
    const factory = this.tcpClients[nth]?.[2] ?? this.unixClients[nth]![1];
    const wire = new Wire();
    void factory.buildProtocol(new IPv4Address("TCP", "127.0.0.1", 1))!.makeConnection(wire);
    return wire;
  }
}

/** A socket that tells what is done to it. */
class Wire extends StringTransport {
  readonly events: string[] = [];
  override loseConnection() {
    this.events.push("lose");
    super.loseConnection();
  }
  override loseWriteConnection() {
    this.events.push("end");
  }
  override pauseProducing() {
    this.events.push("pause");
    super.pauseProducing();
  }
  override resumeProducing() {
    if (this.events.length > 0) this.events.push("resume");
    if (this.producerState === "paused") super.resumeProducing();
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const EMPTY = Buffer.alloc(0);

let conn: SSHConnection;
let transport: FakeTransport;
let reactor: TestReactor;
beforeEach(() => {
  conn = new SSHConnection();
  transport = new FakeTransport().of(conn);
  reactor = new TestReactor();
});
const numbers = () => transport.take().map(([number]) => number);

describe("packing", () => {
  test("places have the form of RFC 4254", () => {
    const bytes = Buffer.concat([
      NS("host"),
      Buffer.from("00000050", "hex"),
      NS("from"),
      Buffer.from("0000ffff", "hex"),
    ]);
    expect(packOpen_direct_tcpip(["host", 80], [Buffer.from("from"), 65535])).toEqual(bytes);
    expect(unpackOpen_direct_tcpip(bytes)).toEqual([
      ["host", 80],
      ["from", 65535],
    ]);
    expect(forwarding.packOpen_forwarded_tcpip).toBe(packOpen_direct_tcpip);
    expect(forwarding.unpackOpen_forwarded_tcpip).toBe(unpackOpen_direct_tcpip);
    expect(unpackGlobal_tcpip_forward(packGlobal_tcpip_forward(["", 0]))).toEqual(["", 0]);
  });

  test("T7: a place with bytes missing or left over is a protocol error", () => {
    expect(() => unpackOpen_direct_tcpip(NS("host"))).toThrow("malformed");
    expect(() => unpackGlobal_tcpip_forward(Buffer.concat([NS(""), Buffer.alloc(5)]))).toThrow("malformed");
  });
});

describe("a channel that connects", () => {
  const connecting = () => {
    const channel = new SSHConnectForwardingChannel(["fwd.example.org", 1234], {
      remoteWindow: 100,
      remoteMaxPacket: 50,
    });
    channel._reactor = reactor;
    return open(conn, channel);
  };

  test("connects as it opens; what came meanwhile goes out, and what the socket said too", async () => {
    const channel = connecting();
    channel.channelOpen(EMPTY);
    expect(reactor.tcpClients.map(([host, port]) => [host, port])).toEqual([["fwd.example.org", 1234]]);
    channel.dataReceived(Buffer.from("early"));
    const wire = reactor.connect();
    const factory = reactor.tcpClients[0]![2];
    expect(factory).toBeDefined();
    await channel._channelOpenDeferred;
    expect(channel.client).toBeInstanceOf(SSHForwardingClient);
    expect(wire.value().toString()).toBe("early");
    channel.client!.dataReceived(Buffer.from("answer"));
    expect(numbers()).toContain(DATA);
  });

  test("to a name goes to whichever of its addresses answers", async () => {
    reactor.addresses.set("fwd.example.org", ["::1", "127.0.0.1"]);
    const channel = connecting();
    channel.channelOpen(EMPTY);
    expect(reactor.tcpClients.map(([host, port]) => [host, port])).toEqual([["::1", 1234]]);
    reactor.tcpClients[0]![2].clientConnectionFailed(reactor.connectors[0]!, new Failure(new ConnectionRefusedError()));
    expect(reactor.tcpClients.map(([host]) => host)).toEqual(["::1", "127.0.0.1"]);
    const wire = reactor.connect(1);
    await channel._channelOpenDeferred;
    expect(channel.client).toBeInstanceOf(SSHForwardingClient);
    expect(channel.client!.transport).toBe(wire);
  });

  test("C4: gives no window for what it cannot pass on yet", async () => {
    const channel = connecting();
    channel.localWindowLeft = 10;
    channel.channelOpen(EMPTY);
    channel.refillWindow();
    expect(channel.localWindowLeft).toBe(10);
    reactor.connect();
    await channel._channelOpenDeferred;
    expect(channel.localWindowLeft).toBe(channel.localWindowSize);
  });

  test("closes when it cannot connect", async () => {
    const channel = connecting();
    channel.channelOpen(EMPTY);
    reactor.tcpClients[0]![2].clientConnectionFailed(reactor.connectors[0]!, new Failure(new ConnectionRefusedError()));
    await turn();
    expect(numbers()).toEqual([CLOSE]);
  });

  test("R8: gives the attempt up when it is closed, and takes no connection that is made all the same", () => {
    const channel = connecting();
    channel.channelOpen(EMPTY);
    conn.channelClosed(channel);
    expect(reactor.connectors[0]!._disconnected).toBe(true);
    expect(reactor.tcpClients[0]![2].buildProtocol(new IPv4Address("TCP", "127.0.0.1", 1))).toBeNull();
  });

  test("the end of each direction is passed on by itself; after both the channel closes", async () => {
    const channel = connecting();
    channel.channelOpen(EMPTY);
    const wire = reactor.connect();
    await channel._channelOpenDeferred;
    channel.client!.readConnectionLost();
    expect(numbers()).toEqual([EOF]);
    conn.ssh_CHANNEL_EOF(Buffer.alloc(4));
    expect(wire.events).toEqual(["end"]);
    expect(numbers()).toEqual([CLOSE]);
  });

  test("R7: a peer that reads nothing stops the socket, and the socket the peer", async () => {
    const channel = connecting();
    channel.channelOpen(EMPTY);
    const wire = reactor.connect();
    await channel._channelOpenDeferred;
    channel.client!.dataReceived(Buffer.alloc(101));
    expect(wire.events).toEqual(["pause"]);
    channel.addWindowBytes(100);
    expect(wire.events).toEqual(["pause", "resume"]);
    const producer = (wire as unknown as { producer: { pauseProducing(): void; resumeProducing(): void } }).producer;
    producer.pauseProducing();
    channel.localWindowLeft = 0;
    channel.refillWindow();
    expect(channel.localWindowLeft).toBe(0);
    producer.resumeProducing();
    expect(channel.localWindowLeft).toBe(channel.localWindowSize);
  });

  test("opens wherever the client asks, when that is what is registered", () => {
    const user = new ConchUser();
    user.channelLookup["direct-tcpip"] = openConnectForwardingClient;
    const channel = user.lookupChannel("direct-tcpip", 5, 6, packOpen_direct_tcpip(["here", 7], ["there", 8]));
    expect(channel).toMatchObject({ hostport: ["here", 7], remoteWindowLeft: 5, remoteMaxPacket: 6, avatar: user });
  });

  test("R9: what comes in crumbs before there is a connection is not copied again for each", () => {
    const channel = new SSHConnectForwardingChannel(["here", 7]);
    const memory = new Set<ArrayBufferLike>();
    for (let i = 0; i < 20_000; i++) {
      void channel.dataReceived(Buffer.from("x"));
      memory.add(channel.clientBuf.buffer);
    }
    expect(channel.clientBuf.toString()).toBe("x".repeat(20_000));
    expect(memory.size).toBeLessThan(50);
  });
});

describe("a port that opens channels", () => {
  const accept = (factory: IProtocolFactory) => {
    const wire = new Wire();
    const client = factory.buildProtocol(new IPv4Address("TCP", "10.0.0.9", 999)) as SSHForwardingClient | null;
    void (client as IProtocol | null)?.makeConnection(wire);
    return { wire, client: client! };
  };
  const factory = () => new SSHListenForwardingFactory(conn, ["target", 80], SSHListenClientForwardingChannel);

  test("asks for one of its type, to its place, from whoever connected", () => {
    accept(factory());
    const [[number, body] = []] = transport.take();
    const { type, data } = ChannelOpen.decode(Buffer.from(body!, "hex"));
    expect([number, type, unpackOpen_direct_tcpip(data)]).toEqual([
      OPEN,
      "direct-tcpip",
      [
        ["target", 80],
        ["10.0.0.9", 999],
      ],
    ]);
    expect(new SSHListenServerForwardingChannel({}).name).toBe("forwarded-tcpip");
  });

  test("what was said before the channel is open goes out then, with its end behind it", () => {
    const { client } = accept(factory());
    client.dataReceived(Buffer.from("early"));
    client.readConnectionLost();
    const channel = client.channel!;
    conn.ssh_CHANNEL_OPEN_CONFIRMATION(Buffer.from("00000000000000070000ffff00000fff", "hex"));
    expect(channel.localEOF).toBe(true);
    expect(numbers()).toEqual([OPEN, DATA, EOF]);
  });

  test("R7: the socket waits when much is said before the channel is open", () => {
    const { client, wire } = accept(factory());
    client.dataReceived(Buffer.alloc(100_000));
    expect(wire.events).toEqual(["pause"]);
  });

  test("a channel that is refused closes the socket", () => {
    const { wire } = accept(factory());
    conn.ssh_CHANNEL_OPEN_FAILURE(Buffer.concat([Buffer.from("0000000000000002", "hex"), NS("no"), NS("")]));
    expect(wire.events).toEqual(["lose"]);
  });

  test("C7: over the connection's number of channels nobody is let in", () => {
    conn.maxChannels = 1;
    const ours = factory();
    expect(accept(ours).client).not.toBeNull();
    expect(accept(ours).client).toBeNull();
  });

  test("R8: a socket that goes before the channel is open closes the channel, and leaves nothing", () => {
    const { client } = accept(factory());
    client.connectionLost();
    conn.ssh_CHANNEL_OPEN_CONFIRMATION(Buffer.from("00000000000000070000ffff00000fff", "hex"));
    conn.ssh_CHANNEL_CLOSE(Buffer.alloc(4));
    expect(numbers()).toEqual([OPEN, CLOSE]);
    expect(conn.channels.size).toBe(0);
  });
});

describe("a user who may have things forwarded", () => {
  const userWith = (rules: ForwardingRules) => {
    const user = new ConchUser();
    allowForwarding(user, rules, reactor);
    transport.avatar = user;
    conn.serviceStarted();
    return user;
  };
  const request = (type: string, data: Buffer) => {
    conn.ssh_GLOBAL_REQUEST(GlobalRequest.encode({ type, wantReply: true, data }));
    return transport.take();
  };
  const openTo = (host: string, port: number) => {
    const data = packOpen_direct_tcpip([host, port], ["", 0]);
    conn.ssh_CHANNEL_OPEN(
      ChannelOpen.encode({ type: "direct-tcpip", senderChannel: 1, window: 9, maxPacket: 9, data }),
    );
  };
  const listen = (host: string, port: number) =>
    request("tcpip-forward", packGlobal_tcpip_forward([host, port]))[0]![0];

  test("C9: may have nothing that is not named", () => {
    userWith({});
    openTo("host", 80);
    expect(numbers()).toEqual([REFUSAL]);
    expect(listen("", 8080)).toBe(MSG_REQUEST_FAILURE);
    expect(request("streamlocal-forward@openssh.com", NS("/tmp/x"))[0]![0]).toBe(MSG_REQUEST_FAILURE);
    expect([reactor.tcpServers, reactor.tcpClients, reactor.unixServers]).toEqual([[], [], []]);
  });

  for (const [rule, host, port, allowed] of [
    [true, "any", 1, true],
    [true, "any", 0, false],
    [["web:80"], "web", 80, true],
    [["web:80"], "WEB", 80, true],
    [["web:80"], "web", 81, false],
    [["web:80"], "other", 80, false],
    [["web:*"], "web", 81, true],
    [["*:443"], "any", 443, true],
    [["[::1]:80"], "::1", 80, true],
    [["*.web:80"], "a.web", 80, true],
    [["*.web:80"], "web", 80, false],
    [(host: string) => host === "yes", "yes", 1, true],
    [(host: string) => Promise.resolve(host === "yes"), "no", 1, false],
  ] as const) {
    test(`with ${String(rule)} ${allowed ? "may" : "may not"} connect to ${host}:${port}`, async () => {
      userWith({ connect: rule });
      openTo(host, port);
      await turn();
      expect(reactor.tcpClients.length).toBe(allowed ? 1 : 0);
      expect(numbers()).toEqual(allowed ? [] : [REFUSAL]);
    });
  }

  test("is given no list with something else in it than hosts and ports", () => {
    for (const connect of [["host"], ["host:0"], ["host:99999"], ["::1:80"]]) {
      expect(() => userWith({ connect })).toThrow("is not a host and a port");
    }
  });

  test("hears that a connection is made, or why not", async () => {
    userWith({ connect: true });
    openTo("good", 80);
    openTo("bad", 80);
    reactor.connect(0);
    reactor.tcpClients[1]![2].clientConnectionFailed(reactor.connectors[1]!, new Failure(new ConnectionRefusedError()));
    await turn();
    const answers = transport.take();
    expect(answers.map(([number]) => number).sort()).toEqual([CONFIRMATION, REFUSAL]);
    expect(answers.find(([number]) => number === REFUSAL)![1]).toMatch(/^0000000100000002/);
  });

  test("R8: a connection for a client who has gone is dropped", async () => {
    userWith({ connect: true });
    openTo("good", 80);
    conn.serviceStopped();
    const wire = reactor.connect();
    await turn();
    expect(wire.events).toContain("lose");
  });

  test("has this machine's own addresses listen, whatever is asked, unless others may connect", () => {
    userWith({ listen: true });
    listen("0.0.0.0", 8080);
    listen("127.0.0.1", 8081);
    listen("", 8082);
    expect(reactor.tcpServers.map(([port, , , address]) => [port, address])).toEqual([
      [8080, "127.0.0.1"],
      [8080, "::1"],
      [8081, "127.0.0.1"],
      [8082, "127.0.0.1"],
      [8082, "::1"],
    ]);
  });

  test("with gatewayPorts has any address listen that is one", () => {
    userWith({ listen: true, gatewayPorts: true });
    expect(["", "0.0.0.0", "localhost", "10.0.0.1", "name.example"].map((host) => listen(host, 8080))).toEqual([
      MSG_REQUEST_SUCCESS,
      MSG_REQUEST_SUCCESS,
      MSG_REQUEST_SUCCESS,
      MSG_REQUEST_SUCCESS,
      MSG_REQUEST_FAILURE,
    ]);
    const asked = reactor.tcpServers.map(([, , , address]) => address);
    expect(asked).toEqual(["", "0.0.0.0", "127.0.0.1", "::1", "10.0.0.1"]);
  });

  test("gets a free port, the same of both families, and is told which", () => {
    userWith({ listen: true });
    expect(request("tcpip-forward", packGlobal_tcpip_forward(["localhost", 0]))).toEqual([
      [MSG_REQUEST_SUCCESS, "00000fa0"],
    ]);
    expect(reactor.tcpServers.map(([port]) => port)).toEqual([4000, 4000]);
    expect(reactor.tcpServers[1]![1]).toMatchObject({ hostport: ["localhost", 4000] });
  });

  test("does without a family that the machine lacks, and not without one that is taken", () => {
    userWith({ listen: true });
    reactor.broken.set("::1", "EADDRNOTAVAIL");
    expect(listen("localhost", 8080)).toBe(MSG_REQUEST_SUCCESS);
    reactor.broken.set("::1", "EADDRINUSE");
    expect(listen("localhost", 8081)).toBe(MSG_REQUEST_FAILURE);
    expect(reactor.stopped).toEqual([8081]);
  });

  test("gets no privileged port, unless it is named", () => {
    userWith({ listen: true });
    expect(listen("", 80)).toBe(MSG_REQUEST_FAILURE);
    userWith({ listen: ["*:80"] });
    expect(listen("", 80)).toBe(MSG_REQUEST_SUCCESS);
  });

  test("cancels by the port that was asked for, or that was given", () => {
    userWith({ listen: true });
    listen("localhost", 0);
    listen("localhost", 8080);
    const cancel = (port: number) =>
      request("cancel-tcpip-forward", packGlobal_tcpip_forward(["localhost", port]))[0]![0];
    expect([cancel(4000), cancel(8080), cancel(8080)]).toEqual([
      MSG_REQUEST_SUCCESS,
      MSG_REQUEST_SUCCESS,
      MSG_REQUEST_FAILURE,
    ]);
    expect(reactor.stopped).toEqual([4000, 4000, 8080, 8080]);
    expect(conn.isUsed()).toBe(false);
  });

  test("C9: what listens ends with the connection, and keeps it in use until then", () => {
    userWith({ listen: true, listenUNIX: true });
    listen("127.0.0.1", 8080);
    request("streamlocal-forward@openssh.com", NS("/run/x"));
    expect(conn.isUsed()).toBe(true);
    conn.serviceStopped();
    expect(reactor.stopped).toEqual([8080, "/run/x"]);
  });

  test("C7: has a bounded number of listeners", () => {
    userWith({ listen: true });
    const answers = Array.from({ length: 65 }, (_, index) => listen("127.0.0.1", 5000 + index));
    expect(answers.indexOf(MSG_REQUEST_FAILURE)).toBe(64);
  });

  test("has a socket of the file system that is its owner's alone", () => {
    userWith({ listenUNIX: ["/run/x"] });
    const [forward, cancel] = ["streamlocal-forward@openssh.com", "cancel-streamlocal-forward@openssh.com"];
    expect(request(forward, NS("/run/y"))[0]![0]).toBe(MSG_REQUEST_FAILURE);
    expect(request(forward, NS("/run/x"))[0]![0]).toBe(MSG_REQUEST_SUCCESS);
    expect(request(forward, NS("/run/x"))[0]![0]).toBe(MSG_REQUEST_FAILURE);
    expect(reactor.unixServers.map(([path, , , mode]) => [path, mode])).toEqual([["/run/x", 0o600]]);
    expect(request(cancel, NS("/run/x"))[0]![0]).toBe(MSG_REQUEST_SUCCESS);
    expect(request(cancel, NS("/run/x"))[0]![0]).toBe(MSG_REQUEST_FAILURE);
  });

  for (const path of ["relative", "/a/../b", "/a//b", "/a/", "\0abstract", "/with\0nul", "", `/${"x".repeat(107)}`]) {
    test(`R12: has no socket at ${JSON.stringify(path.slice(0, 12))}`, () => {
      userWith({ listenUNIX: true, connectUNIX: true });
      expect(request("streamlocal-forward@openssh.com", NS(path))[0]![0]).toBe(MSG_REQUEST_FAILURE);
      const data = Buffer.concat([NS(path), NS(""), Buffer.alloc(4)]);
      const type = "direct-streamlocal@openssh.com";
      conn.ssh_CHANNEL_OPEN(ChannelOpen.encode({ type, senderChannel: 1, window: 9, maxPacket: 9, data }));
      expect(numbers()).toEqual([REFUSAL]);
      expect(reactor.unixClients).toEqual([]);
    });
  }
});

describe("a client", () => {
  /** A client and a server who know each other. */
  const both = () => {
    const server = new SSHConnection();
    const { client, pump } = pair(new SSHConnection(), server);
    const user = new ConchUser();
    const serverReactor = new TestReactor();
    allowForwarding(user, { connect: true, listen: true, listenUNIX: true, connectUNIX: true }, serverReactor);
    Object.assign(server.transport!, { avatar: user });
    server.serviceStarted();
    return { client, server, pump, serverReactor };
  };

  test("forwards a port of its own until that is closed, or the connection ends", async () => {
    const { client, pump, serverReactor } = both();
    const local = forwardLocal(client, ["127.0.0.1", 0], ["target", 80], reactor);
    expect([local.port, client.isUsed()]).toEqual([4000, true]);
    reactor.tcpServers[0]![1].buildProtocol(new IPv4Address("TCP", "10.0.0.9", 999));
    pump();
    expect(serverReactor.tcpClients.map(([host, port]) => [host, port])).toEqual([["target", 80]]);
    await local.close();
    const second = forwardLocal(client, "/run/here", "/run/there", reactor);
    reactor.unixServers[0]![1].buildProtocol(new IPv4Address("TCP", "10.0.0.9", 999));
    pump();
    expect([second.port, serverReactor.unixClients[0]![0]]).toEqual([0, "/run/there"]);
    client.serviceStopped();
    expect(reactor.stopped).toEqual([4000, "/run/here"]);
  });

  test("forwards a port of the server's, which may be a free one", async () => {
    const { client, pump, serverReactor } = both();
    const asked = forwardRemote(client, ["localhost", 0], ["here", 80], reactor);
    pump();
    const remote = await asked;
    expect(remote.port).toBe(4000);
    serverReactor.tcpServers[0]![1].buildProtocol(new IPv4Address("TCP", "10.0.0.9", 999));
    pump();
    expect(reactor.tcpClients.map(([host, port]) => [host, port])).toEqual([["here", 80]]);
    const done = remote.close();
    pump();
    await done;
    expect(serverReactor.stopped).toEqual([4000, 4000]);
  });

  test("takes each connection at the server by a channel of its own making", async () => {
    const { client, pump, serverReactor } = both();
    const taken: SSHChannel[] = [];
    const asked = forwardRemote(client, "/run/there", (options) => {
      const channel = new SSHChannel(options);
      taken.push(channel);
      return channel;
    });
    pump();
    await asked;
    serverReactor.unixServers[0]![1].buildProtocol(new IPv4Address("TCP", "", 0));
    pump();
    expect(taken[0]?.id).toBe(0);
  });

  test("CL3: takes no connection that it did not ask for", async () => {
    const { client, server, pump } = both();
    const asked = forwardRemote(client, ["localhost", 8080], ["here", 80], reactor);
    pump();
    await asked;
    const channel = new SSHListenServerForwardingChannel({});
    const refused = server.openChannel(channel, packOpen_direct_tcpip(["localhost", 8081], ["", 0]));
    pump();
    await expect(refused).rejects.toThrow("nobody asked for it");
  });

  test("hears that the server refuses", async () => {
    const { client, pump } = both();
    const asked = forwardRemote(client, ["localhost", 80], ["here", 80], reactor);
    pump();
    await expect(asked).rejects.toThrow("global request failed");
  });
});
