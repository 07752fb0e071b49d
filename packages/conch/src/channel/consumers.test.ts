/** Channels whose users take their time, change their mind, or live for ever. */
import { Deferred } from "@strombus/reactor/defer";
import { beforeEach, describe, expect, test } from "vitest";
import { SSHChannel } from "../ssh/channel.js";
import { SSHConnection } from "../ssh/connection.js";
import {
  ChannelClose,
  ChannelData,
  ChannelExtendedData,
  ChannelOpenConfirmation,
  ChannelOpenFailure,
  ChannelRequest,
} from "../messages/connection.js";
import { FakeTransport, loggedErrors, open } from "./fixtures.test.support.js";
import {
  MSG_CHANNEL_CLOSE,
  MSG_CHANNEL_FAILURE,
  MSG_CHANNEL_OPEN,
  MSG_CHANNEL_SUCCESS,
  MSG_CHANNEL_WINDOW_ADJUST,
} from "./numbers.js";

let conn: SSHConnection;
let transport: FakeTransport;
beforeEach(() => {
  conn = new SSHConnection();
  transport = new FakeTransport().of(conn);
});

const numbers = () => transport.take().map(([number]) => number);
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("a hook that gives back a promise", () => {
  const work: Deferred<void>[] = [];
  class Slow extends SSHChannel {
    override dataReceived() {
      const done = new Deferred<void>();
      work.push(done);
      return done;
    }
    override extReceived() {
      return this.dataReceived();
    }
  }
  const data = () => conn.ssh_CHANNEL_DATA(ChannelData.encode({ recipientChannel: 0, data: "1234" }));

  test("C4: gives the peer no more window until it settles", () => {
    const slow = open(conn, new Slow({ localWindow: 10 }));
    data();
    conn.ssh_CHANNEL_EXTENDED_DATA(ChannelExtendedData.encode({ recipientChannel: 0, type: 1, data: "5678" }));
    expect([slow.localWindowLeft, numbers()]).toEqual([2, []]);
    work.shift()!.callback();
    expect(numbers()).toEqual([]);
    work.shift()!.callback();
    expect([slow.localWindowLeft, numbers()]).toEqual([10, [MSG_CHANNEL_WINDOW_ADJUST]]);
  });

  test("R1: closes its channel when it is rejected", () => {
    open(conn, new Slow({ localWindow: 10 }));
    data();
    const errors = loggedErrors(() => work.shift()!.errback(new Error("no")));
    expect([errors.length, numbers()]).toEqual([1, [MSG_CHANNEL_CLOSE]]);
  });
});

describe("numbers of channels", () => {
  test("one is used again when both sides have closed it, and not before", () => {
    const [first, second] = [open(conn, new SSHChannel()), open(conn, new SSHChannel())];
    conn.localChannelID = 2 ** 32 - 1;
    const third = new SSHChannel();
    void conn.openChannel(third);
    expect(third.id).toBe(2 ** 32 - 1);
    conn.sendClose(first); // its CLOSE is on the way
    const fourth = new SSHChannel();
    void conn.openChannel(fourth);
    expect([second.id, fourth.id]).toEqual([1, 2]);
    conn.ssh_CHANNEL_CLOSE(ChannelClose.encode({ recipientChannel: 0 }));
    conn.localChannelID = 0;
    const fifth = new SSHChannel();
    void conn.openChannel(fifth);
    expect(fifth.id).toBe(0);
  });
});

describe("requests at once", () => {
  class AtOnce extends SSHChannel {
    override requestsAtOnce = true;
    readonly asked: [string, boolean][] = [];
    readonly answers = new Map<string, Deferred<boolean>>();
    override requestReceived(type: string, _data: Buffer, wantReply: boolean) {
      this.asked.push([type, wantReply]);
      if (type === "fails") throw new Error("no");
      const answer = new Deferred<boolean>();
      this.answers.set(type, answer);
      return answer;
    }
  }
  const request = (type: string, wantReply = true) =>
    conn.ssh_CHANNEL_REQUEST(ChannelRequest.encode({ recipientChannel: 0, type, wantReply, data: Buffer.alloc(0) }));

  test("C6: each is handled as it comes, and the replies keep the order", () => {
    const channel = open(conn, new AtOnce());
    request("one");
    request("two", false);
    request("fails");
    request("three");
    expect(channel.asked).toEqual([
      ["one", true],
      ["two", false],
      ["fails", true],
      ["three", true],
    ]);
    channel.answers.get("three")!.callback(false);
    channel.answers.get("two")!.callback(true);
    expect(numbers()).toEqual([]);
    const errors = loggedErrors(() => channel.answers.get("one")!.callback(true));
    expect(errors).toHaveLength(1);
    expect(numbers()).toEqual([MSG_CHANNEL_SUCCESS, MSG_CHANNEL_FAILURE, MSG_CHANNEL_FAILURE]);
  });
});

