/** Channels over two real transports, in memory: packets, keys and backpressure as on a socket. */
import { Factory } from "@strombus/reactor/protocol";
import { Clock, FakeTransport } from "@strombus/reactor/testing";
import { connect } from "@strombus/reactor/testing/iosim";
import { expect, test } from "vitest";
import { ConchUser } from "../avatar.js";
import { SSHChannel } from "../ssh/channel.js";
import { SSHConnection } from "../ssh/connection.js";
import { Key } from "../ssh/keys.js";
import { packRequest_pty_req } from "../ssh/session.js";
import { SSHClientTransport, SSHServerTransport } from "../ssh/transport.js";

const hostKey = Key.generate("ed25519");
const told: string[] = [];

/** The program of the documentation. */
class SimpleSession extends SSHChannel {
  override name = "session";
  request_pty_req(data: Buffer) {
    return data.length > 0;
  }
  request_shell(data: Buffer) {
    return data.length === 0;
  }
  override dataReceived(bytes: Buffer) {
    this.write(`echo: ${JSON.stringify(bytes.toString())}\r\n`);
  }
  override eofReceived() {
    told.push("connection lost");
  }
  override closed() {
    told.push("closed");
  }
  override closeReceived() {
    told.push("closeReceived");
  }
}

class ClientChannel extends SSHChannel {
  override name = "session";
  text = "";
  bytes = 0;
  events: string[] = [];
  override dataReceived(data: Buffer) {
    this.bytes += data.length;
    if (this.bytes < 1000) this.text += data.toString();
  }
  override closed() {
    this.events.push("closed");
  }
  request_exit_status(data: Buffer) {
    this.events.push(`status ${data.readUInt32BE()}`);
    return true;
  }
}

class Client extends SSHClientTransport {
  readonly ended: string[] = [];
  override verifyHostKey() {
    return true;
  }
  override connectionSecure() {}
  offers = 0;
  override sendKexInit() {
    super.sendKexInit();
    this.offers += 1;
  }
  override receiveError(_code: number, text: string) {
    this.ended.push(text);
  }
}

/** A client and a server whose user has the given session class, both logged in. */
async function loggedIn(session: new (...args: never[]) => SSHChannel) {
  const clock = new Clock();
  const [client, server] = [new Client(), new SSHServerTransport()];
  client.clock = server.clock = clock;
  server.supportedPublicKeys = ["ssh-ed25519"];
  server.factory = Object.assign(new Factory(), {
    publicKeys: { "ssh-ed25519": hostKey.public() },
    privateKeys: { "ssh-ed25519": hostKey },
    getService: () => null,
  });
  const pump = connect(server, new FakeTransport(server, true), client, new FakeTransport(client, false), { clock });
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) {
      await Promise.resolve();
      pump.flush();
    }
  };
  await settle();
  const user = new ConchUser();
  user.channelLookup["session"] = session as typeof SSHChannel;
  server.avatar = user;
  const conn = new SSHConnection();
  client.setService(conn);
  server.setService(new SSHConnection());
  return { client, server, conn, user, settle };
}

test("the program of the documentation works as it is written", async () => {
  const { conn, user, settle } = await loggedIn(SimpleSession);
  const channel = new ClientChannel();
  const opened = conn.openChannel(channel);
  await settle();
  expect(await opened).toBe(channel);
  const replies = [
    conn.sendRequest(channel, "pty-req", packRequest_pty_req("xterm", [24, 80, 0, 0], ""), true)!,
    conn.sendRequest(channel, "shell", "", true)!,
  ].map((reply) => reply.then(String));
  const refused = conn.sendRequest(channel, "exec", "", true)!.then(
    () => "accepted",
    () => "refused",
  );
  channel.write("hello");
  await settle();
  expect(await Promise.all(replies)).toEqual(["", ""]);
  expect(await refused).toBe("refused");
  expect(channel.text).toBe('echo: "hello"\r\n');
  conn.sendEOF(channel);
  channel.loseConnection();
  await settle();
  expect(told).toEqual(["connection lost", "closeReceived", "closed"]);
  expect(channel.events).toEqual(["closed"]);
  expect(user.conn!.channels.size).toBe(0);
});

