/** Channels and requests of an application's own, between our client and our server, over sockets. */
import { randomBytes } from "node:crypto";
import type { ConchUser } from "@strombus/conch/avatar";
import { ConchError } from "@strombus/conch/error";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { globalLogBeginner } from "@strombus/reactor/logger";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { logIn, logOut } from "../support/login.js";
import { serve } from "../support/server.js";

globalLogBeginner.beginLoggingTo([], { redirectStandardIO: false }); // each refusal is logged

const COLOUR = 7; // a type of extended data

/** At the server: sends everything back, data as data and other types as what they are. */
class Mirror extends SSHChannel {
  override name = "mirror@example.com";
  #colour = "none";

  constructor(options: { data: Buffer }) {
    super(options);
    this.specificData = `for ${options.data.toString()}`;
  }

  "request_set_colour@example.com"(data: Buffer) {
    this.#colour = data.toString();
    return Promise.resolve(this.#colour !== "infrared");
  }

  override dataReceived(data: Buffer) {
    this.write(data);
  }

  override extReceived(type: number, data: Buffer) {
    this.writeExtended(type, `${this.#colour}: ${data.toString()}`);
  }

  override eofReceived() {
    void this.conn!.sendRequest(this, "done@example.com", "all of it");
    this.loseConnection();
  }
}

class Far extends SSHChannel {
  override name: string | null = "mirror@example.com";
  confirmed = "";
  readonly heard: Buffer[] = [];
  readonly coloured: [number, string][] = [];
  told = "";
  readonly ended = new Promise<void>((resolve) => (this.closed = () => resolve()));

  override channelOpen(specificData: Buffer) {
    this.confirmed = specificData.toString();
  }
  override dataReceived(data: Buffer) {
    this.heard.push(data);
  }
  override extReceived(type: number, data: Buffer) {
    this.coloured.push([type, data.toString()]);
  }
  "request_done@example.com"(data: Buffer) {
    this.told = data.toString();
    return true;
  }
}

/** At the client, for the server to open and to ask. */
class Connection extends SSHConnection {
  readonly greeted: string[] = [];
  channel_greeting_example_com(_window: number, _maxPacket: number, data: Buffer) {
    this.greeted.push(data.toString());
    return new SSHChannel();
  }
  "global_who@example.com"(data: Buffer) {
    return [true, `the client, ${data.toString()}`];
  }
}

let user: ConchUser;
const server = serve(SSHChannel, undefined, (each) => {
  user = each;
  user.channelLookup["mirror@example.com"] = (options) => new Mirror(options);
  Object.assign(user, {
    "global_sum@example.com": (data: Buffer) => Promise.resolve([true, Buffer.of(data.reduce((a, b) => a + b, 0))]),
    "global_never@example.com": () => false,
  });
});
afterAll(() => server.close());

let client: Connection;
beforeEach(async () => {
  client = await logIn({ port: server.port, user: "user", secret: "password" }, new Connection());
});
afterEach(() => logOut(client));

test("a channel type carries data of each kind both ways, with requests, and data as it opens and is confirmed", async () => {
  const channel = await client.openChannel(new Far(), "somebody");
  expect(channel.confirmed).toBe("for somebody");
  await client.sendRequest(channel, "set-colour@example.com", "red", true);
  await expect(client.sendRequest(channel, "set-colour@example.com", "infrared", true)).rejects.toThrow(ConchError);
  await client.sendRequest(channel, "set-colour@example.com", "blue", true);
  const content = randomBytes(5 * 2 ** 20); // more than any window
  channel.write(content);
  channel.writeExtended(COLOUR, "sky");
  client.sendEOF(channel);
  await channel.ended;
  expect(Buffer.concat(channel.heard).equals(content)).toBe(true);
  expect(channel.coloured).toEqual([[COLOUR, "blue: sky"]]);
  expect(channel.told).toBe("all of it");
});

test("the server opens one at the client, too, and asks it", async () => {
  const { conn } = user as unknown as { conn: SSHConnection };
  const greeting = new SSHChannel();
  greeting.name = "greeting@example.com";
  await conn.openChannel(greeting, "good day");
  expect(client.greeted).toEqual(["good day"]);
  expect(String(await conn.sendGlobalRequest("who@example.com", "please", true))).toBe("the client, please");
});

test("a global request is answered with data, refused, or unknown", async () => {
  expect(await client.sendGlobalRequest("sum@example.com", Buffer.of(1, 2, 3), true)).toEqual(Buffer.of(6));
  for (const name of ["never@example.com", "unknown@example.com", "__proto__", "constructor", "toString", ""]) {
    await expect(client.sendGlobalRequest(name, "", true), name).rejects.toThrow("global request failed");
  }
});

test("channel types and requests that nobody defined are refused, whatever they are named", async () => {
  const names = ["__proto__", "constructor", "hasOwnProperty", "toString", "unknown@example.com"];
  for (const name of names) {
    const channel = new Far();
    channel.name = name;
    await expect(client.openChannel(channel), name).rejects.toMatchObject({ data: 3, value: "unknown channel" });
  }
  const channel = await client.openChannel(new Far(), "");
  for (const name of names) {
    await expect(client.sendRequest(channel, name, "", true), name).rejects.toThrow("channel request failed");
  }
});

test("a tunnel device is refused, of either mode", async () => {
  for (const mode of [1, 2]) {
    const tunnel = new Far();
    tunnel.name = "tun@openssh.com";
    const [data, anyUnit] = [Buffer.alloc(8), 0x7fff_ffff];
    data.writeUInt32BE(mode);
    data.writeUInt32BE(anyUnit, 4);
    await expect(client.openChannel(tunnel, data)).rejects.toMatchObject({ data: 3, value: "unknown channel" });
  }
  await client.openChannel(new Far(), ""); // and the connection goes on
});

test("what was asked settles when the connection ends", async () => {
  const never = new Far();
  never.name = "mirror@example.com";
  const channel = await client.openChannel(new Far(), "");
  const asked = client.sendRequest(channel, "set-colour@example.com", "red", true)!;
  const outcomes = Promise.allSettled([asked, client.openChannel(never), client.sendGlobalRequest("sum", "", true)]);
  logOut(client);
  expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
});
