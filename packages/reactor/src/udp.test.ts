/** UDP: binding at once, who may be sent to, what is cut, what is logged. */
import type { Socket, SocketOptions } from "node:dgram";
import { once } from "node:events";
import { constants } from "node:os";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CannotListenError, InvalidAddressError, MessageLengthError, MulticastJoinError } from "./error.js";
import { AssertionError, RuntimeError } from "./exceptions.js";
import type { IMulticastTransport } from "./interfaces.js";
import { DatagramProtocol } from "./protocol.js";
import { NodeReactor } from "./reactor.js";
import { type AnyReactor, reactors } from "./reactors.test.helper.js";
import { logged, until } from "./stream/recording.test.helper.js";
import type { OpenTransport } from "./stream/host.js";
import { Clock } from "./task.js";
import { UDPPort } from "./udp.js";

let reactor: AnyReactor = new NodeReactor();
let ports: UDPPort[] = [];
beforeEach(() => {
  reactor = new NodeReactor();
  ports = [];
  logged.begin();
});
afterEach(async () => {
  logged.end();
  for (const port of ports) await port.stopListening();
  expect(reactor.openTransports.size).toBe(0);
});

class Receiver extends DatagramProtocol {
  declare transport: IMulticastTransport | null;
  override noisy = false;
  readonly events: string[] = [];
  readonly received: string[] = [];
  from: readonly [string, number] = ["", 0];
  override startProtocol(): void {
    this.events.push("start");
  }
  override stopProtocol(): void {
    this.events.push("stop");
  }
  override datagramReceived(data: Buffer, addr: readonly [string, number]): void {
    this.received.push(data.toString());
    this.from = addr;
  }
  override connectionRefused(): void {
    this.events.push("refused");
  }
}

function listen(protocol: Receiver, options = { interface: "127.0.0.1" }): UDPPort {
  const port = reactor.listenUDP(0, protocol, options);
  ports.push(port);
  return port;
}

const numberOf = (port: UDPPort): number => port.getHost().port;

describe.each(reactors)("%s", (_, make) => {
  beforeEach(() => {
    reactor = make();
  });

  test("startProtocol runs inside the call, on a port that is bound; datagrams go both ways", async () => {
    const [one, two] = [new Receiver(), new Receiver()];
    const [a, b] = [listen(one), listen(two)];
    expect(one.events).toEqual(["start"]);
    expect(a.getHost()).toMatchObject({ type: "UDP", host: "127.0.0.1" });
    a.write("hello", ["127.0.0.1", numberOf(b)]);
    await until(() => two.received.length === 1);
    expect(two.received).toEqual(["hello"]);
    b.write(Buffer.from("back"), two.from);
    await until(() => one.received.length === 1);
    expect(one.from).toEqual(["127.0.0.1", numberOf(b)]);
  });

  test("stopProtocol comes on a later turn, never inside stopListening; the protocol may listen again", async () => {
    const protocol = new Receiver();
    const port = listen(protocol);
    const stopping = port.stopListening();
    expect(protocol.events).toEqual(["start"]);
    expect(protocol.transport).not.toBe(null);
    await stopping;
    expect(protocol.events).toEqual(["start", "stop"]);
    expect(protocol.transport).toBe(null);
    await port.stopListening(); // again: nothing
    listen(protocol);
    expect(protocol.events).toEqual(["start", "stop", "start"]);
    expect(() => reactor.listenUDP(0, protocol)).toThrow(AssertionError);
    ports.push(...([...reactor.openTransports] as UDPPort[]).filter((open) => !ports.includes(open)));
  });

  test("a number in use and a foreign interface are CannotListenErrors at once, a name an InvalidAddressError", () => {
    const port = listen(new Receiver());
    expect(() => reactor.listenUDP(numberOf(port), new Receiver(), { interface: "127.0.0.1" })).toThrow(
      CannotListenError,
    );
    expect(() => reactor.listenUDP(0, new Receiver(), { interface: "192.0.2.1" })).toThrow(CannotListenError);
    expect(() => reactor.listenUDP(0, new Receiver(), { interface: "localhost" })).toThrow(InvalidAddressError);
  });

  test("only literals of the port's family can be sent to, and only what fits", () => {
    const port = listen(new Receiver());
    expect(() => port.write("x", ["localhost", 1])).toThrow(InvalidAddressError);
    expect(() => port.write("x", ["::1", 1])).toThrow(InvalidAddressError);
    expect(() => port.write("x")).toThrow(AssertionError);
    expect(() => port.write(Buffer.alloc(70_000), ["127.0.0.1", 1])).toThrow(MessageLengthError);
    expect(() => port.connect("localhost", 1)).toThrow(InvalidAddressError);
  });

  test("connected: no address is needed, another is an error, and a refusal is heard of", async () => {
    const gone = listen(new Receiver());
    const number = numberOf(gone);
    await gone.stopListening();
    const protocol = new Receiver();
    const port = listen(protocol);
    port.connect("127.0.0.1", number);
    expect(() => port.connect("127.0.0.1", number)).toThrow(RuntimeError);
    expect(() => port.write("x", ["127.0.0.1", number === 1 ? 2 : 1])).toThrow(AssertionError);
    await until(() => {
      port.write("x", ["127.0.0.1", number]);
      return protocol.events.includes("refused");
    });
    expect(logged.errors).toEqual([]);
  });

  test("a longer datagram is cut to maxPacketSize", async () => {
    const protocol = new Receiver();
    const port = reactor.listenUDP(0, protocol, { interface: "127.0.0.1", maxPacketSize: 4 });
    ports.push(port);
    port.write("123456", ["127.0.0.1", numberOf(port)]);
    await until(() => protocol.received.length === 1);
    expect(protocol.received).toEqual(["1234"]);
  });

  test("R1: what datagramReceived throws, or rejects with, is logged, and the port goes on", async () => {
    const protocol = new Receiver();
    const port = listen(protocol);
    const mistakes = [
      () => {
        throw new Error("thrown");
      },
      () => Promise.reject(new Error("rejected")),
    ];
    Object.assign(protocol, { datagramReceived: () => mistakes.shift()!() });
    for (const count of [1, 2]) {
      port.write("x", ["127.0.0.1", numberOf(port)]);
      await until(() => logged.errors.length === count);
    }
    expect(logged.errors.map((error) => error.message)).toEqual(["thrown", "rejected"]);
    delete (protocol as Partial<Receiver>).datagramReceived;
    port.write("x", ["127.0.0.1", numberOf(port)]);
    await until(() => protocol.received.length === 1);
  });

  test("stopping the reactor stops the protocol", async () => {
    const protocol = new Receiver();
    listen(protocol);
    const finished = reactor.run({ installSignalHandlers: false });
    reactor.stop();
    await finished;
    expect(protocol.events).toEqual(["start", "stop"]);
  });

  describe("multicast", () => {
    test("two ports of one number in a group both hear what is sent to it", async () => {
      const [one, two] = [new Receiver(), new Receiver()];
      const a = reactor.listenMulticast(0, one, { listenMultiple: true });
      const b = reactor.listenMulticast(numberOf(a), two, { listenMultiple: true });
      ports.push(a, b);
      await a.joinGroup("224.0.0.251", { interface: "127.0.0.1" });
      await b.joinGroup("224.0.0.251", "127.0.0.1");
      a.setOutgoingInterface("127.0.0.1");
      a.setLoopbackMode(true);
      a.setTTL(2);
      expect([a.getOutgoingInterface(), a.getLoopbackMode(), a.getTTL()]).toEqual(["127.0.0.1", true, 2]);
      a.write("to all", ["224.0.0.251", numberOf(a)]);
      await until(() => one.received.length === 1 && two.received.length === 1);
      await b.leaveGroup("224.0.0.251", { interface: "127.0.0.1" });
    });

    test("what is no group is a MulticastJoinError; broadcast is off until it is allowed", async () => {
      const port = listen(new Receiver());
      await expect(Promise.resolve(port.joinGroup("127.0.0.1"))).rejects.toBeInstanceOf(MulticastJoinError);
      expect(port.getBroadcastAllowed()).toBe(false);
      port.setBroadcastAllowed(true);
      expect(port.getBroadcastAllowed()).toBe(true);
    });
  });
});

