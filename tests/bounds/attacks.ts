/** What is tried on the server of `npm run bounds`, and how much of it the server may keep. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { setTimeout as rest } from "node:timers/promises";
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
const [IGNORE, DEBUG, EXT_INFO, KEXINIT, USERAUTH_REQUEST, INFO_RESPONSE, GLOBAL_REQUEST] = [2, 4, 7, 20, 50, 61, 80];
const [CHANNEL_OPEN, CHANNEL_DATA, CHANNEL_REQUEST, PING] = [90, 94, 98, 192];

/** What a connection costs that has logged in and does nothing, and one that has not. */
const CONNECTION = 64 * KIB;
/** A channel with its session. */
const CHANNEL = 16 * KIB;
/** The greatest packet, RFC 4253 section 6.1. */
const PACKET = 35_000;
/** What may wait of one that has not logged in: its requests, or the lists of its KEXINIT and what is made of them. */
const STRANGER = 128 * KIB;
/** Replies owed to a peer that does not read, and as much again in the socket. */
const OWED = 2 * MIB;

const kilobyte = Buffer.alloc(KIB, "x");

function* times(count: number, packet: (i: number) => Packet): Generator<Packet> {
  for (let i = 0; i < count; i++) yield packet(i);
}

const opening = (i: number): Packet => [CHANNEL_OPEN, fields("session", i, 2 ** 31, 32_768)];
const openingOf =
  (type: string, window: number, specific: Buffer = Buffer.alloc(0)) =>
  (i: number): Packet => [CHANNEL_OPEN, Buffer.concat([fields(type, i, window, 32_768), specific])];
const request = (channel: number, type: string, specific: Buffer = Buffer.alloc(0)): Packet => [
  CHANNEL_REQUEST,
  Buffer.concat([fields(channel, type, true), specific]),
];
const data = (channel: number, bytes: Buffer): Packet => [CHANNEL_DATA, fields(channel, bytes)];

/** What became of what was sent. */
const outcome = ({ over, sent }: Peer, before: number, count: number, what: string) =>
  `${sent - before} ${what}${over ? ", then cut off" : sent - before < count ? ", then held back" : ""}`;

/** Logs in and sends so many messages. */
const flood =
  (count: number, what: string, packet: (i: number) => Packet, { reads = true, compression = "none" } = {}) =>
  async (port: number) => {
    const peer = await Peer.logIn(port, { compression });
    if (!reads) peer.stopReading();
    await peer.pour(times(count, packet));
    return outcome(peer, 0, count, what);
  };

/** Logs in and has channels. */
async function openChannels(port: number, count: number, open: (i: number) => Packet): Promise<Peer> {
  const peer = await Peer.logIn(port);
  for (let i = 0; i < count; i++) {
    await peer.pour([open(i)]);
    while (peer.mute.channels.length <= i) await rest(10);
  }
  return peer;
}

interface Channels {
  readonly open?: (i: number) => Packet;
  readonly channels?: number;
  /** Said in each before the rest. */
  readonly first?: (channel: number) => readonly Packet[];
}

/** Opens channels, 10 sessions with something that runs in each; then sends each so many messages. */
const inChannels =
  (
    count: number,
    what: string,
    packet: (channel: number, i: number) => Packet,
    { open = opening, channels = 10, first = (channel) => [request(channel, "shell")] }: Channels = {},
  ) =>
  async (port: number) => {
    const peer = await openChannels(port, channels, open);
    await peer.pour(peer.mute.channels.flatMap(first));
    const before = peer.sent;
    for (const channel of peer.mute.channels) await peer.pour(times(count, (i) => packet(channel, i)));
    return outcome(peer, before, count * channels, what);
  };

/** Many that go as far as a login and then say this. */
const atLogin = (count: number, what: string, packets: readonly Packet[]) => async (port: number) => {
  const peers: Peer[] = [];
  for (let i = 0; i < count; i++) {
    const peer = await Peer.reachLogin(port);
    peers.push(peer);
    await peer.pour(packets);
  }
  const over = peers.filter((each) => each.over).length;
  return `${count} connections, ${packets.length} ${what} each${over > 0 ? `; ${over} cut off` : ""}`;
};

/** A port of ours, where each connection is treated like this. */
async function listening(treat: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => treat(socket.on("error", () => {}))).listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Sends as long as it is read. */
function talk(socket: Socket): void {
  const chunk = Buffer.alloc(65_536, "x");
  const more = () => {
    while (socket.write(chunk));
  };
  socket.on("drain", more);
  more();
}

const directTo = (port: number) => fields("127.0.0.1", port, "127.0.0.1", 1);

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
  await rest(500); // by then they would be cut off
  const over = sockets.filter((each) => each.closed).length;
  return `${count} ${what}${over > 0 ? `, ${over} cut off` : ""}`;
};

const version = Buffer.from("SSH-2.0-Stranger\r\n");

