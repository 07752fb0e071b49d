import { Deferred } from "@strombus/reactor/defer";
import { ConnectionLost } from "@strombus/reactor/error";
import { KeyError } from "@strombus/reactor/exceptions";
import { adapt } from "@strombus/reactor/components";
import { capturedLogs, formatEvent } from "@strombus/reactor/logger";
import { beforeEach, describe, expect, test } from "vitest";
import { failures, FakeTransport, loggedErrors, open, pair } from "../channel/fixtures.test.support.js";
import { ConchUser } from "../avatar.js";
import { ConchError, ProtocolError } from "../error.js";
import { ISession } from "../interfaces.js";
import { SSHChannel } from "./channel.js";
import { NS } from "./common.js";
import * as connection from "./connection.js";
import { SSHConnection } from "./connection.js";

const {
  MSG_CHANNEL_CLOSE: CLOSE,
  MSG_CHANNEL_DATA: DATA,
  MSG_CHANNEL_EOF: EOF,
  MSG_CHANNEL_FAILURE: FAILURE,
  MSG_CHANNEL_OPEN_FAILURE: OPEN_FAILURE,
  MSG_CHANNEL_REQUEST: REQUEST,
  MSG_CHANNEL_SUCCESS: SUCCESS,
  MSG_CHANNEL_WINDOW_ADJUST: WINDOW_ADJUST,
} = connection;

const u32 = (...values: number[]) => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  return bytes;
};
const join = (...parts: (Buffer | string)[]) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const hex = (...parts: (Buffer | string)[]) => join(...parts).toString("hex");
const EMPTY = Buffer.alloc(0);
const WANT_REPLY = Buffer.of(0xff);
const NO_REPLY = Buffer.of(0);

/** Writes down what is done to it. */
class TestChannel extends SSHChannel {
  override name: string | null = "TestChannel";
  events: string[] = [];
  reason: Error | null = null;
  openData: Buffer | null = null;
  override channelOpen(data: Buffer): void {
    this.openData = data;
    this.events.push("open");
  }
  override openFailed(reason: Error): void {
    this.reason = reason;
    this.events.push("openFailed");
  }
  override dataReceived(data: Buffer): void {
    this.events.push(`data ${data.toString()}`);
  }
  override extReceived(type: number, data: Buffer): void {
    this.events.push(`ext ${type} ${data.toString()}`);
  }
  override eofReceived(): void {
    this.events.push("eof");
  }
  override closeReceived(): void {
    this.events.push("closeReceived");
  }
  override closed(): void {
    this.events.push("closed");
  }
  request_test(data: Buffer): unknown {
    this.events.push(`request ${data.toString()}`);
    return data.length === 0;
  }
}

class TestConnection extends SSHConnection {
  made: TestChannel[] = [];
  channel_TestChannel(windowSize: number, maxPacket: number, data: Buffer): TestChannel {
    const made = new TestChannel({ remoteWindow: windowSize, remoteMaxPacket: maxPacket, data });
    this.made.push(made);
    return made;
  }
  channel_session(windowSize: number, maxPacket: number, data: Buffer): TestChannel {
    return this.channel_TestChannel(windowSize, maxPacket, data);
  }
  channel_error(): SSHChannel {
    throw new Error("no");
  }
  channel_conch_error(): SSHChannel {
    throw new ConchError(connection.OPEN_ADMINISTRATIVELY_PROHIBITED, "not here");
  }
  channel_no_code(): SSHChannel {
    throw new ConchError("only text");
  }
  global_TestGlobal(): boolean {
    return true;
  }
  global_Test_Data(data: Buffer): readonly [boolean, Buffer] {
    return [true, data];
  }
}

let conn: TestConnection;
let transport: FakeTransport;
beforeEach(() => {
  conn = new TestConnection();
  transport = new FakeTransport().of(conn);
  conn.serviceStarted();
});

const channelOpen = (type: string, senderChannel = 1, window = 2, maxPacket = 3, data = "data") =>
  conn.ssh_CHANNEL_OPEN(join(NS(type), u32(senderChannel, window, maxPacket), data));

