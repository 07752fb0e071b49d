/** A client, a relay and a server: three parties, two connections. */
import { beforeEach, describe, expect, test } from "vitest";
import { ConchUser } from "../avatar.js";
import { type FakeTransport, pair } from "../channel/fixtures.test.support.js";
import { ConchError } from "../error.js";
import { RelayConnection, type RelayRules, RelayUser } from "../relay.js";
import { SSHChannel, type SSHChannelOptions } from "../ssh/channel.js";
import { packOpen_direct_tcpip } from "../ssh/forwarding.js";
import { MSG_CHANNEL_CLOSE, MSG_CHANNEL_EOF, MSG_CHANNEL_REQUEST, SSHConnection } from "../ssh/connection.js";

/** Writes down what happens to it. */
class End extends SSHChannel {
  override name: string | null = "session";
  readonly events: string[] = [];
  answer: unknown = true;
  override channelOpen(data: Buffer) {
    this.events.push(`open ${data.toString()}`);
  }
  override openFailed(reason: Error) {
    this.events.push(`failed ${reason.message}`);
  }
  override dataReceived(data: Buffer) {
    this.events.push(`data ${data.toString()}`);
  }
  override extReceived(type: number, data: Buffer) {
    this.events.push(`ext ${type} ${data.toString()}`);
  }
  override eofReceived() {
    this.events.push("eof");
  }
  override requestReceived(type: string, data: Buffer, wantReply: boolean) {
    this.events.push(`${type} ${data.toString()} ${wantReply}`);
    return this.answer;
  }
  override closeReceived() {
    this.events.push("closeReceived");
    this.loseConnection();
  }
  override closed() {
    this.events.push("closed");
  }
}

let parts: ReturnType<typeof relayed>;

function relayed(rules: RelayRules = {}, Far: new (options?: SSHChannelOptions) => End = End) {
  const [front, back, server] = [new SSHConnection(), new RelayConnection(), new SSHConnection()];
  const near = pair(new SSHConnection(), front);
  const beyond = pair(back, server);
  const ended: string[] = [];
  for (const [name, connection] of [["front", front] as const, ["back", back] as const]) {
    const transport = connection.transport as unknown as FakeTransport & { loseConnection(): void };
    transport.loseConnection = () => void ended.push(name);
  }
  const user = new RelayUser(back, rules);
  Object.assign(front.transport!, { avatar: user });
  front.serviceStarted();
  const opened: End[] = [];
  const asked: string[] = [];
  const serverUser = new ConchUser();
  for (const type of ["session", "direct-tcpip", "custom@example.com"]) {
    serverUser.channelLookup[type] = (options) => {
      const { data } = options;
      if (data.toString() === "refused") throw new ConchError("not this one", 77);
      const channel = new Far(options);
      channel.specificData = "welcome";
      opened.push(channel);
      return channel;
    };
  }
  serverUser.gotGlobalRequest = (type, data) => {
    asked.push(`${type} ${data.toString()}`);
    return type.startsWith("no") ? false : [true, "answer"];
  };
  Object.assign(server.transport!, { avatar: serverUser });
  server.serviceStarted();
  const pump = () => {
    for (let turn = 0; turn < 100; turn++) {
      near.pump();
      beyond.pump();
    }
  };
  return {
    client: near.client,
    log: near.log,
    front,
    back,
    server,
    user,
    opened,
    asked,
    ended,
    pump,
    pumpNear: near.pump,
    pumpBeyond: beyond.pump,
  };
}

/** Opens a channel of the client's through the relay. */
function openThrough(channel = new End(), extra: string | Buffer = ""): { near: End; far: End } {
  void parts.client.openChannel(channel, extra).catch(() => {});
  parts.pump();
  return { near: channel, far: parts.opened.at(-1)! };
}

beforeEach(() => {
  parts = relayed();
});