/** Names of two characters, as many as a list may have; one that we know comes last. */
function list(bytes: number, known: string): string {
  const names = Array.from({ length: Math.floor(bytes / 3) }, (_, i) =>
    String.fromCharCode(97 + (i % 26), 97 + (Math.floor(i / 26) % 26)),
  );
  return [...names, known].join(",");
}

/** A packet before there are keys. */
function plain([number, body]: Packet): Buffer {
  const least = 8 - ((body.length + 6) % 8);
  const padding = least < 4 ? least + 8 : least;
  const packet = Buffer.concat([Buffer.of(padding, number), body, Buffer.alloc(padding)]);
  return Buffer.concat([fields(packet.length), packet]);
}

const offered = [
  "curve25519-sha256",
  "ssh-ed25519",
  "aes256-ctr",
  "aes256-ctr",
  "hmac-sha2-256-etm@openssh.com",
  "hmac-sha2-256-etm@openssh.com",
];
const kexInit: Packet = [
  KEXINIT,
  Buffer.concat([
    Buffer.alloc(16),
    fields(...offered.map((known) => list(5600, known)), "none", "none", "", ""),
    Buffer.alloc(5),
  ]),
];

const long = Buffer.alloc(34_000, "x");
const userauth = (
  user: string | Buffer,
  method: string | Buffer,
  ...specific: (string | boolean | Buffer)[]
): Packet => [USERAUTH_REQUEST, fields(user, "ssh-connection", method, ...specific)];
/** One that is taken in hand, and those that wait for it: somewhat less than 64 KiB. */
const longRequests = [
  userauth("user", "password", false, long),
  userauth(long.subarray(0, 15_000), "password", false, "wrong"),
  userauth("user", long.subarray(0, 15_000)),
  userauth("user", "password", false, long.subarray(0, 15_000)),
  userauth("user", "publickey", false, "ssh-ed25519", long.subarray(0, 15_000)),
];

