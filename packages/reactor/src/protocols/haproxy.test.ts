/** The PROXY protocol: what its headers say, what is refused, and that the application sees the client. */
import * as net from "node:net";
import { beforeEach, afterEach, describe, expect, test } from "vitest";
import { IPv4Address, IPv6Address, UNIXAddress } from "../address.js";
import { succeed } from "../defer.js";
import { TCP4ServerEndpoint } from "../endpoints.js";
import { ValueError } from "../exceptions.js";
import type { IAddress, IListeningPort, IProtocol, IProtocolFactory } from "../interfaces.js";
import { Factory } from "../protocol.js";
import { NodeReactor } from "../reactor.js";
import { logged, Recorder, serving, until } from "../stream/recording.test.helper.js";
import { Clock } from "../task.js";
import { StringTransport } from "../testing/index.js";
import {
  HAProxyWrappingFactory,
  InvalidNetworkProtocol,
  InvalidProxyHeader,
  MissingAddressData,
  parseV1,
  parseV2,
  proxyEndpoint,
} from "./haproxy.js";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const inet = `${SIGNATURE}2111000cc0000201cb00710730390016`; // 192.0.2.1:12345 -> 203.0.113.7:22
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

beforeEach(() => logged.begin());
afterEach(() => logged.end());

describe("version 1", () => {
  test("the addresses of both families, and what is behind", () => {
    const [header, rest] = parseV1(Buffer.from("PROXY TCP4 192.0.2.1 203.0.113.7 12345 22\r\nSSH-2.0-x"))!;
    expect(header.source).toEqual(new IPv4Address("TCP", "192.0.2.1", 12345));
    expect(header.destination).toEqual(new IPv4Address("TCP", "203.0.113.7", 22));
    expect(rest.toString()).toBe("SSH-2.0-x");
    const [six] = parseV1(Buffer.from("PROXY TCP6 2001:DB8::1 ::1 65535 0\r\n"))!;
    expect(six.source).toEqual(new IPv6Address("TCP", "2001:db8::1", 65535));
    expect(parseV1(Buffer.from("PROXY TCP4 192.0.2.1 203.0.113.7 1 2 more fields\r\n"))![0].source).not.toBe(null);
  });

  test("UNKNOWN says nothing, with or without more", () => {
    for (const line of ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"]) {
      expect(parseV1(Buffer.from(line))![0]).toMatchObject({ source: null, destination: null });
    }
  });

  test("an incomplete line waits, up to 107 bytes", () => {
    expect(parseV1(Buffer.from("PROXY TCP4 192.0.2.1"))).toBe(null);
    expect(parseV1(Buffer.from(`PROXY UNKNOWN ${"x".repeat(92)}`))).toBe(null);
    expect(() => parseV1(Buffer.from(`PROXY UNKNOWN ${"x".repeat(93)}`))).toThrow(InvalidProxyHeader);
    expect(parseV1(Buffer.from(`PROXY UNKNOWN ${"x".repeat(91)}\r\n`))).not.toBe(null);
    expect(() => parseV1(Buffer.from(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`))).toThrow(InvalidProxyHeader);
  });

  test.each([
    ["PROXI TCP4 192.0.2.1 203.0.113.7 1 2", InvalidProxyHeader],
    ["PROXY TCP5 192.0.2.1 203.0.113.7 1 2", InvalidNetworkProtocol],
    ["PROXY", InvalidNetworkProtocol],
    ["PROXY TCP4", MissingAddressData],
    ["PROXY TCP4 192.0.2.1 203.0.113.7 1", MissingAddressData],
    ["PROXY TCP4  192.0.2.1 203.0.113.7 1 2", InvalidProxyHeader],
    ["PROXY TCP4 ::1 ::1 1 2", InvalidProxyHeader],
    ["PROXY TCP6 192.0.2.1 203.0.113.7 1 2", InvalidProxyHeader],
    ["PROXY TCP4 192.0.2.999 203.0.113.7 1 2", InvalidProxyHeader],
    ["PROXY TCP4 192.0.2.1 203.0.113.7 65536 2", InvalidProxyHeader],
    ["PROXY TCP4 192.0.2.1 203.0.113.7 -1 2", InvalidProxyHeader],
    ["PROXY TCP4 192.0.2.1 203.0.113.7 01 2", InvalidProxyHeader],
  ])("%j is refused", (line, error) => {
    expect(() => parseV1(Buffer.from(`${line}\r\n`))).toThrow(error);
  });
});

describe("version 2", () => {
  test("INET, INET6 and UNIX, and what is behind", () => {
    const [header, rest] = parseV2(Buffer.concat([hex(inet), Buffer.from("more")]))!;
    expect(header.source).toEqual(new IPv4Address("TCP", "192.0.2.1", 12345));
    expect(header.destination).toEqual(new IPv4Address("TCP", "203.0.113.7", 22));
    expect(rest.toString()).toBe("more");
    const [udp] = parseV2(hex(inet.replace("2111", "2112")))!;
    expect(udp.source).toEqual(new IPv4Address("UDP", "192.0.2.1", 12345));
    const six = `${SIGNATURE}21210024 20010db8000000000000000000000001 00000000000000000000000000000001 0001 0016`;
    expect(parseV2(hex(six))![0].source).toEqual(new IPv6Address("TCP", "2001:db8::1", 1));
    expect(parseV2(hex(six))![0].destination).toEqual(new IPv6Address("TCP", "::1", 22));
    const names = Buffer.alloc(216);
    names.write("/run/a", 0);
    names.write("/run/b", 108);
    expect(parseV2(Buffer.concat([hex(`${SIGNATURE}213100d8`), names]))![0]).toMatchObject({
      source: new UNIXAddress("/run/a"),
      destination: new UNIXAddress("/run/b"),
    });
  });

  test("LOCAL and what is unspecified say nothing", () => {
    for (const start of ["2011", "2000", "2100", "2101", "2110"]) {
      expect(parseV2(hex(inet.replace("2111", start)))![0].source).toBe(null);
    }
  });

  test("more about the connection, such as the endpoint that AWS names", () => {
    const tlv = "ea0004 01766365";
    const [header] = parseV2(hex(`${inet.replace("2111000c", "21110013")}${tlv}`))!;
    expect(header.tlvs).toEqual([{ type: 0xea, value: hex("01766365") }]);
    for (const cut of ["ea", "ea0005 01766365"]) {
      const length = (12 + hex(cut).length).toString(16).padStart(4, "0");
      expect(() => parseV2(hex(`${inet.replace("2111000c", `2111${length}`)}${cut}`))).toThrow(InvalidProxyHeader);
    }
  });

  test("it waits for all of it, byte by byte", () => {
    const whole = hex(inet);
    for (let end = 0; end < whole.length; end++) expect(parseV2(whole.subarray(0, end))).toBe(null);
    expect(parseV2(whole)).not.toBe(null);
  });

  test.each([
    ["another signature", inet.replace("51", "52"), InvalidProxyHeader],
    ["version 1", inet.replace("2111", "1111"), InvalidProxyHeader],
    ["command 2", inet.replace("2111", "2211"), InvalidProxyHeader],
    ["family 4", inet.replace("2111", "2141"), InvalidNetworkProtocol],
    ["protocol 3", inet.replace("2111", "2113"), InvalidNetworkProtocol],
    ["cut addresses", inet.replace("000c", "000b"), MissingAddressData],
    ["a body of 64 KB", inet.replace("000c", "ffff"), InvalidProxyHeader],
  ])("%s is refused", (_, data, error) => {
    expect(() => parseV2(hex(data))).toThrow(error);
  });
});

describe("the wrapper", () => {
  const V1 = "PROXY TCP4 192.0.2.1 203.0.113.7 12345 22\r\n";
  class Seen extends Recorder {
    received = "";
    override connectionMade(): void {
      events.push(`made ${String(this.transport.getPeer())}`);
    }
    override dataReceived(data: Buffer): void {
      this.received += data.toString();
    }
    override connectionLost(): void {
      events.push("lost");
    }
  }
  let events: string[] = [];
  let clock = new Clock();
  beforeEach(() => {
    events = [];
    clock = new Clock();
  });

  function start(
    peer: IAddress = new IPv4Address("TCP", "127.0.0.1", 4000),
    allowedProxies?: string[],
    seen = new Seen(),
  ) {
    const built: IAddress[] = [];
    const factory = serving(() => seen);
    factory.buildProtocol = (addr) => (built.push(addr), seen);
    const wrapping = new HAProxyWrappingFactory(factory, { clock, ...(allowedProxies ? { allowedProxies } : {}) });
    const transport = new StringTransport({ peerAddress: peer });
    const outer = wrapping.buildProtocol();
    void outer.makeConnection(transport);
    return {
      seen,
      built,
      transport,
      outer,
      feed: (data: string | Buffer) => void outer.dataReceived(Buffer.from(data as string)),
    };
  }

  test.each([
    ["version 1", Buffer.from(V1)],
    ["version 2", hex(inet)],
  ])(
    "%s in any pieces: the application is built with the client's address and sees nothing of the header",
    (_, header) => {
      for (const size of [1, 5, 1000]) {
        events = [];
        const { seen, built, feed } = start();
        const all = Buffer.concat([header, Buffer.from("hello")]);
        for (let at = 0; at < all.length; at += size) feed(all.subarray(at, at + size));
        expect(built).toEqual([new IPv4Address("TCP", "192.0.2.1", 12345)]);
        expect(events).toEqual(["made IPv4Address(type=TCP, host=192.0.2.1, port=12345)"]);
        expect(seen.received).toBe("hello");
        expect(seen.transport.getHost()).toEqual(new IPv4Address("TCP", "203.0.113.7", 22));
        expect(clock.getDelayedCalls()).toEqual([]);
      }
    },
  );

  test("without addresses the connection's own are shown", () => {
    const { seen, feed } = start();
    feed("PROXY UNKNOWN\r\n");
    expect(seen.transport.getPeer()).toEqual(new IPv4Address("TCP", "127.0.0.1", 4000));
  });

  test.each([
    ["garbage", "GET / HTTP/1.0\r\n\r\n"],
    ["SSH", "SSH-2.0-OpenSSH\r\n"],
    ["a bad family", "PROXY TCP9 1 2 3 4\r\n"],
    ["a line without end", `PROXY TCP4 ${"1".repeat(200)}`],
  ])("%s closes the connection, the application hears nothing", (_, data) => {
    const { built, transport, feed } = start();
    feed(data);
    expect(transport.disconnecting).toBe(true);
    feed(V1);
    expect(built).toEqual([]);
    expect(clock.getDelayedCalls()).toEqual([]);
    expect(logged.errors).toEqual([]);
  });

  test("R3: no header in time closes the connection, whatever trickles in", () => {
    const { transport, feed } = start();
    clock.advance(9);
    feed("PROXY TCP4 ");
    clock.advance(1);
    expect(transport.disconnecting).toBe(true);
  });

  test.each([
    ["10.0.0.1", ["10.0.0.0/8"], true],
    ["10.0.0.1", ["10.0.0.1"], true],
    ["11.0.0.1", ["10.0.0.0/8", "192.0.2.1"], false],
    ["2001:db8::7", ["2001:db8::/32"], true],
    ["2001:db9::7", ["2001:db8::/32"], false],
    ["127.0.0.1", ["10.0.0.0/8"], false],
    ["::1", undefined, true],
    ["192.168.0.1", undefined, false],
  ])("%s among %j: %s", (host, allowed, isAllowed) => {
    const peer = host.includes(":") ? new IPv6Address("TCP", host, 1) : new IPv4Address("TCP", host, 1);
    const { transport, built, feed } = start(peer, allowed);
    if (isAllowed) feed(V1);
    expect(transport.disconnected).toBe(!isAllowed);
    expect(built).toHaveLength(isAllowed ? 1 : 0);
  });

  test("a list with what is no address or network is a ValueError", () => {
    const endpoint = { listen: () => succeed(null as unknown as IListeningPort) };
    for (const bad of ["everybody", "10.0.0.0/33", "10.0.0.0/x", "", "::1/129"]) {
      expect(() => proxyEndpoint(endpoint, { allowedProxies: [bad] })).toThrow(ValueError);
    }
  });

  test("a protocol that pauses in connectionMade gets what came with the header only when it resumes", () => {
    class Paused extends Seen {
      override connectionMade(): void {
        this.transport.pauseProducing();
      }
    }
    const { seen, feed } = start(undefined, undefined, new Paused());
    feed(`${V1}hello`);
    expect(seen.received).toBe("");
    seen.transport.resumeProducing();
    expect(seen.received).toBe("hello");
  });

  test("a factory that refuses the client, by its own address", () => {
    const { transport, outer } = start();
    const wrapper = outer as IProtocol & { factory: { wrappedFactory: IProtocolFactory } };
    wrapper.factory.wrappedFactory.buildProtocol = () => null;
    void outer.dataReceived(Buffer.from(`${V1}hello`));
    expect(transport.disconnecting).toBe(true);
  });

  test("over a socket, in front of any endpoint", async () => {
    const reactor = new NodeReactor();
    const seen = new Seen();
    const factory = Factory.forProtocol(() => seen);
    factory.noisy = false;
    const endpoint = proxyEndpoint(new TCP4ServerEndpoint(reactor, 0, { interface: "127.0.0.1" }));
    const port = await endpoint.listen(factory);
    const socket = net.connect((port.getHost() as unknown as { port: number }).port, "127.0.0.1");
    socket.write(`${V1}hello`);
    await until(() => seen.received === "hello");
    expect(events[0]).toContain("192.0.2.1");
    socket.destroy();
    await until(() => events.at(-1) === "lost");
    await port.stopListening();
  });
});
