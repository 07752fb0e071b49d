import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { pair } from "../channel/fixtures.test.support.js";
import { X11Req } from "../messages/connection.js";
import { SSHChannel } from "../ssh/channel.js";
import { SSHConnection } from "../ssh/connection.js";
import { requestX11Forwarding, type X11ForwardingOptions } from "../ssh/x11.js";
import { COOKIE_PROTOCOL, cookieOf, parseDisplay } from "./display.js";
import { greetingWith, readGreeting } from "./greeting.js";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "strombus-x11-"))));
afterEach(() => rmSync(folder, { recursive: true }));

describe("a display", () => {
  for (const [text, display] of [
    [":0", { host: "", number: 0, screen: 0, connect: { path: "/tmp/.X11-unix/X0" } }],
    ["unix:1.2", { host: "", number: 1, screen: 2, connect: { path: "/tmp/.X11-unix/X1" } }],
    ["localhost:10.0", { host: "localhost", number: 10, screen: 0, connect: { host: "localhost", port: 6010 } }],
    ["[::1]:3", { host: "::1", number: 3, screen: 0, connect: { host: "::1", port: 6003 } }],
    ["/a/socket:0", { host: "", number: 0, screen: 0, connect: { path: "/a/socket:0" } }],
  ] as const) {
    test(`is read from ${text}`, () => expect(parseDisplay(text)).toEqual(display));
  }

  for (const text of ["", "host", ":", ":x", ":1.x", ":60000"]) {
    test(`is not ${JSON.stringify(text)}`, () => expect(() => parseDisplay(text)).toThrow("is not an X display"));
  }
});

/** One entry of a file of cookies. */
function entry(family: number, ...fields: (string | Buffer)[]): Buffer {
  const parts = fields.map((field) => Buffer.from(field));
  return Buffer.concat([short(family), ...parts.flatMap((part) => [short(part.length), part])]);
}