describe("a channel that is handed on", () => {
  test("carries data of each kind, requests with their answers, ends and closes, in order", async () => {
    const { near, far } = openThrough();
    near.write("in");
    near.writeExtended(1, "also in");
    const yes = parts.client.sendRequest(near, "exec", "command", true)!;
    void parts.client.sendRequest(near, "env", "x");
    parts.client.sendEOF(near);
    parts.pump();
    await yes;
    expect(far.events).toEqual(["open ", "data in", "ext 1 also in", "exec command true", "env x false", "eof"]);
    far.answer = false;
    const no = parts.client.sendRequest(near, "shell", "", true)!;
    far.write("out");
    far.writeExtended(1, "error");
    parts.server.sendEOF(far);
    void parts.server.sendRequest(far, "exit-status", "7");
    far.loseConnection();
    parts.pump();
    await expect(no).rejects.toThrow();
    const expected = [
      "open welcome",
      "data out",
      "ext 1 error",
      "eof",
      "exit-status 7 false",
      "closeReceived",
      "closed",
    ];
    expect(near.events).toEqual(expected);
    expect(far.events.slice(-2)).toEqual(["closeReceived", "closed"]);
    expect([parts.front, parts.back].map((each) => each.channels.size)).toEqual([0, 0]);
  });

  test("an exit status still comes to a client that closes when both sides have ended their data", () => {
    class Hasty extends End {
      override eofReceived() {
        this.events.push("eof");
        this.loseConnection();
      }
    }
    const { near, far } = openThrough(new Hasty());
    parts.client.sendEOF(near);
    parts.server.sendEOF(far);
    parts.pump();
    expect(far.events).toEqual(["open ", "eof"]);
    void parts.server.sendRequest(far, "exit-status", "7");
    far.loseConnection();
    parts.pump();
    expect(far.events.slice(2)).toEqual(["closeReceived", "closed"]);
    expect(parts.log.slice(-3).map(([number]) => number)).toEqual([
      MSG_CHANNEL_EOF,
      MSG_CHANNEL_REQUEST,
      MSG_CHANNEL_CLOSE,
    ]);
    expect(near.events.slice(-2)).toEqual(["closeReceived", "closed"]);
    expect([parts.front, parts.back].map((each) => each.channels.size)).toEqual([0, 0]);
  });

  test("requests are handed on as they come, so that data behind them does not overtake", () => {
    const { near, far } = openThrough();
    for (const type of ["pty-req", "exec"]) void parts.client.sendRequest(near, type, "", true);
    near.write("input");
    parts.pump();
    expect(far.events.slice(1)).toEqual(["pty-req  true", "exec  true", "data input"]);
  });

  test("C4: who sends is held back by who does not read, in both directions", () => {
    class Stuck extends End {
      constructor(options?: SSHChannelOptions) {
        super(options);
        this.pauseProducing();
      }
    }
    parts = relayed({}, Stuck);
    const { near, far } = openThrough(new Stuck());
    const chunk = Buffer.alloc(2 ** 20, "x");
    for (let i = 0; i < 64; i++) {
      near.write(chunk);
      far.write(chunk);
    }
    parts.pump();
    for (const { channels } of [parts.front, parts.back]) {
      for (const channel of channels.values()) expect(channel.buf.length).toBeLessThan(6 * 2 ** 20);
    }
    const held = [...parts.front.channels.values(), ...parts.back.channels.values()];
    expect(held).toHaveLength(2);
    expect(near.buf.length).toBeGreaterThan(48 * 2 ** 20);
    expect(far.buf.length).toBeGreaterThan(48 * 2 ** 20);
    let [nearGot, farGot] = [0, 0];
    near.dataReceived = (data) => void (nearGot += data.length);
    far.dataReceived = (data) => void (farGot += data.length);
    near.resumeProducing();
    far.resumeProducing();
    parts.pump();
    const before = near.events.filter((event) => event.startsWith("data")).join("").length;
    const farBefore = far.events.filter((event) => event.startsWith("data")).join("").length;
    expect(nearGot + before).toBeGreaterThanOrEqual(64 * 2 ** 20);
    expect(farGot + farBefore).toBeGreaterThanOrEqual(64 * 2 ** 20);
  });

  test("is refused as the server refuses it", () => {
    const { near } = openThrough(new End(), "refused");
    expect(near.events).toEqual(["failed not this one, 77"]);
    expect([parts.front, parts.back].map((each) => each.channels.size)).toEqual([0, 0]);
  });

  test("C9: is of no type but those that are named", () => {
    const other = Object.assign(new End(), { name: "direct-tcpip" });
    const place = packOpen_direct_tcpip(["host", 80], ["", 0]);
    expect(openThrough(other, place).near.events).toEqual([
      'failed channels of type "direct-tcpip" are not handed on, 1',
    ]);
    parts = relayed({ forwarding: true, channels: ["custom@example.com"] });
    expect(openThrough(Object.assign(new End(), { name: "direct-tcpip" }), place).near.events).toEqual([
      "open welcome",
    ]);
    expect(openThrough(Object.assign(new End(), { name: "custom@example.com" })).near.events).toEqual(["open welcome"]);
  });

  test("may have requests kept back", async () => {
    parts = relayed({ allowRequest: (type) => type !== "exec" });
    const { near, far } = openThrough();
    for (const type of ["exec", "auth-agent-req@openssh.com", "x11-req"]) {
      const refused = parts.client.sendRequest(near, type, "", true)!;
      parts.pump();
      await expect(refused).rejects.toThrow();
    }
    expect(far.events).toEqual(["open "]);
  });

  test("R8: a client that goes before it is open leaves nothing behind", () => {
    void parts.client.openChannel(new End()).catch(() => {});
    parts.pumpNear();
    expect(parts.back.channels.size).toBe(1);
    parts.front.serviceStopped();
    parts.pumpBeyond();
    expect(parts.back.channels.size).toBe(0);
    expect(parts.server.channels.size).toBe(0);
  });
});

