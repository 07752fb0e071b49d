import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { Clock } from "@strombus/reactor/task";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ConchUser } from "../avatar.js";
import { Exec, ExitSignal, ExitStatus } from "../messages/connection.js";
import { parseRequest_pty_req, parseRequest_window_change } from "../session/terminal.js";
import { SSHChannel } from "../ssh/channel.js";
import { type SessionIO, sessionProgram } from "../streams.js";
import { connectionOf } from "./connection.test.support.js";
import { ClientOptions, run, type SSHConnection, SSHSession } from "./conch.js";
import { Escapes } from "./conch/escapes.js";
import { UserSide } from "./conch/user-side.js";

afterEach(() => {
  process.exitCode = 0;
  vi.restoreAllMocks();
});

describe("the command line", () => {
  function parsed(...words: string[]): ClientOptions {
    const options = new ClientOptions();
    options.parseOptions(words);
    return options;
  }

  test("is a host, and what runs there", () => {
    expect(parsed("me@you@host", "ls", "-l", "a  b")).toMatchObject({
      host: "host",
      user: "me@you",
      port: 22,
      command: "ls -l a  b",
    });
    expect(parsed("-l", "me", "[::1]")).toMatchObject({ host: "::1", user: "me", command: "" });
  });

  test("may have options behind the host, and those of OpenSSH, which take nothing but their own", () => {
    const options = parsed("host", "-l", "me", "-oA=b", "-o", "C d", "--", "-x", "-l", "y");
    expect(options).toMatchObject({ host: "host", user: "me", command: "-x -l y" });
    expect(parsed("-oA=b", "host", "echo", "-o", "it").command).toBe("echo -o it");
  });

  test("names ports that are forwarded, each its own", () => {
    const options = parsed("-L", "80:a:81", "-L", "0:[::1]:82", "-R", "83:b.c:84", "host");
    expect(options.localForwards).toEqual([
      [80, ["a", 81]],
      [0, ["::1", 82]],
    ]);
    expect(options.remoteForwards).toEqual([[83, ["b.c", 84]]]);
    expect(parsed("host").localForwards).toEqual([]);
  });

  test.each([
    ["~", 0x7e],
    ["^Q", 0x11],
    ["^[", 0x1b],
    ["^", 0x5e],
    ["none", null],
  ])("has %s as an escape character", (given, byte) => {
    expect(parsed("-e", given, "host").escape).toBe(byte);
  });

  test.each([
    [[], "Wrong number of arguments."],
    [["@host"], '"@host" is not [user@]host'],
    [["me@"], '"me@" is not [user@]host'],
    [["-L", "80:a", "host"], '"80:a" is not port:host:hostport'],
    [["-R", "65536:a:80", "host"], '"65536:a:80" is not port:host:hostport'],
    [["-L", "80:a:0", "host"], '"80:a:0" is not port:host:hostport'],
    [["-s", "host"], "--subsystem needs the name of one"],
    [["-e", "ab", "host"], "Bad escape character 'ab'."],
    [["-e", "é", "host"], "Bad escape character 'é'."],
    [["-f", "host"], "conch: --fork cannot be done by a Node program: run it in the background instead"],
  ])("%j is wrong", (words, message) => {
    expect(() => parsed(...words)).toThrow(message);
  });
});

describe("escapes", () => {
  /** What comes of these pieces, as text. */
  function typed(...pieces: string[]): string[] {
    const escapes = new Escapes(0x7e);
    return pieces.flatMap((piece) =>
      escapes
        .split(Buffer.from(piece, "latin1"))
        .map((part) => (typeof part === "string" ? part : `"${String(part)}"`)),
    );
  }

  test.each([
    [["~."], ["quit"]],
    [["ls\r~."], ['"ls\r"', "quit"]],
    [
      ["ls\n", "~", "."],
      ['"ls\n"', "quit"],
    ],
    [["~#~R~\x1a~?"], ["channels", "rekey", "suspend", "help"]],
    [
      ["~~.", "\r~~"],
      ['"~."', '"\r"', '"~"'],
    ],
    [["~x~."], ['"~"', '"x~."']],
    [["~\r~."], ['"~"', '"\r"', "quit"]],
    [["a~."], ['"a~."']],
    [[""], []],
  ])("%j is %j", (pieces, parts) => {
    expect(typed(...pieces)).toEqual(parts);
  });

  test("with a control character are shown as it is typed", () => {
    expect(new Escapes(0x11).help[1]).toBe("  ^Q.   ends the connection");
  });
});

/** A session of the server that tells what is asked of it, and does what it is told. */
class Scripted extends SSHChannel {
  readonly asked: string[] = [];
  refused: readonly string[] = [];