function short(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

describe("a display's cookie", () => {
  const cookieIn = async (display: string, ...entries: Buffer[]) => {
    const file = join(folder, "authority");
    writeFileSync(file, Buffer.concat(entries));
    return (await cookieOf(parseDisplay(display), file))?.toString() ?? null;
  };
  const local = (number: string, cookie: string, protocol = COOKIE_PROTOCOL) =>
    entry(256, hostname(), number, protocol, cookie);

  test("is that of its number on this machine", async () => {
    const entries = [entry(256, "other", "1", COOKIE_PROTOCOL, "no"), local("2", "no"), local("1", "yes")];
    expect(await cookieIn(":1", ...entries)).toBe("yes");
    expect(await cookieIn("127.0.0.1:1", ...entries)).toBe("yes");
    expect(await cookieIn(":3", ...entries)).toBeNull();
  });

  test("may be that of any display, or of an address", async () => {
    expect(await cookieIn(":5", entry(65_535, "", "", COOKIE_PROTOCOL, "any"))).toBe("any");
    const address = entry(0, Buffer.of(192, 0, 2, 1), "0", COOKIE_PROTOCOL, "four");
    expect(await cookieIn("192.0.2.1:0", local("0", "no"), address)).toBe("four");
    const six = Buffer.from("20010db8000000000000000000000001", "hex");
    expect(await cookieIn("[2001:db8::1]:0", entry(6, six, "0", COOKIE_PROTOCOL, "six"))).toBe("six");
  });

  test("is of no other kind, and there need be none", async () => {
    expect(await cookieIn(":1", local("1", "no", "XDM-AUTHORIZATION-1"))).toBeNull();
    expect(await cookieOf(parseDisplay(":1"), join(folder, "nowhere"))).toBeNull();
    await expect(cookieIn(":1", Buffer.of(1))).rejects.toThrow("were due");
  });
});

/** What an X program says first, in the byte order that it chooses. */
function greeting(order: "B" | "l", protocol: string, cookie: Buffer): Buffer {
  const empty = Buffer.alloc(12);
  empty.write(order);
  empty[order === "B" ? 3 : 2] = 11; // the protocol's version
  return greetingWith(empty, protocol, cookie);
}

describe("a greeting", () => {
  const cookie = Buffer.from("0123456789");
  for (const order of ["B", "l"] as const) {
    test(`of order ${order} is read when it is all there, and gets another cookie`, () => {
      const first = greeting(order, COOKIE_PROTOCOL, cookie);
      for (let length = 0; length < first.length; length++) {
        expect(readGreeting(first.subarray(0, length))).toBeNull();
      }
      expect(readGreeting(Buffer.concat([first, Buffer.from("more")]))).toEqual({
        protocol: COOKIE_PROTOCOL,
        cookie,
        length: first.length,
      });
      const other = greetingWith(first, COOKIE_PROTOCOL, Buffer.from("other"));
      expect(readGreeting(other)).toMatchObject({ protocol: COOKIE_PROTOCOL, cookie: Buffer.from("other") });
      expect(other.subarray(0, 6)).toEqual(first.subarray(0, 6));
      expect(readGreeting(greetingWith(first, COOKIE_PROTOCOL, null))).toEqual({
        protocol: "",
        cookie: Buffer.alloc(0),
        length: 12,
      });
    });
  }

  test("is in one of two orders, and of bounded length", () => {
    const first = greeting("B", COOKIE_PROTOCOL, cookie);
    first[0] = 0;
    expect(readGreeting(first)).toBe(false);
    expect(readGreeting(greeting("B", "x".repeat(65), cookie).subarray(0, 12))).toBe(false);
    expect(readGreeting(greeting("l", COOKIE_PROTOCOL, Buffer.alloc(257)).subarray(0, 12))).toBe(false);
  });
});

describe("a client", () => {
  const cookie = Buffer.from("the real cookie!");
  let display: Server;
  let sockets: { socket: Socket; seen: Buffer }[];
  let stop: () => void;
  beforeEach(async () => {
    sockets = [];
    display = createServer({ allowHalfOpen: true }, (socket) => {
      const one = { socket, seen: Buffer.alloc(0) };
      sockets.push(one);
      socket.on("data", (data) => (one.seen = Buffer.concat([one.seen, data])));
    });
    display.listen(join(folder, "display:7"));
    await once(display, "listening");
    writeFileSync(join(folder, "authority"), entry(256, hostname(), "7", COOKIE_PROTOCOL, cookie));
  });
  afterEach(() => {
    stop();
    for (const { socket } of sockets) socket.destroy();
    display.close();
  });

  /** A session whose server will have its display, or not. */
  class Session extends SSHChannel {
    asked: { protocol: string; cookie: string } | null = null;
    willing = true;
    request_x11_req(data: Buffer) {
      this.asked = X11Req.decode(data);
      return this.willing;
    }
  }

  async function connected({ willing = true, ...options }: X11ForwardingOptions & { willing?: boolean } = {}) {
    const theirs = new Session();
    theirs.willing = willing;
    class ServerConnection extends SSHConnection {
      channel_session = () => theirs;
    }
    const { client, server, pump } = pair(new SSHConnection(), new ServerConnection());
    const carrying = setInterval(pump, 1);
    stop = () => {
      clearInterval(carrying);
      client.serviceStopped();
      server.serviceStopped();
    };
    const ours = new SSHChannel();
    ours.name = "session";
    await client.openChannel(ours);
    const asking = requestX11Forwarding(ours, {
      display: join(folder, "display:7"),
      authority: join(folder, "authority"),
      ...options,
    });
    const program = () => {
      const channel = new Program();
      channel.name = "x11";
      return server.openChannel(channel);
    };
    return { asking, ours, theirs, program };
  }

  class Program extends SSHChannel {
    readonly ended = new Promise<void>((resolve) => (this.closed = resolve));
    readonly heard: Buffer[] = [];
    override dataReceived(data: Buffer) {
      this.heard.push(data);
    }
  }

  test("lets a program of the server use the display, which is shown its own cookie", async () => {
    const { asking, theirs, program } = await connected();
    await asking;
    const made = Buffer.from(theirs.asked!.cookie, "hex");
    expect([theirs.asked!.protocol, made.length]).toEqual([COOKIE_PROTOCOL, 16]);
    const channel = await program();
    const said = Buffer.concat([greeting("l", COOKIE_PROTOCOL, made), Buffer.from("and more")]);
    for (const byte of said) channel.write(Buffer.of(byte));
    await expect.poll(() => sockets.length).toBe(1);
    const wanted = Buffer.concat([greeting("l", COOKIE_PROTOCOL, cookie), Buffer.from("and more")]);
    await expect.poll(() => sockets[0]!.seen.toString("latin1")).toBe(wanted.toString("latin1"));
    sockets[0]!.socket.write("an answer");
    await expect.poll(() => Buffer.concat(channel.heard).toString()).toBe("an answer");
    sockets[0]!.socket.end();
    channel.loseConnection();
    await channel.ended;
  });

  test("shows the display no cookie when it has none", async () => {
    const { asking, theirs, program } = await connected({ authority: join(folder, "nowhere") });
    await asking;
    const channel = await program();
    channel.write(greeting("B", COOKIE_PROTOCOL, Buffer.from(theirs.asked!.cookie, "hex")));
    await expect.poll(() => sockets.length).toBe(1);
    await expect.poll(() => sockets[0]!.seen.length).toBe(12);
  });

  test("closes on a program with another cookie, or that is none", async () => {
    const { asking, program } = await connected();
    await asking;
    for (const said of [greeting("l", COOKIE_PROTOCOL, cookie), Buffer.from("GET / HTTP/1.1\r\n\r\n")]) {
      const channel = await program();
      channel.write(said);
      await channel.ended;
    }
    const silent = await program();
    silent.conn!.sendEOF(silent);
    await silent.ended;
    expect(sockets).toEqual([]);
  });

  test("lets one program connect, when that is asked for", async () => {
    const { asking, theirs, program } = await connected({ singleConnection: true });
    await asking;
    const said = greeting("l", COOKIE_PROTOCOL, Buffer.from(theirs.asked!.cookie, "hex"));
    (await program()).write(said);
    await expect.poll(() => sockets.length).toBe(1);
    await expect(program()).rejects.toThrow("nobody asked for it");
  });

  test("CL3: takes no channel before it has asked, after a refusal, or when the session is over", async () => {
    const refused = await connected({ willing: false });
    await expect(refused.asking).rejects.toThrow("channel request failed");
    await expect(refused.program()).rejects.toThrow("nobody asked for it");
    stop();
    const { asking, ours, program } = await connected();
    await asking;
    ours.loseConnection();
    await expect.poll(() => ours.remoteClosed).toBe(true);
    await expect(program()).rejects.toThrow("nobody asked for it");
  });

  test("fails without a display", async () => {
    const { asking } = await connected({ display: "" });
    await expect(asking).rejects.toThrow("there is no display to forward");
  });
});