const term = (modes: Buffer) => Buffer.concat([fields("xterm", 80, 24, 0, 0), fields(modes)]);
const manyModes = Buffer.from(Array.from({ length: 6800 }, (_, i) => [1 + (i % 100), 0, 0, 0, 1]).flat());

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
    run: inChannels(64, "messages of 32 KiB", (channel) => data(channel, Buffer.alloc(32_768, "x"))),
  },
  {
    name: "the same in crumbs",
    bound: CONNECTION + 10 * (CHANNEL + MIB),
    because: "10 times 4,096 pieces, then bytes only",
    run: inChannels(20_000, "messages of 1 byte", (channel) => data(channel, Buffer.from("x"))),
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
  {
    name: "a zlib bomb beyond a packet",
    bound: CONNECTION + MIB,
    because: "zlib's state, a packet",
    run: async (port) => {
      const peer = await Peer.logIn(port, { compression: "zlib@openssh.com", byHand: true });
      peer.sendCompressed(Buffer.alloc(32 * MIB));
      while (!peer.over) await rest(10);
      return outcome(peer, 0, 1, "message of 32 MiB of zeros");
    },
  },
  {
    name: "key exchange with the longest lists",
    bound: 100 * (CONNECTION + STRANGER),
    because: "128 KiB a stranger",
    run: strangers(100, "connections", Buffer.concat([version, plain(kexInit)])),
  },
  {
    name: "asks to log in by the longest strings",
    bound: 30 * (CONNECTION + STRANGER),
    because: "128 KiB a stranger",
    run: atLogin(30, "requests", longRequests),
  },
  {
    name: "the longest answers to questions",
    bound: 30 * (CONNECTION + STRANGER),
    because: "128 KiB a stranger",
    run: atLogin(30, "messages", [
      userauth("user", "keyboard-interactive", "", ""),
      [INFO_RESPONSE, Buffer.concat([fields(1), fields(long)])],
    ]),
  },
  {
    name: "EXT_INFO of 64 long extensions",
    bound: 30 * (CONNECTION + PACKET),
    because: "64 extensions, a packet",
    run: async (port) => {
      const extensions = Array.from({ length: 64 }, (_, i) => fields(`extension-${i}`, Buffer.alloc(500, "x")));
      const first: Packet = [EXT_INFO, Buffer.concat([fields(64), ...extensions])];
      for (let i = 0; i < 30; i++) await Peer.logIn(port, { first });
      return "30 connections";
    },
  },
  {
    name: "openings that nobody decides on",
    bound: CONNECTION + 32 * (CHANNEL + PACKET) + OWED,
    because: "32 openings, a packet each",
    run: flood(1000, "openings of 34,000 bytes", openingOf("never", 2 ** 31, long)),
  },
  {
    name: "channel requests whose answers wait",
    bound: CONNECTION + 10 * (CHANNEL + 64 * PACKET),
    because: "10 times 64 requests, a packet each",
    run: inChannels(64, "requests of 34,000 bytes", (channel) => request(channel, "wait", long), {
      open: openingOf("undecided", 2 ** 31),
      first: () => [],
    }),
  },
  {
    name: "one more of them on each channel",
    bound: CONNECTION + 10 * (CHANNEL + PACKET) + 64 * PACKET,
    because: "64 requests of one channel, 1 of an ended one",
    run: inChannels(65, "requests of 34,000 bytes", (channel) => request(channel, "wait", long), {
      open: openingOf("undecided", 2 ** 31),
      first: () => [],
    }),
  },
  {
    name: "long channel requests that nobody knows",
    bound: CONNECTION + 10 * CHANNEL,
    because: "nothing is kept",
    run: inChannels(200, "requests of 34,000 bytes", (channel) => request(channel, "nonsense", long)),
  },
  {
    name: "the longest commands",
    bound: CONNECTION + 10 * (CHANNEL + 2 * PACKET),
    because: "10 commands, as bytes and as text",
    run: inChannels(1, "commands of 34,000 bytes", (channel) => request(channel, "exec", fields(long)), {
      first: () => [],
    }),
  },
  {
    name: "terminals with the longest modes",
    bound: CONNECTION + 10 * CHANNEL,
    because: "modes are not kept",
    run: inChannels(50, "requests with 6,800 modes", (channel) => request(channel, "pty-req", term(manyModes)), {
      first: () => [],
    }),
  },
  {
    name: "many long variables",
    bound: CONNECTION + 10 * (CHANNEL + 64 * KIB),
    because: "10 times 128 variables in 64 KiB",
    run: inChannels(
      1000,
      "variables of 500 bytes",
      (channel, i) => request(channel, "env", fields(`LC_${i}`, kilobyte.subarray(0, 500))),
      { first: () => [] },
    ),
  },
  {
    name: "terminals that write, never read",
    bound: CONNECTION + 10 * (CHANNEL + 64 * KIB) + OWED,
    because: "10 times 64 KiB, 1 MiB for the socket",
    run: async (port) => {
      const peer = await openChannels(port, 10, opening);
      peer.stopReading();
      const all = peer.mute.channels;
      await peer.pour(all.flatMap((each) => [request(each, "pty-req", term(Buffer.alloc(0)))]));
      await peer.pour(all.map((each) => request(each, "exec", fields("talk"))));
      return "10 terminals";
    },
  },
  {
    name: "types into terminals, takes no echo",
    bound: CONNECTION + 10 * (CHANNEL + 64 * KIB),
    because: "10 lines of 4 KiB and their echo",
    run: inChannels(64, "messages of 32 KiB", (channel) => data(channel, Buffer.alloc(32_768, "x")), {
      open: openingOf("session", 0),
      first: (channel) => [request(channel, "pty-req", term(Buffer.alloc(0))), request(channel, "shell")],
    }),
  },
  {
    name: "talks in crumbs to an echo, never reads",
    bound: CONNECTION + 4 * (CHANNEL + 4 * MIB),
    because: "4 windows of 2 MiB, and 2 MiB of answers each",
    run: inChannels(100_000, "messages of 1 byte", (channel) => data(channel, Buffer.from("x")), {
      open: openingOf("echo", 0),
      channels: 4,
      first: () => [],
    }),
  },
  {
    name: "forwards to what never reads",
    bound: CONNECTION + 16 * (CHANNEL + 2 * MIB + 64 * KIB),
    because: "16 windows of 2 MiB, a chunk each",
    run: async (port) => {
      const sink = await listening((socket) => socket.pause());
      const peer = await openChannels(port, 16, openingOf("direct-tcpip", 2 ** 31, directTo(sink)));
      const before = peer.sent;
      for (let looks = 0; looks < 40; looks++, await rest(25)) {
        for (const [i, channel] of peer.mute.channels.entries()) {
          for (; peer.mute.windows[i]! >= 32_768; looks = 0) {
            peer.mute.windows[i]! -= 32_768;
            await peer.pour([data(channel, Buffer.alloc(32_768, "x"))]);
          }
        }
      }
      return outcome(peer, before, peer.sent - before, "messages of 32 KiB");
    },
  },
  {
    name: "forwards from what never ends, never reads",
    bound: CONNECTION + 200 * (CHANNEL + 128 * KIB),
    because: "200 times two chunks of 64 KiB",
    run: async (port) => {
      const source = await listening(talk);
      return inChannels(0, "messages; 200 channels", () => [IGNORE, fields("")], {
        open: openingOf("direct-tcpip", 0, directTo(source)),
        channels: 200,
        first: () => [],
      })(port);
    },
  },
  {
    name: "asks to listen again and again",
    bound: CONNECTION + 64 * CHANNEL + OWED,
    because: "64 listeners, 1 MiB of replies owed",
    run: flood(5000, "requests", () => [GLOBAL_REQUEST, fields("tcpip-forward", true, "127.0.0.1", 0)]),
  },
];