  override requestReceived(type: string, data: Buffer): boolean {
    if (type === "pty-req") {
      const [term, size, modes] = parseRequest_pty_req(data);
      this.asked.push(`pty-req ${term} ${size.join()} ${modes.length}`);
    } else if (type === "window-change") this.asked.push(`${type} ${parseRequest_window_change(data).join()}`);
    else this.asked.push(type === "exec" ? `exec ${String(Exec.decode(data).command)}` : type);
    return !this.refused.includes(type);
  }

  end(status: number | null = null): void {
    if (status !== null) void this.conn!.sendRequest(this, "exit-status", ExitStatus.encode({ status }));
    this.loseConnection();
  }
}

class Screen extends PassThrough {
  isTTY = false;
  columns = 100;
  rows = 30;
  shown = "";

  constructor() {
    super();
    this.setEncoding("latin1").on("data", (text: string) => (this.shown += text));
  }
}

class Keys extends PassThrough {
  isTTY = false;
  isRaw = false;
  readonly modes: boolean[] = [];

  setRawMode(mode: boolean): void {
    this.isRaw = mode;
    this.modes.push(mode);
  }
}

class Running {
  readonly stdin = new Keys();
  readonly stdout = new Screen();
  readonly stderr = new Screen();
  readonly clock = new Clock();
  readonly user = new ConchUser();
  /** The sessions that have begun. */
  readonly sessions: Scripted[] = [];
  readonly connections: SSHConnection[] = [];
  readonly ending: Promise<void>;

  constructor(words: readonly string[], { terminal = false, refused = [], program }: Given = {}) {
    this.stdin.isTTY = this.stdout.isTTY = terminal;
    this.user.channelLookup["session"] =
      program !== undefined
        ? sessionProgram(program)
        : (options) => {
            const session = new Scripted(options);
            session.refused = refused;
            this.sessions.push(session);
            return session;
          };
    const connect = async (_options: ClientOptions, connection: SSHConnection): Promise<void> => {
      this.connections.push(connection);
      await connectionOf(this.user, connection);
    };
    const { stdin, stdout, stderr, clock } = this;
    this.ending = run(words, { connect, stdin, stdout, stderr, reactor: clock });
  }

  get session(): Scripted {
    return this.sessions.at(-1)!;
  }

  /** Waits until the server has been asked so often in all. */
  async asked(count: number): Promise<string[]> {
    await vi.waitFor(() => expect(this.sessions.at(-1)?.asked.length).toBe(count), { interval: 1 });
    return this.session.asked;
  }

  async end(): Promise<[status: unknown, printed: string, errors: string]> {
    await this.ending;
    return [process.exitCode, this.stdout.shown, this.stderr.shown];
  }
}

interface Given {
  /** The user is at a terminal. */
  readonly terminal?: boolean;
  /** Requests that the server refuses. */
  readonly refused?: readonly string[];
  /** What runs on the server. Default: a Scripted session. */
  readonly program?: (io: SessionIO) => Promise<number>;
}

describe("a command", () => {
  test("has its input, its outputs and its status", async () => {
    const running = new Running(["host", "count", "it"], {
      terminal: false,
      program: async ({ stdin, stdout, stderr, command, terminal }) => {
        stdout.write(`${terminal === null} ${command} ${(await text(stdin)).length}`);
        stderr.write("wrong");
        return 7;
      },
    });
    running.stdin.end("~.\n~.\n");
    expect(await running.end()).toEqual([7, "true count it 6", "wrong"]);
  });

  test("leaves the terminal as it is, and takes no escapes", async () => {
    const running = new Running(["host", "cat"], { terminal: true });
    expect(await running.asked(1)).toEqual(["exec cat"]);
    running.session.end(0);
    expect(await running.end()).toEqual([0, "", ""]);
    expect(running.stdin.modes).toEqual([]);
  });

  test("has a terminal with -t", async () => {
    const running = new Running(["-t", "host", "vi"], { terminal: true });
    expect((await running.asked(2))[1]).toBe("exec vi");
    expect(running.stdin.isRaw).toBe(true);
    running.session.end(0);
    expect(await running.end()).toEqual([0, "", ""]);
    expect(running.stdin.modes).toEqual([true, false]);
  });

  test("has no input with -n", async () => {
    const program = async ({ stdin }: SessionIO): Promise<number> => (await text(stdin)).length;
    const running = new Running(["-n", "host", "wc"], { program });
    running.stdin.write("typed");
    expect(await running.end()).toEqual([0, "", ""]);
  });

  test("that the server refuses, or does not tell the end of, has status 255", async () => {
    const refused = new Running(["host", "rm"], { refused: ["exec"] });
    expect(await refused.end()).toEqual([255, "", "conch: the server refuses the request exec\n"]);
    const untold = new Running(["host", "rm"]);
    await untold.asked(1);
    untold.session.end();
    expect(await untold.end()).toEqual([255, "", ""]);
  });

  test("CL4: that a signal has ended is told, escaped", async () => {
    const running = new Running(["host", "rm"]);
    await running.asked(1);
    const { session } = running;
    const ended = ExitSignal.encode({ signal: "\x1b[2J", coreDumped: false, message: "\x07", language: "" });
    void session.conn!.sendRequest(session, "exit-signal", ended);
    session.end();
    expect(await running.end()).toEqual([255, "", "conch: the program was ended by signal \\x1b[2J\n"]);
  });

  test("whose output nobody reads any more is given up", async () => {
    const running = new Running(["host", "yes"]);
    await running.asked(1);
    running.stdout.destroy(new Error("EPIPE"));
    await running.ending;
    expect(running.session.remoteClosed).toBe(true);
  });

  test("keeps the program until what goes through its connection has ended too", async () => {
    const running = new Running(["host", "sh"]);
    running.user.channelLookup["other"] = SSHChannel;
    await running.asked(1);
    const other = new SSHChannel();
    other.name = "other";
    await running.connections[0]!.openChannel(other);
    let over = false;
    void running.ending.then(() => (over = true));
    const session = running.connections[0]!.channels.get(0) as SSHSession;
    running.session.end(4);
    await session.ended;
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    other.loseConnection();
    expect(await running.end()).toEqual([4, "", ""]);
  });
});

