/** What is tried on the server of `npm run bounds`, and how much of it the server may keep. */
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { fields } from "../support/memory-ssh.js";
import { Peer, type Packet } from "./peer.js";

export interface Attack {
  readonly name: string;
  /** Bytes that the server may hold for it, without what the runtime needs for itself. */
  readonly bound: number;
  /** The limits that make the bound. */
  readonly because: string;
  /** Ends when all is sent, or the server takes no more; the connections stay. @returns what was sent */
  readonly run: (port: number) => Promise<string>;
}

const [KIB, MIB] = [2 ** 10, 2 ** 20];
const [IGNORE, DEBUG, GLOBAL_REQUEST, CHANNEL_OPEN, CHANNEL_DATA, CHANNEL_REQUEST, PING] = [2, 4, 80, 90, 94, 98, 192];

/** What a connection costs that has logged in and does nothing, and one that has not. */
const CONNECTION = 64 * KIB;
/** A channel with its session. */
const CHANNEL = 16 * KIB;
/** The greatest packet, RFC 4253 section 6.1. */
const PACKET = 35_000;
/** Replies owed to a peer that does not read, and as much again in the socket. */
const OWED = 2 * MIB;

const kilobyte = Buffer.alloc(KIB, "x");

function* times(count: number, packet: (i: number) => Packet): Generator<Packet> {
  for (let i = 0; i < count; i++) yield packet(i);
}

const opening = (i: number): Packet => [CHANNEL_OPEN, fields("session", i, 2 ** 31, 32_768)];
const request = (channel: number, type: string): Packet => [CHANNEL_REQUEST, fields(channel, type, true)];
const data = (channel: number, bytes: Buffer): Packet => [CHANNEL_DATA, fields(channel, bytes)];

/** Logs in and sends so many messages. */
const flood =
  (count: number, what: string, packet: (i: number) => Packet, { reads = true, compression = "none" } = {}) =>
  async (port: number) => {
    const peer = await Peer.logIn(port, compression);
    if (!reads) peer.stopReading();
    await peer.pour(times(count, packet));
    return `${peer.sent} ${what}${peer.over ? ", then cut off" : peer.sent < count ? ", then held back" : ""}`;
  };

/** Opens sessions and runs something in each; then sends each so many messages. */
const inSessions =
  (count: number, what: string, packet: (channel: number, i: number) => Packet) => async (port: number) => {
    const peer = await Peer.logIn(port);
    await peer.pour(times(10, opening));
    while (peer.mute.channels.length < 10) await new Promise((resolve) => setTimeout(resolve, 10));
    await peer.pour(peer.mute.channels.map((channel) => request(channel, "shell")));
    const before = peer.sent;
    for (const channel of peer.mute.channels) await peer.pour(times(count, (i) => packet(channel, i)));
    return `${peer.sent - before} ${what}${peer.over ? ", then cut off" : ""}`;
  };

/** Connections that say this and go no further. */
const strangers = (count: number, what: string, said: Buffer) => async (port: number) => {
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    sockets.push(socket);
    await once(socket, "connect");
    socket.write(said);
    socket.resume();
  }
  return `${sockets.length} ${what}`;
};

const version = Buffer.from("SSH-2.0-Stranger\r\n");

export const attacks: readonly Attack[] = [
  {
    name: "IGNORE flood",
    bound: CONNECTION,
    because: "nothing is kept",
    run: flood(200_000, "messages of 1 KiB", () => [IGNORE, fields(kilobyte)]),
  },
  {
    name: "DEBUG flood",
    bound: CONNECTION,
    because: "nothing is kept",
    run: flood(200_000, "messages of 1 KiB", () => [DEBUG, fields(true, kilobyte, "")]),
  },
  {
    name: "asks by ping, never reads",
    bound: CONNECTION + OWED,
    because: "1 MiB of replies owed",
    run: flood(200_000, "pings of 1 KiB", () => [PING, fields(kilobyte)], { reads: false }),
  },
  {
    name: "asks by global requests, never reads",
    bound: CONNECTION + OWED,
    because: "1 MiB of replies owed",
    run: flood(200_000, "requests", () => [GLOBAL_REQUEST, fields("nonsense", true)], { reads: false }),
  },
  {
    name: "opens channels, never closes",
    bound: CONNECTION + 10 * CHANNEL + OWED,
    because: "10 sessions, 1 MiB of replies owed",
    run: flood(10_000, "openings", opening),
  },
  {
    name: "fills windows that nobody reads",
    bound: CONNECTION + 10 * (CHANNEL + 2 * MIB + 64 * KIB),
    because: "10 windows of 2 MiB, a chunk each",
    run: inSessions(64, "messages of 32 KiB", (channel) => data(channel, Buffer.alloc(32_768, "x"))),
  },
  {
    name: "the same in crumbs",
    bound: CONNECTION + 10 * (CHANNEL + MIB),
    because: "10 times 4,096 pieces, then bytes only",
    run: inSessions(20_000, "messages of 1 byte", (channel) => data(channel, Buffer.from("x"))),
  },
  {
    name: "half a packet of the greatest length",
    bound: 200 * (CONNECTION + PACKET),
    because: "35,000 bytes a packet",
    run: strangers(200, "connections", Buffer.concat([version, fields(34_996), Buffer.alloc(17_000, 4)])),
  },
  {
    name: "says nothing",
    bound: 400 * CONNECTION,
    because: "64 KiB a connection",
    run: strangers(400, "connections", Buffer.alloc(0)),
  },
  {
    name: "zlib bombs",
    bound: CONNECTION + MIB,
    because: "zlib's state, a packet",
    run: flood(20_000, "messages of 34,000 zeros", () => [IGNORE, fields(Buffer.alloc(34_000))], {
      compression: "zlib",
    }),
  },
];