describe("the server's side", () => {
  test("opens channels of the types that are named", async () => {
    parts = relayed({ agentForwarding: true });
    const taken: End[] = [];
    Object.assign(parts.client, {
      channel_auth_agent_openssh_com: () => {
        taken.push(new End());
        return taken[0];
      },
    });
    const agent = parts.server.openChannel(Object.assign(new End(), { name: "auth-agent@openssh.com" }));
    parts.pump();
    (await agent).write("hello");
    parts.pump();
    expect(taken[0]!.events).toEqual(["open ", "data hello"]);
    const other = parts.server.openChannel(Object.assign(new End(), { name: "x11" }));
    parts.pump();
    await expect(other).rejects.toThrow("not handed on");
  });

  test("answers global requests of the types that are named, with data", async () => {
    parts = relayed({ globalRequests: ["custom@example.com", "no@example.com"] });
    const answer = parts.client.sendGlobalRequest("custom@example.com", "data", true)!;
    const no = parts.client.sendGlobalRequest("no@example.com", "", true)!;
    const unnamed = parts.client.sendGlobalRequest("tcpip-forward", "", true)!;
    parts.pump();
    expect((await answer).toString()).toBe("answer");
    await expect(no).rejects.toThrow();
    await expect(unnamed).rejects.toThrow();
    expect(parts.asked).toEqual(["custom@example.com data", "no@example.com "]);
  });
});

describe("the end of a connection", () => {
  test("of the server's closes the client's channels and ends its connection", () => {
    const { near } = openThrough();
    parts.back.serviceStopped();
    parts.pump();
    expect(near.events.slice(-2)).toEqual(["closeReceived", "closed"]);
    expect(parts.ended).toEqual(["front"]);
  });

  test("of the client's closes the server's channels, and the realm's logout ends that connection", () => {
    const { far } = openThrough();
    parts.front.serviceStopped();
    parts.pump();
    expect(far.events.slice(-2)).toEqual(["closeReceived", "closed"]);
    parts.user.logout();
    parts.back.serviceStopped();
    expect(parts.ended).toEqual(["back"]);
  });
});
