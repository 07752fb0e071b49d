/** What OpenSSH adds to the connection protocol. */
import { beforeEach, expect, test } from "vitest";
import { SSHChannel } from "../ssh/channel.js";
import { NS } from "../ssh/common.js";
import { SSHConnection } from "../ssh/connection.js";
import { ChannelOpen, ChannelRequest } from "../messages/connection.js";
import { FakeTransport, open } from "./fixtures.test.support.js";
import {
  MSG_CHANNEL_CLOSE,
  MSG_CHANNEL_DATA,
  MSG_CHANNEL_EOF,
  MSG_CHANNEL_OPEN_CONFIRMATION,
  MSG_CHANNEL_OPEN_FAILURE,
  MSG_CHANNEL_REQUEST,
  MSG_REQUEST_SUCCESS,
} from "./numbers.js";

let conn: SSHConnection;
let transport: FakeTransport;
beforeEach(() => {
  conn = new SSHConnection();
  Object.assign(conn, { channel_session: () => new SSHChannel(), channel_other: () => new SSHChannel() });
  transport = new FakeTransport().of(conn);
});

const numbers = () => transport.take().map(([number]) => number);
const openType = (type: string) =>
  conn.ssh_CHANNEL_OPEN(
    ChannelOpen.encode({ type, senderChannel: 1, window: 10, maxPacket: 10, data: Buffer.alloc(0) }),
  );
const eow = (recipientChannel: number) =>
  conn.ssh_CHANNEL_REQUEST(
    ChannelRequest.encode({ recipientChannel, type: "eow@openssh.com", wantReply: false, data: Buffer.alloc(0) }),
  );

test("after no-more-sessions@openssh.com sessions are refused, and other channels are not", () => {
  conn.ssh_GLOBAL_REQUEST(Buffer.concat([NS("no-more-sessions@openssh.com"), Buffer.of(1)]));
  openType("session");
  openType("other");
  const [answer, refusal, confirmation] = transport.take();
  expect(answer).toEqual([MSG_REQUEST_SUCCESS, ""]);
  expect(refusal).toEqual([MSG_CHANNEL_OPEN_FAILURE, expect.stringMatching(/^0000000100000001/)]);
  expect(confirmation?.[0]).toBe(MSG_CHANNEL_OPEN_CONFIRMATION);
});

test("eow@openssh.com drops data that waits and that comes; EOF, requests and close still go out", () => {
  const channel = open(conn, new SSHChannel({ remoteWindow: 3, remoteMaxPacket: 10 }));
  channel.write("data that waits");
  void conn.sendRequest(channel, "exit-status", Buffer.alloc(4));
  expect(numbers()).toEqual([MSG_CHANNEL_DATA]);
  eow(0);
  expect(channel.write("more")).toBe(true);
  conn.sendEOF(channel);
  channel.loseConnection();
  expect(numbers()).toEqual([MSG_CHANNEL_REQUEST, MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE]);
});

test("eow@openssh.com tells a writer that waits to go on, so that it comes to its end", () => {
  const events: string[] = [];
  class Writing extends SSHChannel {
    override stopWriting() {
      events.push("stop");
    }
    override startWriting() {
      events.push("start");
    }
  }
  const channel = open(conn, new Writing({ remoteWindow: 3, remoteMaxPacket: 10 }));
  expect(channel.write("data that waits")).toBe(false);
  eow(0);
  expect(events).toEqual(["stop", "start"]);
});
