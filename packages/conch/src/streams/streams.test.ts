/** Channels and sessions as Node's streams, on two connections that are each other's peers. */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { buffer, text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { directlyProvides } from "@strombus/reactor/components";
import { afterEach, describe, expect, test } from "vitest";
import { ConchUser } from "../avatar.js";
import { pair } from "../channel/fixtures.test.support.js";
import { ISession, ISessionSignal } from "../interfaces.js";
import { ExitSignal } from "../messages/connection.js";
import { SSHConnection } from "../ssh/connection.js";
import { SSHSession } from "../ssh/session.js";
import type { TerminalStream } from "../streams.js";
import { ClientSession, type Program, type ProgramOptions, sessionProgram, StreamChannel } from "../streams.js";

let pumping: NodeJS.Timeout | null = null;
afterEach(() => {
  if (pumping !== null) clearInterval(pumping);
});

/** A client and a server, whose messages travel between turns of the event loop. */
function connected(setUp: (user: ConchUser) => void) {
  const server = new SSHConnection();
  const { client, pump, log } = pair(new SSHConnection(), server);
  const user = new ConchUser();
  setUp(user);
  Object.assign(server.transport!, { avatar: user });
  server.serviceStarted();
  pumping = setInterval(pump, 0);
  return { client, server, pump, log };
}

/** The two ends of a channel. */
async function ends(options: { localWindow?: number } = {}) {
  let far!: StreamChannel;
  const both = connected((user) => {
    user.channelLookup["test"] = (opened) => (far = new StreamChannel("test", { ...opened, ...options }));
  });
  const near = await both.client.openChannel(new StreamChannel("test", options));
  return { ...both, near, far };
}

describe("a channel", () => {
  test("is a Duplex: data both ways, and each end by itself", async () => {
    const { near, far } = await ends();
    near.stream.end("question");
    expect(await text(far.stream)).toBe("question");
    far.stream.end("answer");
    expect(await text(near.stream)).toBe("answer");
    await expect.poll(() => [near.localClosed, far.localClosed]).toEqual([true, true]);
  });

  test("can be iterated, and closes when the loop is left", async () => {
    const { near, far, client } = await ends();
    far.stream.resume().write("one");
    for await (const data of near) {
      expect(data.toString()).toBe("one");
      break;
    }
    await expect.poll(() => [far.stream.destroyed, client.channels.size]).toEqual([true, 0]);
  });

  test("carries extended data beside the data, both ways", async () => {
    const { near, far } = await ends();
    const [errors, others] = [text(near.stderr), text(far.stderr)];
    far.stderr.write("wrong");
    near.stderr.write("also");
    near.stream.resume().end();
    far.stream.resume().end();
    expect([await errors, await others]).toEqual(["wrong", "also"]);
  });

  test("C4: a reader that stops holds the writer back, and no byte is lost", async () => {
    const { near, far, pump } = await ends({ localWindow: 1000 });
    let [sent, size] = [0, 1_000_000];
    const source = new Readable({
      read(wanted) {
        const piece = Math.min(wanted, size - sent);
        sent += piece;
        this.push(piece === 0 ? null : Buffer.alloc(piece, "x"));
      },
    });
    const whole = pipeline(source, near.stream);
    await expect.poll(() => near.remoteWindowLeft).toBe(0);
    // As long as nobody reads, nothing more comes: what is on its way has arrived when nothing waits any more.
    for (let before = -1; before !== sent;) {
      before = sent;
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      pump();
    }
    expect(sent).toBeLessThan(300_000); // the streams' own buffers, and the window
    expect((await buffer(far.stream)).length).toBe(size);
    await whole;
    size = 0;
  });

  test("R11: crumbs that nobody reads wait side by side, and are read in their order up to the end", async () => {
    const { near, far } = await ends();
    const crumbs = Array.from({ length: 20_000 }, (_, i) => Buffer.of(i % 251));
    far.stream.resume();
    for (const crumb of crumbs) near.dataReceived(crumb);
    await new Promise(setImmediate);
    expect(near.stream.readableLength).toBeLessThanOrEqual(4096);
    near.eofReceived();
    expect((await buffer(near.stream)).equals(Buffer.concat(crumbs))).toBe(true);
  });

  test("what waits for a reader that comes later goes on after it", async () => {
    const { near } = await ends();
    const data = Buffer.from(Array.from({ length: 50_000 }, (_, i) => i % 253));
    for (let at = 0; at < data.length; at += 100) near.dataReceived(data.subarray(at, at + 100));
    const got: Buffer[] = [];
    let bytes = 0;
    for await (const piece of near) {
      got.push(piece);
      bytes += piece.length;
      if (bytes === data.length) near.dataReceived(Buffer.from("more"));
      if (bytes > data.length) break;
    }
    expect(Buffer.concat(got).equals(Buffer.concat([data, Buffer.from("more")]))).toBe(true);
  });

  test("a write to a channel that the peer has closed fails with EPIPE", async () => {
    const { near, far } = await ends();
    near.stream.resume();
    far.stream.destroy();
    await once(near.stream, "close");
    await expect(new Promise((_, reject) => near.stream.write("more", reject))).rejects.toThrow();
  });

  test("what the peer sent before it closed can still be read", async () => {
    const { near, far } = await ends();
    far.stream.write("the last words");
    far.loseConnection();
    await expect.poll(() => near.localClosed).toBe(true);
    expect(await text(near.stream)).toBe("the last words");
  });

  test("R2: the end of the connection is an error to who reads, and harms nobody who does not listen", async () => {
    const { near, client, far } = await ends();
    const reading = text(near.stream);
    client.serviceStopped();
    await expect(reading).rejects.toThrow("the connection ended");
    far.stream.on("close", () => {});
  });

  test("is closed by `await using`, when the peer has closed it too", async () => {
    const { near, far, client } = await ends();
    far.stream.resume();
    {
      await using channel = near;
      channel.stream.write("x");
    }
    expect(client.channels.size).toBe(0);
    expect(far.localClosed).toBe(true);
  });

  test("that is refused fails its stream too", async () => {
    const { client } = await ends();
    const channel = new StreamChannel("unknown");
    await expect(client.openChannel(channel)).rejects.toThrow("unknown channel");
    expect(channel.stream.destroyed).toBe(true);
  });
});

async function session(program: Program, options?: ProgramOptions) {
  const both = connected((user) => {
    user.channelLookup["session"] = sessionProgram(program, options);
  });
  return { ...both, session: await ClientSession.open(both.client) };
}

describe("a session's program", () => {
  test("has streams, and its result is the exit status, behind all that it wrote", async () => {
    const { session: near } = await session(async ({ stdin, stdout, stderr, command }) => {
      stderr.write("working\n");
      stdout.write(`${command}: ${(await text(stdin)).toUpperCase()}`);
      return 7;
    });
    const errors = text(near.stderr);
    await near.exec("shout");
    near.stream.end("hello");
    expect(await text(near.stream)).toBe("shout: HELLO");
    expect(await near.exit).toEqual({ code: 7, signal: null });
    expect(await errors).toBe("working\n");
  });

  test("R1: that throws ends its session with status 1", async () => {
    const { session: near } = await session(() => Promise.reject(new Error("no")));
    await near.shell();
    near.stream.resume();
    expect(await near.exit).toEqual({ code: 1, signal: null });
  });

  test("hears of the end of its session by a signal", async () => {
    let reason: unknown;
    const { session: near } = await session(
      ({ signal }) =>
        new Promise((resolve) => signal.addEventListener("abort", () => resolve(void (reason = signal.reason)))),
    );
    await near.shell();
    near.loseConnection();
    await expect.poll(() => String(reason)).toContain("the session has ended");
  });

  test("S1: has the variables that the client may set, and no others", async () => {
    const seen = async (options?: ProgramOptions) => {
      const { session: near } = await session(
        ({ env, stdout }) => void stdout.write(Object.keys(env).sort().join()),
        options,
      );
      for (const name of ["LANG", "LC_ALL", "COLORTERM", "LD_PRELOAD"]) near.env(name, "x");
      await near.shell();
      return text(near.stream);
    };
    expect(await seen()).toBe("LANG,LC_ALL");
    expect(await seen({ acceptEnv: ["COLORTERM"] })).toBe("COLORTERM");
  });

  test("input that comes before the program, and after its end, does no harm", async () => {
    const { session: near } = await session(() => 0);
    near.stream.write("early");
    await near.exec("true");
    near.stream.resume();
    near.stream.on("error", () => {});
    near.stream.write(Buffer.alloc(5_000_000));
    expect((await near.exit).code).toBe(0);
  });

  test("a program whose output the client does not read fails with EPIPE when it writes", async () => {
    const { client, session: near } = await session(async ({ stdout }) => {
      const failure = once(stdout, "error");
      const chatter = setInterval(() => stdout.write("more\n"), 1);
      const [error] = (await failure) as [NodeJS.ErrnoException];
      clearInterval(chatter);
      expect(error.code).toBe("EPIPE");
      return 3;
    });
    await near.exec("chatter");
    near.stream.resume();
    await once(near.stream, "data");
    void client.sendRequest(near, "eow@openssh.com", "");
    expect((await near.exit).code).toBe(3);
  });

  test("a subsystem of the user's works beside it, and ends with its input", async () => {
    const { client } = connected((user) => {
      user.channelLookup["session"] = sessionProgram(() => 0);
      user.subsystemLookup["echo"] = () => echo();
    });
    const near = await ClientSession.open(client);
    await near.subsystem("echo");
    near.stream.write("hello");
    const [data] = (await once(near.stream, "data")) as [Buffer];
    expect(data.toString()).toBe("hello");
    near.stream.end();
    await near.exit;
  });
});

describe("a client's session", () => {
  test("breaks the line of a server that has one, and hears from any other that there is none", async () => {
    const heard: number[] = [];
    const line = {
      closed() {},
      eofReceived() {},
      signalReceived() {},
      breakReceived: (milliseconds: number) => void heard.push(milliseconds),
    };
    directlyProvides(line, ISession, ISessionSignal);
    const { client } = connected((user) => {
      user.channelLookup["session"] = (opened) => Object.assign(new SSHSession(opened), { session: line });
    });
    const near = await ClientSession.open(client);
    await near.break(500);
    await near.break();
    expect(heard).toEqual([500, 0]);
    near.loseConnection();
    await expect.poll(() => client.channels.size).toBe(0);

    const other = await session(() => 0);
    await expect(other.session.break()).rejects.toThrow("channel request failed");
    other.session.loseConnection();
    await expect.poll(() => other.client.channels.size).toBe(0);
  });

  test("tells of a signal that ended the program", async () => {
    const { server, session: near } = await session(({ signal }) => once(signal, "abort").then(() => 0));
    await near.shell();
    const [channel] = server.channels.values();
    const body = ExitSignal.encode({ signal: "KILL", coreDumped: false, message: "", language: "" });
    void server.sendRequest(channel!, "exit-signal", body);
    channel!.loseConnection();
    near.stream.resume();
    expect(await near.exit).toEqual({ code: null, signal: "KILL" });
  });

  test("is rejected when there is no program, or when the connection ends", async () => {
    const { client, session: near } = await session(({ signal }) => once(signal, "abort").then(() => 0));
    await near.shell();
    await expect(near.exec("second")).rejects.toThrow("channel request failed");
    near.stream.on("error", () => {});
    client.serviceStopped();
    await expect(near.exit).rejects.toThrow("the connection ended");
  });
});

describe("a terminal", () => {
  const terminal = async (program: (terminal: TerminalStream) => Promise<unknown>) => {
    const both = await session(async ({ terminal, stdin, stdout, stderr }) => {
      expect([stdin, stdout, stderr]).toEqual([terminal, terminal, terminal]);
      await program(terminal!);
    });
    await both.session.pty("xterm-256color", { columns: 100, rows: 30 }, [[53, 1]]);
    await both.session.shell();
    return both.session;
  };

  test("has its size, and tells when it changes", async () => {
    const near = await terminal(async (tty) => {
      tty.write(`${tty.isTTY} ${tty.columns}x${tty.rows} ${tty.getWindowSize().join("x")}`);
      await once(tty, "resize");
      tty.write(` ${tty.columns}x${tty.rows}`);
    });
    await once(near.stream, "readable");
    near.resize({ columns: 50, rows: 0 });
    expect(await text(near.stream)).toBe("true 100x30 100x30 50x24");
  });

  test("knows its colours by its name", async () => {
    const near = await terminal((tty) => {
      const colors = [tty.hasColors(), tty.hasColors(256), tty.hasColors(2 ** 24)];
      tty.write([tty.getColorDepth(), tty.getColorDepth({ TERM: "dumb" }), ...colors].join());
      return Promise.resolve();
    });
    expect(await text(near.stream)).toBe("8,1,true,true,false");
  });

  test("puts a return before each newline that has none", async () => {
    const near = await terminal((tty) => {
      for (const piece of ["a\nb\r\nc\n\nd\r", "\ne", "\n"]) tty.write(piece);
      return Promise.resolve();
    });
    expect(await text(near.stream)).toBe("a\r\nb\r\nc\r\n\r\nd\r\ne\r\n");
  });

  test("echoes and edits lines until a program wants single keys", async () => {
    const lines: string[] = [];
    const near = await terminal(async (tty) => {
      for await (const line of tty) {
        lines.push(String(line));
        if (lines.join("").endsWith("c")) break; // off without a newline
      }
    });
    near.stream.write("hellö\x7f\x7fp\rab\x15c\x04");
    expect(await text(near.stream)).toBe("hellö\b \b\b \bp\r\nab\b \b\b \bc");
    expect(lines.join("")).toBe("help\nc");
  });

  test("gives out single keys in raw mode, Ctrl-C too", async () => {
    const keys: string[] = [];
    const near = await terminal(async (tty) => {
      tty.setRawMode(true);
      for await (const key of tty) {
        keys.push(String(key));
        if (keys.join("").endsWith("q")) break;
      }
    });
    near.stream.write("\x03q");
    expect(await text(near.stream)).toBe("");
    expect(keys.join("")).toBe("\x03q");
  });

  test("Ctrl-C ends a program that does not listen for it, with what shells say of that", async () => {
    const near = await terminal(() => new Promise(() => {}));
    near.stream.write("x\x03");
    expect(await text(near.stream)).toBe("x^C\r\n");
    expect((await near.exit).code).toBe(130);
  });

  test("Ctrl-C is an event to a program that does", async () => {
    const near = await terminal(async (tty) => {
      await once(tty, "SIGINT");
      tty.write("not yet");
    });
    near.stream.write("\x03");
    expect(await text(near.stream)).toBe("^C\r\nnot yet");
    expect((await near.exit).code).toBe(0);
  });

  test("the end-of-file key ends the input", async () => {
    const near = await terminal(async (tty) => tty.write((await text(tty)).toUpperCase()));
    near.stream.write("a\r\x04");
    expect(await text(near.stream)).toBe("a\r\nA\r\n");
  });

  test("readline edits lines on it", async () => {
    const near = await terminal(async (tty) => {
      const lines = createInterface({ input: tty, output: tty, prompt: "> " });
      lines.prompt();
      const [line] = (await once(lines, "line")) as [string];
      lines.close();
      tty.write(`got ${line}\n`);
    });
    near.stream.write("hallo\x1b[D\x1b[D\x1b[D\x1b[D\x7f\r"); // left of the second letter, and the first erased
    expect(await text(near.stream)).toMatch(/got allo\r\n$/);
  });
});

/** Sends back what it gets. */
function echo() {
  return {
    transport: null as { write(data: Buffer): void } | null,
    makeConnection(transport: { write(data: Buffer): void }) {
      this.transport = transport;
    },
    connectionMade() {},
    dataReceived(data: Buffer) {
      this.transport?.write(data);
    },
    connectionLost() {},
  };
}