test("a request that wants a reply keeps its place, so that replies find whoever asked", async () => {
  const channel = open(conn, new SSHChannel({ remoteWindow: 0, remoteMaxPacket: 10 }));
  channel.write("waits");
  const answers: string[] = [];
  void conn.sendRequest(channel, "exec", "", true)?.addCallback(() => answers.push("exec"));
  void conn.sendRequest(channel, "break", "", true)?.addErrback(() => answers.push("no break"));
  channel.addWindowBytes(10);
  conn.ssh_CHANNEL_SUCCESS(ChannelClose.encode({ recipientChannel: 0 }));
  conn.ssh_CHANNEL_FAILURE(ChannelClose.encode({ recipientChannel: 0 }));
  await turn();
  expect(answers).toEqual(["exec", "no break"]);
});

describe("a signal", () => {
  class Told extends SSHChannel {
    readonly events: string[] = [];
    override channelOpen() {
      this.events.push("open");
    }
    override openFailed(reason: Error) {
      this.events.push(`failed: ${reason.message}`);
    }
    override closed() {
      this.events.push("closed");
    }
  }
  const confirm = () =>
    conn.ssh_CHANNEL_OPEN_CONFIRMATION(
      ChannelOpenConfirmation.encode({
        recipientChannel: 0,
        senderChannel: 7,
        window: 1,
        maxPacket: 1,
        data: Buffer.alloc(0),
      }),
    );

  test("that is aborted already fails the channel without a word to the peer", async () => {
    const channel = new Told();
    const opened = conn.openChannel(channel, "", { signal: AbortSignal.abort(new Error("no more")) });
    await expect(opened).rejects.toThrow("no more");
    expect([channel.events, numbers(), conn.channels.size]).toEqual([["failed: no more"], [], 0]);
  });

  test("fails the channel at once, which is closed without a hook when it comes to be open", async () => {
    const [channel, given] = [new Told(), new AbortController()];
    const opened = conn.openChannel(channel, "", { signal: given.signal });
    given.abort(new Error("given up"));
    await expect(opened).rejects.toThrow("given up");
    confirm();
    expect(numbers()).toEqual([MSG_CHANNEL_OPEN, MSG_CHANNEL_CLOSE]);
    conn.ssh_CHANNEL_CLOSE(ChannelClose.encode({ recipientChannel: 0 }));
    expect([channel.events, conn.channels.size]).toEqual([["failed: given up"], 0]);
  });

  test("leaves nothing behind when the peer refuses, or when the connection ends first", async () => {
    const channels = [new Told(), new Told()];
    for (const channel of channels) {
      const given = new AbortController();
      const opened = conn.openChannel(channel, "", { signal: given.signal });
      given.abort();
      await expect(opened).rejects.toThrow();
    }
    conn.ssh_CHANNEL_OPEN_FAILURE(
      ChannelOpenFailure.encode({ recipientChannel: 0, reason: 1, description: "no", language: "" }),
    );
    conn.serviceStopped();
    expect(channels.map(({ events }) => events.length)).toEqual([1, 1]);
    expect(conn.channels.size).toBe(0);
  });

  test("closes a channel that is open, and is forgotten with it", async () => {
    const [channel, given] = [new Told(), new AbortController()];
    const opened = conn.openChannel(channel, "", { signal: given.signal });
    confirm();
    await opened;
    given.abort();
    expect(numbers()).toEqual([MSG_CHANNEL_OPEN, MSG_CHANNEL_CLOSE]);
    conn.ssh_CHANNEL_CLOSE(ChannelClose.encode({ recipientChannel: 0 }));
    expect(channel.events).toEqual(["open", "closed"]);
  });
});

test("what depends on a connection is told of its end, and keeps it in use until then", () => {
  let ended = 0;
  conn.dependents.add({ connectionLost: () => (ended += 1) });
  expect(conn.isUsed()).toBe(true);
  conn.serviceStopped();
  expect([ended, conn.isUsed()]).toEqual([1, false]);
});