/** The error that a Deferred or Promise fails with. */
const failure = async (result: PromiseLike<unknown> | null): Promise<unknown> => {
  try {
    await result;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
};

describe("the service", () => {
  test("the avatar knows its connection from the start", () => {
    const avatar: { conn: SSHConnection | null } = { conn: null };
    transport.avatar = avatar;
    conn.serviceStarted();
    expect(avatar.conn).toBe(conn);
  });

  test("a null avatar fails at the start", () => {
    transport.avatar = null;
    expect(() => conn.serviceStarted()).toThrow(TypeError);
  });

  test("when it stops, open channels are closed, opening ones fail, and waiting requests too", async () => {
    const isOpen = open(conn, new TestChannel());
    const opening = new TestChannel();
    const opened = conn.openChannel(opening);
    const global = conn.sendGlobalRequest("global", "", true);
    const request = conn.sendRequest(isOpen, "request", "", true);
    conn.serviceStopped();
    expect(isOpen.events).toEqual(["closed"]);
    expect(opening.events).toEqual(["openFailed"]);
    expect(opening.reason).toBeInstanceOf(ConnectionLost);
    expect(await failure(opened)).toBe(opening.reason);
    expect(((await failure(global)) as ConchError).value).toBe("Connection stopped.");
    expect(((await failure(request)) as ConchError).value).toBe("Channel closed.");
    expect(conn.channels.size + conn.localToRemoteChannel.size + conn.channelsToRemoteChannel.size).toBe(0);
  });

  test("after its end what is asked of it fails at once", async () => {
    conn.serviceStopped();
    const late = new TestChannel();
    expect(await failure(conn.openChannel(late))).toBeInstanceOf(ConnectionLost);
    expect(late.events).toEqual(["openFailed"]);
    expect(await failure(conn.sendGlobalRequest("global", "", true))).toBeInstanceOf(ConchError);
    expect(conn.sendGlobalRequest("global", "")).toBeNull();
  });

  test("on another transport it begins anew, as for a client that reconnects, and also without the original serviceStarted", () => {
    const late = new Deferred<[boolean, string]>();
    const waits = { lookupChannel: () => late, gotGlobalRequest: () => late };
    transport.avatar = waits;
    conn.packetReceived(80, join(NS("slow"), WANT_REPLY));
    conn.packetReceived(90, join(NS("slow"), u32(7, 100, 100)));
    const before = open(conn, new TestChannel());
    conn.stopWriting();
    conn.serviceStopped();

    const next = new FakeTransport().of(conn);
    next.avatar = { gotGlobalRequest: () => true };
    const opened = new TestChannel();
    void conn.openChannel(opened);
    expect(next.take()).toEqual([[90, hex(NS("TestChannel"), u32(opened.id!, 2 ** 21, 2 ** 15))]]);
    conn.packetReceived(91, u32(opened.id!, 3, 100, 100));
    opened.write("hello");
    conn.packetReceived(80, join(NS("quick"), WANT_REPLY));
    expect(next.take().map(([number]) => number)).toEqual([DATA, 81]);
    late.callback([true, "for the one before"]);
    expect([next.packets, transport.packets]).toEqual([[], []]);
    expect([before.events, opened.events]).toEqual([["closed"], ["open"]]);
  });

  test("messages find their handlers by number", () => {
    const channel = open(conn, new TestChannel());
    conn.packetReceived(DATA, join(u32(0), NS("data")));
    conn.packetReceived(EOF, u32(0));
    conn.packetReceived(79, EMPTY);
    expect(channel.events).toEqual(["data data", "eof"]);
    expect(transport.unimplemented).toBe(1);
  });

  test("the table for channel types keeps letters and digits", () => {
    expect(connection.TRANSLATE_TABLE.filter((character) => character !== "_").join("")).toBe(connection.alphanums);
    expect(connection.TRANSLATE_TABLE).toHaveLength(256);
  });
});

describe("global requests", () => {
  const request = (type: string, wantReply: Buffer, data = "") =>
    conn.ssh_GLOBAL_REQUEST(join(NS(type), wantReply, data));

  test("true is SUCCESS without data, a pair is SUCCESS with data, false is FAILURE", () => {
    request("TestGlobal", WANT_REPLY);
    request("Test-Data", WANT_REPLY, "test data");
    request("Unknown", WANT_REPLY);
    expect(transport.packets).toEqual([
      [81, ""],
      [81, hex("test data")],
      [82, ""],
    ]);
  });

  test("a request that wants no reply gets none", () => {
    request("TestGlobal", NO_REPLY);
    request("Unknown", NO_REPLY);
    expect(transport.packets).toEqual([]);
  });

  test("the avatar answers when there is one", () => {
    const asked: [string, string][] = [];
    transport.avatar = { gotGlobalRequest: (type: string, data: Buffer) => asked.push([type, data.toString()]) };
    request("TestGlobal", WANT_REPLY, "x");
    expect(asked).toEqual([["TestGlobal", "x"]]);
  });

  test("C6: replies keep the order of the requests when handlers are slow", async () => {
    const answers: ((value: boolean) => void)[] = [];
    conn.gotGlobalRequest = (type) => (type === "slow" ? new Promise((resolve) => answers.push(resolve)) : true);
    request("slow", WANT_REPLY);
    request("fast", WANT_REPLY);
    expect(transport.packets).toEqual([]);
    answers[0]!(false);
    await Promise.resolve();
    expect(transport.packets.map(([number]) => number)).toEqual([82, 81]);
  });

  test("R1: a handler that throws or rejects is logged, and the request fails", () => {
    const error = new Error("handler");
    conn.gotGlobalRequest = () => {
      throw error;
    };
    const later = new Deferred<boolean>();
    expect(loggedErrors(() => request("one", WANT_REPLY))).toEqual([error]);
    conn.gotGlobalRequest = () => later;
    request("two", WANT_REPLY);
    expect(loggedErrors(() => later.errback(error))).toEqual([error]);
    expect(transport.packets.map(([number]) => number)).toEqual([82, 82]);
  });

  test("C7: too many that wait end the connection", () => {
    conn.maxPendingRequests = 2;
    conn.gotGlobalRequest = () => new Deferred<boolean>();
    for (const type of ["one", "two"]) request(type, WANT_REPLY);
    expect(transport.disconnects).toEqual([]);
    request("three", WANT_REPLY);
    expect(transport.disconnects.map(([reason]) => reason)).toEqual([11]);
  });

  test("R11: the bytes of one that waits are its own", () => {
    const got: string[] = [];
    const first = new Deferred<boolean>();
    conn.gotGlobalRequest = (type, data) => {
      got.push(data.toString());
      return type === "one" ? first : true;
    };
    for (const type of ["one", "two"]) {
      const packet = join(NS(type), WANT_REPLY, "data");
      conn.ssh_GLOBAL_REQUEST(packet);
      packet.fill(0);
    }
    first.callback(true);
    expect(got).toEqual(["data", "data"]);
  });

  test("replies to ours resolve the oldest, or fail it with their data", async () => {
    const first = conn.sendGlobalRequest("first", "data", true);
    const second = conn.sendGlobalRequest("second", "data", true);
    expect(conn.sendGlobalRequest("third", "data")).toBeNull();
    expect(transport.packets).toEqual([
      [80, hex(NS("first"), WANT_REPLY, "data")],
      [80, hex(NS("second"), WANT_REPLY, "data")],
      [80, hex(NS("third"), NO_REPLY, "data")],
    ]);
    conn.ssh_REQUEST_SUCCESS(Buffer.from("yes"));
    conn.ssh_REQUEST_FAILURE(Buffer.from("no"));
    expect(String(await first)).toBe("yes");
    const error = (await failure(second)) as ConchError;
    expect([error.value, String(error.data)]).toEqual(["global request failed", "no"]);
  });

  test("C2: of a reply that nobody waits for nothing comes: lsh has one for each that wants none", async () => {
    conn.ssh_REQUEST_SUCCESS(EMPTY);
    conn.ssh_REQUEST_FAILURE(EMPTY);
    expect(transport.disconnects).toEqual([]);
    const next = conn.sendGlobalRequest("next", "", true);
    conn.ssh_REQUEST_SUCCESS(Buffer.from("its own"));
    expect(String(await next)).toBe("its own");
  });
});

describe("channels that the peer opens", () => {
  test("one that is made is confirmed with its windows, and told the peer's data", () => {
    const avatarless = conn.channel_TestChannel.bind(conn);
    conn.channel_TestChannel = (...args) => Object.assign(avatarless(...args), { specificData: "specific" });
    SSHChannel.defaultWindow = 131072;
    channelOpen("TestChannel", 1);
    SSHChannel.defaultWindow = 2097152;
    const channel = conn.made[0]!;
    expect(transport.packets).toEqual([[91, hex(u32(1, 0, 0x20000, 0x8000), "specific")]]);
    expect([String(channel.data), String(channel.openData)]).toEqual(["data", "data"]);
    expect([channel.remoteWindowLeft, channel.remoteMaxPacket, channel.id]).toEqual([2, 3, 0]);
    expect(channel.conn).toBe(conn);
    expect(conn.localToRemoteChannel.get(0)).toBe(1);
    expect(conn.channelsToRemoteChannel.get(channel)).toBe(1);
    expect(conn.localChannelID).toBe(1);
  });

  for (const [type, code, text] of [
    ["unknown", 3, "unknown channel"],
    ["constructor", 3, "unknown channel"],
    ["error", 2, "unknown failure"],
    ["conch-error", 1, "not here"],
    ["no-code", 2, "only text"],
  ] as const) {
    test(`${type} is refused with code ${code}, "${text}"`, () => {
      expect(loggedErrors(() => channelOpen(type, 7))).toHaveLength(1);
      expect(transport.packets).toEqual([[OPEN_FAILURE, hex(u32(7, code), NS(text), NS(""))]]);
      expect(conn.channels.size).toBe(0);
    });
  }

  test("the avatar makes them when there is one", () => {
    const asked: unknown[] = [];
    transport.avatar = {
      lookupChannel: (...args: unknown[]) => {
        asked.push(...args);
        return new TestChannel();
      },
    };
    channelOpen("any", 1, 2, 3, "x");
    expect(asked).toEqual(["any", 2, 3, Buffer.from("x")]);
    transport.avatar = { lookupChannel: () => null };
    expect(loggedErrors(() => channelOpen("any"))).toHaveLength(1);
    expect(transport.packets.map(([number]) => number)).toEqual([91, OPEN_FAILURE]);
  });

  test("a decision may come later; one that comes too late is dropped", () => {
    const first = new Deferred<SSHChannel>();
    const second = new Deferred<SSHChannel>();
    transport.avatar = { conn: null, lookupChannel: (type: string) => (type === "first" ? first : second) };
    channelOpen("first");
    channelOpen("second");
    expect(transport.packets).toEqual([]);
    first.callback(new TestChannel());
    expect(transport.take().map(([number]) => number)).toEqual([91]);
    conn.serviceStopped();
    second.callback(new TestChannel());
    expect(transport.packets).toEqual([]);
  });

  test("R1: a channel that fails as it opens is closed, after its confirmation", () => {
    transport.avatar = {
      lookupChannel: () => Object.assign(new TestChannel(), { channelOpen: () => Promise.reject(new Error("no")) }),
    };
    channelOpen("any", 9);
    transport.avatar = {
      lookupChannel: () =>
        Object.assign(new TestChannel(), {
          channelOpen() {
            throw new Error("no");
          },
        }),
    };
    expect(loggedErrors(() => channelOpen("any", 9))).toHaveLength(1);
    expect(transport.packets.map(([number]) => number)).toEqual([91, 91, CLOSE]);
  });

  test("C3: a maximum packet of 0 is refused", () => {
    channelOpen("TestChannel", 1, 2, 0);
    expect(transport.packets.map(([number]) => number)).toEqual([OPEN_FAILURE]);
  });

  test("C7: over its number of channels, sessions or decisions the connection refuses for want of resources", () => {
    const refused = () => transport.take().filter(([, body]) => body.startsWith(hex(u32(1, 4)))).length;
    conn.maxChannels = 4;
    conn.maxSessions = 2;
    conn.maxPendingOpens = 1;
    for (let i = 0; i < 3; i++) channelOpen("session");
    expect([conn.channels.size, refused()]).toEqual([2, 1]);
    conn.getChannel = () => new Deferred<SSHChannel>();
    for (let i = 0; i < 2; i++) channelOpen("TestChannel");
    expect(refused()).toBe(1);
    conn.maxPendingOpens = 32;
    for (let i = 0; i < 2; i++) channelOpen("TestChannel");
    expect(refused()).toBe(1);
  });

  test("C7: a closed session makes room for another", () => {
    conn.maxSessions = 1;
    channelOpen("session");
    conn.sendClose(conn.made[0]!);
    conn.ssh_CHANNEL_CLOSE(u32(0));
    channelOpen("session");
    expect(conn.channels.size).toBe(1);
  });
});

describe("channels that we open", () => {
  test("the request has the type, our number, our windows and the extra data", () => {
    void conn.openChannel(new TestChannel({ localWindow: 5, localMaxPacket: 6 }), "extra");
    expect(transport.packets).toEqual([[90, hex(NS("TestChannel"), u32(0, 5, 6), "extra")]]);
    expect(conn.localChannelID).toBe(1);
  });

  test("a confirmation opens the channel with the peer's windows and data", async () => {
    const channel = new TestChannel();
    const opened = conn.openChannel(channel);
    conn.ssh_CHANNEL_OPEN_CONFIRMATION(join(u32(0, 9, 10, 11), "specific"));
    expect([channel.remoteWindowLeft, channel.remoteMaxPacket, String(channel.openData)]).toEqual([10, 11, "specific"]);
    expect([conn.localToRemoteChannel.get(0), conn.channelsToRemoteChannel.get(channel)]).toEqual([9, 9]);
    expect(channel.conn).toBe(conn);
    expect(await opened).toBe(channel);
  });

  test("a refusal fails it with text and code", async () => {
    const channel = new TestChannel();
    const opened = conn.openChannel(channel);
    conn.ssh_CHANNEL_OPEN_FAILURE(join(u32(0, 3), NS("unknown"), NS("")));
    expect((channel.reason as ConchError).args).toEqual(["unknown", 3]);
    expect(channel.conn).toBe(conn);
    expect(conn.channels.size).toBe(0);
    expect(await failure(opened)).toBe(channel.reason);
  });

  test("C2: an answer that was not asked for ends the connection, without an exception", () => {
    open(conn, new TestChannel());
    for (const number of [0, 5]) {
      conn.ssh_CHANNEL_OPEN_CONFIRMATION(u32(number, 0, 0, 0));
      conn.ssh_CHANNEL_OPEN_FAILURE(join(u32(number, 1), NS(""), NS("")));
    }
    expect(transport.disconnects.map(([reason]) => reason)).toEqual([2, 2, 2, 2]);
  });

  test("what is written, ended and closed before the confirmation goes out after it, in order", () => {
    const channel = new TestChannel({ conn });
    void conn.openChannel(channel);
    channel.write("early");
    void conn.sendRequest(channel, "test", "");
    conn.sendEOF(channel);
    channel.loseConnection();
    transport.take();
    conn.ssh_CHANNEL_OPEN_CONFIRMATION(u32(0, 9, 100, 100));
    expect(transport.packets).toEqual([
      [DATA, hex(u32(9), NS("early"))],
      [REQUEST, hex(u32(9), NS("test"), NO_REPLY)],
      [EOF, hex(u32(9))],
      [CLOSE, hex(u32(9))],
    ]);
  });

  test("EOF and requests wait for the confirmation without data, too", () => {
    const channel = new TestChannel({ conn });
    void conn.openChannel(channel);
    conn.sendEOF(channel);
    void conn.sendRequest(channel, "window-change", "");
    transport.take();
    conn.ssh_CHANNEL_OPEN_CONFIRMATION(u32(0, 9, 100, 100));
    expect(transport.packets.map(([number]) => number)).toEqual([EOF, REQUEST]);
  });

  test("a channel given up while it was being opened is closed when it is open", () => {
    const channel = new TestChannel({ conn });
    void conn.openChannel(channel);
    channel.loseConnection();
    transport.take();
    conn.ssh_CHANNEL_OPEN_CONFIRMATION(u32(0, 9, 100, 100));
    expect(transport.packets).toEqual([[CLOSE, hex(u32(9))]]);
  });
});

describe("data", () => {
  for (const [kind, receive, event] of [
    ["data", (data: string) => conn.ssh_CHANNEL_DATA(join(u32(0), NS(data))), "data "],
    ["extended data", (data: string) => conn.ssh_CHANNEL_EXTENDED_DATA(join(u32(0, 1), NS(data))), "ext 1 "],
  ] as const) {
    test(`${kind} gives window back before it is delivered`, () => {
      const channel = open(conn, new TestChannel({ localWindow: 6, localMaxPacket: 5 }));
      const sentBefore: number[] = [];
      const note = () => sentBefore.push(transport.packets.length);
      Object.assign(channel, { dataReceived: note, extReceived: note });
      receive("data");
      expect(sentBefore).toEqual([1]);
      expect(transport.packets).toEqual([[WINDOW_ADJUST, hex(u32(255, 4))]]);
      expect(channel.localWindowLeft).toBe(6);
    });

    test(`${kind} is delivered`, () => {
      const channel = open(conn, new TestChannel());
      receive("data");
      expect(channel.events).toEqual([`${event}data`]);
    });

    test(`${kind} over the window or the maximum packet closes the channel and is dropped`, () => {
      for (const [localWindow, localMaxPacket] of [
        [4, 100],
        [100, 4],
      ] as const) {
        const channel = new TestChannel({ localWindow, localMaxPacket });
        conn.localChannelID = 0;
        open(conn, channel);
        receive("12345");
        receive("12345");
        expect(transport.take()).toEqual([[CLOSE, hex(u32(255))]]);
        expect(channel.events).toEqual([]);
      }
    });
  }

  test("window is added to what the channel may send", () => {
    const channel = open(conn, new TestChannel({ remoteWindow: 1 }));
    conn.ssh_CHANNEL_WINDOW_ADJUST(u32(0, 10));
    expect(channel.remoteWindowLeft).toBe(11);
  });

  test("C3: a window past 2^32 - 1 ends the connection", () => {
    open(conn, new TestChannel({ remoteWindow: 2 ** 32 - 2 }));
    conn.ssh_CHANNEL_WINDOW_ADJUST(u32(0, 1));
    expect(transport.disconnects).toEqual([]);
    conn.ssh_CHANNEL_WINDOW_ADJUST(u32(0, 1));
    expect(transport.disconnects.map(([reason]) => reason)).toEqual([2]);
  });

  test("T7: a message with bytes missing or left over is a protocol error", () => {
    open(conn, new TestChannel());
    expect(() => conn.ssh_CHANNEL_DATA(join(u32(0, 5), "1234"))).toThrow(ProtocolError);
    expect(() => conn.ssh_CHANNEL_DATA(join(u32(0, 1), "12"))).toThrow(ProtocolError);
    expect(() => conn.ssh_CHANNEL_EOF(join(u32(0), "x"))).toThrow(ProtocolError);
  });

  test("C1: data, EOF, requests and closes for a channel that is not open end the connection", () => {
    void conn.openChannel(new TestChannel());
    for (const number of [0, 7]) {
      conn.ssh_CHANNEL_DATA(join(u32(number), NS("data")));
      conn.ssh_CHANNEL_EXTENDED_DATA(join(u32(number, 1), NS("data")));
      conn.ssh_CHANNEL_EOF(u32(number));
      conn.ssh_CHANNEL_CLOSE(u32(number));
      conn.ssh_CHANNEL_REQUEST(join(u32(number), NS("test"), WANT_REPLY));
    }
    expect(transport.disconnects.map(([reason]) => reason)).toEqual(new Array(10).fill(2));
  });

  test("C1: a request that wants no reply is ignored until the channel that we open is confirmed, as net-ssh sends env", () => {
    const channel = new TestChannel();
    void conn.openChannel(channel);
    conn.ssh_CHANNEL_REQUEST(join(u32(0), NS("env"), NO_REPLY, NS("LANG"), NS("C")));
    conn.ssh_CHANNEL_OPEN_CONFIRMATION(u32(0, 4, 100, 100));
    expect([transport.disconnects, channel.events]).toEqual([[], ["open"]]);
    conn.ssh_CHANNEL_REQUEST(join(u32(1), NS("env"), NO_REPLY, NS("LANG"), NS("C")));
    expect(transport.disconnects).toHaveLength(1);
  });

  test("C1: a window or a reply for a channel that is gone is ignored", () => {
    conn.ssh_CHANNEL_WINDOW_ADJUST(u32(0, 10));
    conn.ssh_CHANNEL_SUCCESS(u32(0));
    conn.ssh_CHANNEL_FAILURE(u32(0));
    expect([transport.disconnects, transport.packets]).toEqual([[], []]);
  });

  test("C5: after EOF no data is delivered, and EOF comes once", () => {
    const channel = open(conn, new TestChannel());
    conn.ssh_CHANNEL_EOF(u32(0));
    conn.ssh_CHANNEL_EOF(u32(0));
    conn.ssh_CHANNEL_DATA(join(u32(0), NS("data")));
    expect(channel.events).toEqual(["eof"]);
  });

  test("R1: a hook that throws or rejects is logged and closes its channel alone", async () => {
    const bad = open(conn, new TestChannel());
    const worse = open(conn, new TestChannel());
    const good = open(conn, new TestChannel());
    bad.dataReceived = () => {
      throw new Error("bad");
    };
    Object.assign(worse, { eofReceived: () => Promise.reject(new Error("worse")) });
    const events = capturedLogs(() => {
      conn.ssh_CHANNEL_DATA(join(u32(0), NS("data")));
      conn.ssh_CHANNEL_DATA(join(u32(2), NS("data")));
    });
    expect(failures(events)).toHaveLength(1);
    conn.ssh_CHANNEL_EOF(u32(1));
    await Promise.resolve();
    await Promise.resolve();
    expect([bad.localClosed, worse.localClosed, good.localClosed]).toEqual([true, true, false]);
    expect(good.events).toEqual(["data data"]);
    expect(transport.disconnects).toEqual([]);
  });
});

describe("closing", () => {
  test("the peer's CLOSE after ours ends the channel", () => {
    const channel = open(conn, new TestChannel());
    conn.sendClose(channel);
    conn.ssh_CHANNEL_CLOSE(u32(0));
    expect(channel.events).toEqual(["closeReceived", "closed"]);
    expect(conn.channels.size).toBe(0);
  });

  test("C5: the peer's CLOSE is answered once, whatever the channel does about it", () => {
    for (const channel of [new TestChannel(), new SSHChannel()]) {
      conn.localChannelID = 0;
      open(conn, channel);
      conn.ssh_CHANNEL_CLOSE(u32(0));
      expect(transport.take()).toEqual([[CLOSE, hex(u32(255))]]);
      expect([channel.localClosed, channel.remoteClosed, conn.channels.size]).toEqual([true, true, 0]);
      if (channel instanceof TestChannel) expect(channel.events).toEqual(["closeReceived", "closed"]);
    }
  });

  test("the answer waits for a closeReceived that takes its time; meanwhile nothing is delivered", () => {
    const channel = open(conn, new TestChannel());
    const done = new Deferred<void>();
    Object.assign(channel, { closeReceived: () => done });
    conn.ssh_CHANNEL_CLOSE(u32(0));
    conn.ssh_CHANNEL_DATA(join(u32(0), NS("data")));
    conn.ssh_CHANNEL_EOF(u32(0));
    expect(transport.take()).toEqual([]);
    done.callback(undefined);
    expect(transport.take()).toEqual([[CLOSE, hex(u32(255))]]);
    expect(channel.events).toEqual(["closed"]);
  });

  test("R1: a closeReceived that fails is logged, and the CLOSE answered", () => {
    const channel = open(conn, new TestChannel());
    channel.closeReceived = () => {
      throw new Error("no");
    };
    expect(loggedErrors(() => conn.ssh_CHANNEL_CLOSE(u32(0)))).toHaveLength(1);
    expect(channel.events).toEqual(["closed"]);
  });

  test("C5: after our CLOSE only the peer's counts", () => {
    const channel = open(conn, new TestChannel());
    conn.sendClose(channel);
    transport.take();
    conn.ssh_CHANNEL_DATA(join(u32(0), NS("data")));
    conn.ssh_CHANNEL_EOF(u32(0));
    conn.ssh_CHANNEL_REQUEST(join(u32(0), NS("test"), WANT_REPLY));
    conn.ssh_CHANNEL_WINDOW_ADJUST(u32(0, 1));
    expect([channel.events, transport.packets, transport.disconnects]).toEqual([[], [], []]);
  });

  test("output that waits when the peer closes is dropped, and what is written later", () => {
    const channel = open(conn, new SSHChannel({ remoteMaxPacket: 10 }));
    channel.write("waits");
    conn.ssh_CHANNEL_CLOSE(u32(0));
    channel.write("late");
    channel.addWindowBytes(100);
    expect(transport.packets).toEqual([[CLOSE, hex(u32(255))]]);
  });

  test("what a channel writes as the peer closes is dropped", () => {
    const channel = open(conn, new TestChannel({ remoteWindow: 100, remoteMaxPacket: 100 }));
    channel.closeReceived = () => {
      channel.write("late");
      channel.writeExtended(1, "late");
    };
    conn.ssh_CHANNEL_CLOSE(u32(0));
    expect(transport.packets).toEqual([[CLOSE, hex(u32(255))]]);
  });

  test("channelClosed fails the requests that wait, and happens once", async () => {
    const channel = open(conn, new TestChannel());
    const request = conn.sendRequest(channel, "test", "", true);
    conn.channelClosed(channel);
    conn.channelClosed(channel);
    expect(channel.events).toEqual(["closed"]);
    expect(((await failure(request)) as ConchError).value).toBe("Channel closed.");
  });
});

describe("requests on channels", () => {
  const request = (type: string, wantReply: Buffer, data = "", recipient = 0) =>
    conn.ssh_CHANNEL_REQUEST(join(u32(recipient), NS(type), wantReply, data));

  test("replies carry the peer's number of the channel", () => {
    open(conn, new TestChannel());
    request("test", WANT_REPLY);
    request("test", WANT_REPLY, "false");
    request("unknown", WANT_REPLY);
    request("test", NO_REPLY);
    expect(transport.packets).toEqual([
      [SUCCESS, hex(u32(255))],
      [FAILURE, hex(u32(255))],
      [FAILURE, hex(u32(255))],
    ]);
  });

  test("R1: a handler that throws or rejects is logged, and the request fails", () => {
    const channel = open(conn, new TestChannel());
    const later = new Deferred<boolean>();
    channel.request_test = () => {
      throw new Error("no");
    };
    expect(loggedErrors(() => request("test", WANT_REPLY))).toHaveLength(1);
    channel.request_test = () => later;
    request("test", WANT_REPLY);
    expect(loggedErrors(() => later.errback(new Error("no")))).toHaveLength(1);
    expect(transport.packets.map(([number]) => number)).toEqual([FAILURE, FAILURE]);
    expect(channel.localClosed).toBe(false);
  });

  test("one that takes a session, where the avatar has none, is one line in the log, and no failure", () => {
    const channel = open(conn, new TestChannel());
    channel.request_test = () => Boolean(adapt(ISession, new ConchUser()));
    const events = capturedLogs(() => request("test", WANT_REPLY));
    expect(failures(events)).toEqual([]);
    expect(events.map((event) => formatEvent(event))).toEqual([
      expect.stringMatching(/^refused test on .*: could not adapt ConchUser to ISession$/),
    ]);
    expect(transport.packets).toEqual([[FAILURE, hex(u32(255))]]);
  });

  test("C6: requests run one at a time, and replies keep their order", () => {
    const channel = open(conn, new TestChannel());
    const answers: Deferred<boolean>[] = [];
    channel.request_test = (data) => {
      channel.events.push(`request ${data.toString()}`);
      answers.push(new Deferred());
      return answers.at(-1);
    };
    request("test", WANT_REPLY, "one");
    request("test", WANT_REPLY, "two");
    request("unknown", WANT_REPLY);
    expect(channel.events).toEqual(["request one"]);
    answers[0]!.callback(true);
    expect(channel.events).toEqual(["request one", "request two"]);
    answers[1]!.callback(true);
    expect(transport.packets.map(([number]) => number)).toEqual([SUCCESS, SUCCESS, FAILURE]);
  });

  test("a reply that comes after the channel has closed is dropped, and what waited behind it too", () => {
    const channel = open(conn, new TestChannel());
    const answer = new Deferred<boolean>();
    channel.request_test = () => answer;
    request("test", WANT_REPLY);
    request("test", WANT_REPLY);
    conn.sendClose(channel);
    conn.ssh_CHANNEL_CLOSE(u32(0));
    transport.take();
    answer.callback(true);
    expect(transport.packets).toEqual([]);
  });

  test("C7: a channel with too many requests that wait is closed", () => {
    conn.maxPendingRequests = 2;
    const channel = open(conn, new TestChannel());
    channel.request_test = () => new Deferred<boolean>();
    for (let i = 0; i < 3; i++) request("test", WANT_REPLY);
    expect([channel.localClosed, transport.disconnects]).toEqual([true, []]);
  });

  test("R11: the bytes of a request that waits are its own", () => {
    const channel = open(conn, new TestChannel());
    const first = new Deferred<boolean>();
    const got: string[] = [];
    channel.request_test = (data) => {
      got.push(data.toString());
      return got.length === 1 ? first : true;
    };
    for (const data of ["one", "two"]) {
      const packet = join(u32(0), NS("test"), WANT_REPLY, data);
      conn.ssh_CHANNEL_REQUEST(packet);
      packet.fill(0);
    }
    first.callback(true);
    expect(got).toEqual(["one", "two"]);
  });

  test("a reply goes out before what the handler writes, ends and closes", () => {
    const channel = open(conn, new TestChannel({ remoteWindow: 100, remoteMaxPacket: 100 }));
    channel.request_test = () => {
      channel.write("output");
      void conn.sendRequest(channel, "exit-status", u32(0));
      conn.sendEOF(channel);
      channel.loseConnection();
      return true;
    };
    request("test", WANT_REPLY);
    expect(transport.packets.map(([number]) => number)).toEqual([SUCCESS, DATA, REQUEST, EOF, CLOSE]);
  });

  for (const [type, held] of [
    ["exec", true],
    ["test", false],
  ] as const) {
    test(`output ${held ? "waits" : "does not wait"} for the reply to a slow ${type}`, () => {
      const channel = open(conn, new TestChannel({ remoteWindow: 100, remoteMaxPacket: 100 }));
      const answer = new Deferred<boolean>();
      channel.requestReceived = () => answer;
      request(type, WANT_REPLY);
      channel.write("output");
      answer.callback(true);
      expect(transport.packets.map(([number]) => number)).toEqual(held ? [SUCCESS, DATA] : [DATA, SUCCESS]);
    });
  }

  test("replies to ours resolve the oldest with nothing, or fail it; others are ignored", async () => {
    const channel = open(conn, new TestChannel());
    const first = conn.sendRequest(channel, "first", "data", true);
    const second = conn.sendRequest(channel, "second", "data", true);
    expect(conn.sendRequest(channel, "third", "data")).toBeNull();
    expect(transport.take()).toEqual([
      [REQUEST, hex(u32(255), NS("first"), Buffer.of(1), "data")],
      [REQUEST, hex(u32(255), NS("second"), Buffer.of(1), "data")],
      [REQUEST, hex(u32(255), NS("third"), Buffer.of(0), "data")],
    ]);
    conn.ssh_CHANNEL_SUCCESS(u32(0));
    conn.ssh_CHANNEL_FAILURE(u32(0));
    conn.ssh_CHANNEL_SUCCESS(u32(0));
    expect(String(await first)).toBe("");
    expect(((await failure(second)) as ConchError).value).toBe("channel request failed");
  });
});

describe("sending", () => {
  test("each call makes one packet, and none once our side is closed", () => {
    const channel = open(conn, new TestChannel({ localWindow: 10 }));
    const calls: [() => unknown, number, string][] = [
      [() => conn.adjustWindow(channel, 5), WINDOW_ADJUST, hex(u32(255, 5))],
      [() => conn.sendData(channel, "data"), DATA, hex(u32(255), NS("data"))],
      [() => conn.sendExtendedData(channel, 1, "data"), 95, hex(u32(255, 1), NS("data"))],
      [() => conn.sendRequest(channel, "test", "x"), REQUEST, hex(u32(255), NS("test"), NO_REPLY, "x")],
      [() => conn.sendEOF(channel), EOF, hex(u32(255))],
      [() => conn.sendClose(channel), CLOSE, hex(u32(255))],
    ];
    for (const [call] of calls) call();
    expect(transport.take()).toEqual(calls.map(([, number, body]) => [number, body]));
    expect([channel.localWindowLeft, channel.localClosed]).toEqual([15, true]);
    for (const [call] of calls) call();
    expect(conn.sendRequest(channel, "test", "", true)).toBeNull();
    expect([transport.packets, channel.localWindowLeft]).toEqual([[], 15]);
  });

  test("EOF and CLOSE are sent once", () => {
    const channel = open(conn, new TestChannel());
    conn.sendEOF(channel);
    conn.sendEOF(channel);
    conn.sendClose(channel);
    conn.sendClose(channel);
    expect(transport.packets.map(([number]) => number)).toEqual([EOF, CLOSE]);
  });

  test("our CLOSE after the peer's ends the channel", () => {
    const channel = open(conn, new TestChannel());
    channel.remoteClosed = true;
    conn.sendClose(channel);
    expect(channel.events).toEqual(["closed"]);
  });

  test("a channel that is not open cannot be sent to", () => {
    const channel = new TestChannel();
    expect(() => conn.sendData(channel, "data")).toThrow(KeyError);
    expect(() => conn.sendRequest(channel, "test", "")).toThrow(KeyError);
    expect(() => conn.sendClose(channel)).toThrow(KeyError);
  });

  test("EOF, requests and close keep their place behind data that waits; what acts on a program does not", () => {
    const channel = open(conn, new TestChannel({ remoteWindow: 2, remoteMaxPacket: 100 }));
    channel.write("data");
    void conn.sendRequest(channel, "exit-status", u32(3));
    conn.sendEOF(channel);
    channel.write("after the end");
    channel.loseConnection();
    void conn.sendRequest(channel, "signal", NS("TERM"));
    expect(transport.take().map(([number]) => number)).toEqual([DATA, REQUEST]);
    conn.ssh_CHANNEL_WINDOW_ADJUST(u32(0, 100));
    expect(transport.packets).toEqual([
      [DATA, hex(u32(255), NS("ta"))],
      [REQUEST, hex(u32(255), NS("exit-status"), NO_REPLY, u32(3))],
      [EOF, hex(u32(255))],
      [CLOSE, hex(u32(255))],
    ]);
  });

  test("R7: while the transport takes no output, channels keep theirs; then they take turns", () => {
    const sent = transport.sendPacket.bind(transport);
    let room = 1;
    transport.sendPacket = (number, body) => {
      sent(number, body);
      if (number === DATA && --room === 0) conn.stopWriting();
    };
    const events: string[] = [];
    const channels = ["a", "b"].map((name) => {
      const channel = open(conn, new TestChannel({ remoteWindow: 1000, remoteMaxPacket: 1 }));
      channel.stopWriting = () => events.push(`${name} stops`);
      channel.startWriting = () => events.push(`${name} starts`);
      return channel;
    });
    expect(channels.map((channel, i) => channel.write(i === 0 ? "AAA" : "BB"))).toEqual([false, false]);
    const turn = () => {
      transport.take();
      room = 1;
      conn.startWriting();
      return transport.packets.map(([, body]) => Buffer.from(body, "hex").toString().slice(-1)).join("");
    };
    expect(transport.packets).toHaveLength(1);
    expect([turn(), turn(), turn(), turn(), turn()]).toEqual(["A", "B", "A", "B", ""]);
    expect(events).toEqual(["a stops", "b stops", "a starts", "b starts"]);
  });
});

describe("two connections", () => {
  class Sink extends TestChannel {
    bytes = 0;
    status: number | null = null;
    override dataReceived(data: Buffer): void {
      this.bytes += data.length;
    }
    request_exit_status(data: Buffer): boolean {
      this.status = data.readUInt32BE();
      this.events.push("status");
      return true;
    }
  }

  test("a hundred megabytes, EOF, exit status and close arrive whole and in order", () => {
    const server = new TestConnection();
    const { client, pump, log } = pair(new SSHConnection(), server);
    const sink = new Sink();
    void client.openChannel(sink);
    pump();
    const source = server.made[0]!;
    const chunk = Buffer.alloc(2 ** 20, "x");
    for (let i = 0; i < 100; i++) source.write(chunk);
    server.sendEOF(source);
    void server.sendRequest(source, "exit-status", u32(7));
    source.loseConnection();
    pump();
    expect([sink.bytes, sink.status]).toEqual([100 * 2 ** 20, 7]);
    expect(sink.events).toEqual(["open", "eof", "status", "closeReceived", "closed"]);
    expect(source.events).toEqual(["open", "closeReceived", "closed"]);
    expect(log.filter(([number]) => number === CLOSE)).toHaveLength(1);
  });

  for (const [window, maxPacket] of [
    [4, 5],
    [11, 1],
  ] as const) {
    test(`with a window of ${window} and packets of ${maxPacket} all data arrives, and both ends agree on the window`, () => {
      const server = new TestConnection();
      const { client, pump } = pair(new SSHConnection(), server);
      const sink = new Sink({ localWindow: window, localMaxPacket: maxPacket });
      void client.openChannel(sink);
      pump();
      const source = server.made[0]!;
      source.write("0123456789");
      source.writeExtended(1, "abcdefghij");
      source.loseConnection();
      pump();
      expect(sink.bytes).toBe(10);
      expect(sink.events.flatMap((event) => (event.startsWith("ext 1 ") ? event.slice(6) : [])).join("")).toBe(
        "abcdefghij",
      );
      expect(source.remoteWindowLeft).toBe(sink.localWindowLeft);
      expect(sink.localWindowLeft).toBeGreaterThanOrEqual(Math.floor(window / 2));
    });
  }

  test("C4: a peer that floods an echo and never reads is held back", () => {
    class Echo extends SSHChannel {
      override dataReceived(data: Buffer): void {
        this.write(data);
      }
    }
    const server = new SSHConnection();
    const echo = new Echo({ remoteMaxPacket: 32768, remoteWindow: 0 });
    Object.assign(server, { channel_echo: () => echo });
    const { client, pump } = pair(new SSHConnection(), server);
    const flood = new SSHChannel({ localWindow: 1 });
    flood.name = "echo";
    flood.refillWindow = () => undefined; // never gives window
    void client.openChannel(flood);
    pump();
    for (let i = 0; i < 20; i++) flood.write(Buffer.alloc(2 ** 20));
    pump();
    expect(echo.buf.length).toBeLessThanOrEqual(4 * 2 ** 20 + 1);
    expect(flood.areWriting).toBe(false);
  });
});