test("megabytes pass whole through rekeys and backpressure, with EOF, status and close behind them", async () => {
  let stops = 0;
  const size = 8 * 2 ** 20;
  class Source extends SSHChannel {
    request_exec() {
      for (let i = 0; i < 8; i++) this.write(Buffer.alloc(size / 8, "x"));
      this.conn!.sendEOF(this);
      void this.conn!.sendRequest(this, "exit-status", Buffer.from([0, 0, 0, 5]));
      this.loseConnection();
      return true;
    }
    override stopWriting() {
      stops += 1;
    }
  }
  const { client, server, conn, settle } = await loggedIn(Source);
  client.rekeyBytes = server.rekeyBytes = 2 ** 20;
  const channel = new ClientChannel();
  void conn.openChannel(channel);
  await settle();
  void conn.sendRequest(channel, "exec", "", true);
  await settle();
  expect([channel.bytes, channel.events]).toEqual([size, ["status 5", "closed"]]);
  expect([client.ended, stops]).toEqual([[], 1]);
  expect(client.offers).toBeGreaterThan(5);
});

test("when the connection dies all that was asked fails, and channels are told", async () => {
  const { client, conn, settle } = await loggedIn(SimpleSession);
  const channel = new ClientChannel();
  void conn.openChannel(channel);
  await settle();
  const failing = [
    conn.openChannel(new ClientChannel()),
    conn.sendRequest(channel, "shell", "", true)!,
    conn.sendGlobalRequest("request", "", true)!,
  ].map((asked) =>
    asked.then(
      () => "answered",
      (error: unknown) => (error as Error).message,
    ),
  );
  client.loseConnection();
  await settle();
  expect(await Promise.all(failing)).not.toContain("answered");
  expect(channel.events).toEqual(["closed"]);
});

test("data is the channel's own to keep, unless it takes data that is lent", async () => {
  class Keeper extends SSHChannel {
    static made: Keeper[] = [];
    readonly kept: Buffer[] = [];
    readonly seen: string[] = [];
    override channelOpen(specificData: Buffer) {
      this.takesLentData = specificData.toString() === "lent";
      Keeper.made.push(this);
    }
    override dataReceived(data: Buffer) {
      this.kept.push(data);
      this.seen.push(data.toString());
    }
    override extReceived(_type: number, data: Buffer) {
      this.dataReceived(data);
    }
  }
  const { conn, server, settle } = await loggedIn(Keeper);
  const channels = [new ClientChannel(), new ClientChannel()];
  void conn.openChannel(channels[0]!, "own");
  void conn.openChannel(channels[1]!, "lent");
  await settle();
  const say = async (text: string) => {
    for (const channel of channels) {
      channel.write(text);
      channel.writeExtended(1, `${text}!`);
    }
    await settle();
  };
  await say("one");
  server.packetTap = () => undefined; // which may keep what it sees
  await say("two");
  const [own, lent] = Keeper.made;
  for (const keeper of [own!, lent!]) expect(keeper.seen).toEqual(["one", "one!", "two", "two!"]);
  expect(own!.kept.map(String)).toEqual(own!.seen);
  const gone: unknown = expect.not.stringContaining("one");
  expect(lent!.kept.map(String)).toEqual([gone, "one!", "two", "two!"]);
});

test("a transport whose subclass sees the data itself is lent none", () => {
  class Curious extends SSHServerTransport {
    override dataReceived(data: Buffer) {
      super.dataReceived(data);
    }
  }
  expect([new SSHServerTransport().takesLentData, new Curious().takesLentData]).toEqual([true, false]);
});