describe("a shell", () => {
  test("at a terminal has one there, of its size, and all keys; then it is as it was", async () => {
    vi.stubEnv("TERM", "vt220");
    const running = new Running(["host"], { terminal: true });
    expect(await running.asked(2)).toEqual(["pty-req vt220 30,100,0,0 0", "shell"]);
    running.stdout.columns = 120;
    running.stdout.emit("resize");
    expect((await running.asked(3))[2]).toBe("window-change 30,120,0,0");
    expect(running.stdin.isRaw).toBe(true);
    running.session.end(5);
    expect(await running.end()).toEqual([5, "Connection to host closed.\n", ""]);
    expect([running.stdin.modes, running.stdout.listenerCount("resize")]).toEqual([[true, false], 0]);
    vi.unstubAllEnvs();
  });

  test.each([
    [["host"], { terminal: false }],
    [["-T", "host"], { terminal: true }],
  ])("%j has none (%j)", async (words, given) => {
    const running = new Running(words, given);
    expect(await running.asked(1)).toEqual(["shell"]);
    running.session.end(0);
    await running.ending;
    expect(running.stdin.modes).toEqual([]);
  });

  test("goes on where the server gives none", async () => {
    const running = new Running(["host"], { terminal: true, refused: ["pty-req"] });
    await running.asked(2);
    await vi.waitFor(() => expect(running.stdin.isRaw).toBe(false), { interval: 1 });
    expect(running.stderr.shown).toBe("conch: the server gives no terminal\n");
    running.session.end(0);
    expect((await running.end())[0]).toBe(0);
  });

  test("takes escapes", async () => {
    const running = new Running(["host"], { terminal: true });
    await running.asked(2);
    const { stdin, stderr, connections } = running;
    const received: string[] = [];
    running.session.dataReceived = (data) => void received.push(String(data));
    const killed = vi.spyOn(process, "kill").mockReturnValue(true);
    const rekeyed = vi.spyOn(connections[0]!.transport!, "sendKexInit");
    stdin.write("~\x1a~#~?~R~~sent");
    expect((await running.asked(3))[2]).toBe("window-change 30,100,0,0");
    await vi.waitFor(() => expect(received.join("")).toBe("~sent"), { interval: 1 });
    expect(killed.mock.calls).toEqual([[0, "SIGTSTP"]]);
    expect(stdin.modes).toEqual([true, false, true]);
    expect(stderr.shown).toContain("\r\nThe following connections are open:\r\n  #0 session\r\n");
    expect(stderr.shown).toContain("~?   shows this\r\n");
    expect(rekeyed).toHaveBeenCalledTimes(1);
    stdin.write("\r~.lost");
    expect((await running.end())[0]).toBe(255);
    expect(received.join("")).not.toContain("lost");
    expect(stdin.isRaw).toBe(false);
  });

  test("takes none with -e none", async () => {
    const running = new Running(["-e", "none", "host"], {
      terminal: true,
      program: async ({ terminal }) => {
        terminal!.setRawMode(true);
        for await (const data of terminal!) return String(data) === "~." ? 6 : 1;
        return 1;
      },
    });
    running.stdin.write("~.");
    expect((await running.end())[0]).toBe(6);
  });
});