test("R10: where the system has no buffer datagrams are lost, with a line a second, and the port goes on", async () => {
  const clock = new Clock();
  const sockets: Socket[] = [];
  class Port extends UDPPort {
    protected override createSocket(options: SocketOptions): Socket {
      const socket = super.createSocket(options);
      sockets.push(socket);
      return socket;
    }
  }
  const host = Object.assign(clock, { openTransports: new Set<OpenTransport>() });
  const [one, two] = [new Receiver(), new Receiver()];
  const [from, to] = [one, two].map((protocol) => {
    const port = new Port(host, 0, protocol, { interface: "127.0.0.1" });
    port.startListening();
    return port;
  }) as [Port, Port];
  const [handle, other] = sockets.map(handleOf) as [Handle, Handle];
  const withoutBuffer = vi.spyOn(handle, "send").mockReturnValue(ENOBUFS);
  from.write("lost", ["127.0.0.1", numberOf(to)]);
  from.connect("127.0.0.1", numberOf(to));
  await once(sockets[0]!, "connect");
  for (let i = 0; i < 3; i++) from.write("lost");
  for (let i = 0; i < 3; i++) other.onmessage(ENOBUFS, other);
  await until(() => withoutBuffer.mock.calls.length === 4 && logged.errors.length === 2); // of each port one
  clock.advance(1);
  other.onmessage(ENOBUFS, other);
  expect(logged.errors.map((error) => (error as NodeJS.ErrnoException).code)).toEqual(Array(3).fill("ENOBUFS"));
  withoutBuffer.mockRestore();
  from.write("comes");
  await until(() => two.received.length > 0);
  expect(two.received).toEqual(["comes"]);
  await Promise.all([from.stopListening(), to.stopListening()]);
});

const ENOBUFS = -constants.errno.ENOBUFS;

/** What a socket of node:dgram stands on. */
interface Handle {
  send(...args: unknown[]): number;
  onmessage(bytes: number, handle: Handle): void;
}

function handleOf(socket: Socket): Handle {
  const state = Object.getOwnPropertySymbols(socket).find(({ description }) => description === "state symbol")!;
  return (socket as unknown as Record<symbol, { handle: Handle }>)[state]!.handle;
}