describe("a connection", () => {
  test("that is lost is told, and the terminal is as it was", async () => {
    const running = new Running(["host"], { terminal: true });
    await running.asked(2);
    running.session.conn!.transport!.loseConnection();
    expect(await running.end()).toEqual([
      1,
      "Connection to host closed.\n",
      "conch: exiting with error the connection to host was lost\n",
    ]);
    expect(running.stdin.isRaw).toBe(false);
  });

  test.each([["-r"], []])("is made again with %j or by SIGUSR1, and the user's side stays", async (...options) => {
    const running = new Running([...options, "host", "cat"]);
    await running.asked(1);
    if (options.length === 0) process.emit("SIGUSR1", "SIGUSR1");
    else running.session.conn!.transport!.loseConnection();
    await vi.waitFor(() => expect(running.clock.getDelayedCalls()).toHaveLength(1), { interval: 1 });
    running.stdin.end("kept");
    running.clock.advance(1);
    await vi.waitFor(() => expect(running.sessions).toHaveLength(2), { interval: 1 });
    const received: string[] = [];
    running.session.dataReceived = (data) => void received.push(String(data));
    await vi.waitFor(() => expect([received, running.session.remoteEOF]).toEqual([["kept"], true]), { interval: 1 });
    running.session.write("came");
    running.session.end(9);
    expect(await running.end()).toEqual([9, "came", ""]);
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGHUP", 129],
  ] as const)("ends with %s, and the terminal is as it was", async (signal, status) => {
    const before = process.listenerCount(signal);
    const running = new Running(["host"], { terminal: true });
    await running.asked(2);
    process.emit(signal, signal);
    expect((await running.end())[0]).toBe(status);
    expect([running.stdin.modes, process.listenerCount(signal)]).toEqual([[true, false], before]);
  });

  test("CL4: that cannot be made is told, escaped; so is a session that is refused", async () => {
    const stderr = new Screen();
    await run(["host"], { stderr, connect: () => Promise.reject(new Error("no\x1b way")) });
    expect([process.exitCode, stderr.shown]).toEqual([1, "conch: exiting with error no\\x1b way\n"]);
    const running = new Running(["host", "ls"]);
    running.user.channelLookup = {};
    expect(await running.end()).toEqual([1, "", expect.stringMatching(/^conch: exiting with error [^\n]+\n$/)]);
  });

  test("of its own faults makes status 2", async () => {
    const running = new Running(["host"], { terminal: true });
    running.stdin.setRawMode = () => {
      throw new Error("odd");
    };
    expect(await running.end()).toEqual([2, "", "conch: odd\n"]);
  });

  test("without a session forwards ports, and tells of those that it cannot", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const running = new Running(["-N", "-L", `${port}:a:1`, "-R", "80:b:2", "host"]);
    await vi.waitFor(() => expect(running.stderr.shown.match(/\n/g)).toHaveLength(2), { interval: 1 });
    expect(running.stderr.shown).toContain("conch: the server's port 80 is not forwarded: it refuses\n");
    expect(running.stderr.shown).toMatch(new RegExp(`conch: port ${port} is not forwarded: [^\n]+\n`));
    expect(running.sessions).toEqual([]);
    process.emit("SIGTERM", "SIGTERM");
    await running.ending;
    taken.close();
  });

  test("takes the server's channels to the agent only when it has asked for it", async () => {
    const plain = new Running(["host", "sh"]);
    await plain.asked(1);
    expect(plain.connections[0]!.channel_auth_agent_openssh_com).toBe(undefined);
    plain.session.end(0);
    await plain.ending;
    const asking = new Running(["-A", "-N", "host"], { refused: ["auth-agent-req@openssh.com"] });
    expect(await asking.asked(1)).toEqual(["auth-agent-req@openssh.com"]);
    expect(asking.connections[0]!.channel_auth_agent_openssh_com).toBeTypeOf("function");
    await vi.waitFor(() => expect(asking.stderr.shown).toBe("conch: the server does not take the agent\n"), {
      interval: 1,
    });
    asking.session.end();
    expect((await asking.end())[0]).toBe(255);
  });
});

test("the server's end of data closes the write side of stdio", () => {
  const calls: string[] = [];
  const user = new UserSide({ stdin: new Keys(), stdout: new Screen(), stderr: new Screen() });
  const session = new SSHSession(new ClientOptions(), user);
  session.stdio = {
    write: () => calls.push("write"),
    loseWriteConnection: () => calls.push("loseWriteConnection"),
    pauseProducing: () => calls.push("pause"),
    resumeProducing: () => calls.push("resume"),
  };
  session.stopWriting();
  session.startWriting();
  void session.eofReceived();
  expect(calls).toEqual(["pause", "resume", "loseWriteConnection"]);
});
