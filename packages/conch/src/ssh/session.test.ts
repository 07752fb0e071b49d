import { constants } from "node:os";
import { implementer, registerAdapter } from "@strombus/reactor/components";
import { Deferred } from "@strombus/reactor/defer";
import { ProcessDone, ProcessTerminated } from "@strombus/reactor/error";
import { KeyError, RuntimeError } from "@strombus/reactor/exceptions";
import { Failure } from "@strombus/reactor/failure";
import { IConsumer, IHalfCloseableProtocol, type IPushProducer, ITransport } from "@strombus/reactor/interfaces";
import { Protocol } from "@strombus/reactor/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { ConchUser } from "../avatar.js";
import { FakeTransport, loggedErrors, open } from "../channel/fixtures.test.support.js";
import { ProtocolError } from "../error.js";
import type { TerminalModes, WindowSize } from "../interfaces.js";
import { Permissions, restrict } from "../permissions.js";
import { NS } from "./common.js";
import * as connection from "./connection.js";
import { SSHConnection } from "./connection.js";
import type { ISessionSetEnv } from "./session.js";
import {
  EnvironmentVariableNotPermitted,
  ISession,
  packRequest_pty_req,
  packRequest_window_change,
  parseRequest_pty_req,
  parseRequest_window_change,
  SSHSession,
  SSHSessionClient,
  SSHSessionProcessProtocol,
  SUPPORTED_SIGNALS,
  wrapProcessProtocol,
  wrapProtocol,
} from "./session.js";

const EMPTY = Buffer.alloc(0);
const u32 = (...values: number[]) => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  return bytes;
};
const hex = (...parts: (Buffer | string)[]) => Buffer.concat(parts.map((part) => Buffer.from(part))).toString("hex");

/** A program's transport that writes down what is done to it. */
class FakeProgram {
  input = "";
  errors = "";
  calls: string[] = [];
  producer: IPushProducer | null = null;
  write(data: Buffer) {
    this.input += data.toString();
  }
  writeErr(data: Buffer) {
    this.errors += data.toString();
  }
  writeSequence() {}
  loseConnection() {
    this.calls.push("loseConnection");
  }
  pauseProducing() {
    this.calls.push("pause");
  }
  resumeProducing() {
    this.calls.push("resume");
  }
  getPeer() {
    return new FakeTransport().getPeer();
  }
  getHost() {
    return new FakeTransport().getHost();
  }
}

/** A session that succeeds the first time, and only then. */
class FakeSession implements ISession {
  calls: string[] = [];
  pty: [string, WindowSize, TerminalModes] | null = null;
  windowSize: WindowSize | null = null;
  program = new FakeProgram();
  client: SSHSessionProcessProtocol | null = null;
  begin: (client: SSHSessionProcessProtocol) => void | PromiseLike<void> = (client) => {
    void client.makeConnection(this.program);
  };

  getPty(term: string, windowSize: WindowSize, modes: TerminalModes): void {
    if (this.pty !== null) throw new RuntimeError("one terminal is enough");
    this.pty = [term, windowSize, modes];
  }
  openShell(client: SSHSessionProcessProtocol): void | PromiseLike<void> {
    this.client = client;
    this.calls.push("shell");
    return this.begin(client);
  }
  execCommand(client: SSHSessionProcessProtocol, command: Buffer): void | PromiseLike<void> {
    if (command.toString() === "failure") throw new RuntimeError("not this one");
    this.client = client;
    this.calls.push(`exec ${command.toString()}`);
    return this.begin(client);
  }
  windowChanged(windowSize: WindowSize): void {
    if (this.windowSize !== null) throw new RuntimeError("one size is enough");
    this.windowSize = windowSize;
  }
  eofReceived(): void {
    this.calls.push("eof");
  }
  closed(): void {
    this.calls.push("closed");
  }
}

class EnvSession extends FakeSession implements ISessionSetEnv {
  env: Record<string, string> = {};
  setEnv(name: Buffer, value: Buffer): void {
    if (name.toString() === "FORBIDDEN") throw new EnvironmentVariableNotPermitted(name.toString());
    if (name.toString() === "BROKEN") throw new RuntimeError("broken");
    this.env[name.toString()] = value.toString();
  }
}

class EchoProtocol extends Protocol {
  data: Buffer | null = null;
  lost = 0;
  override dataReceived(data: Buffer): void {
    this.transport?.write(`~${data.toString()}`);
  }
  override connectionLost(): void {
    this.lost += 1;
  }
}

/** Not an ISession, with one subsystem. */
class PlainUser extends ConchUser {
  echo = new EchoProtocol();
  override lookupSubsystem(name: string, data: Buffer) {
    this.echo.data = data;
    return name === "echo" && this.echo;
  }
}
class AdaptedUser extends PlainUser {
  made: FakeSession[] = [];
}
class EnvUser extends AdaptedUser {}
registerAdapter(
  (user: AdaptedUser) => {
    const session = user instanceof EnvUser ? new EnvSession() : new FakeSession();
    user.made.push(session);
    return session;
  },
  AdaptedUser,
  ISession,
);

let conn: SSHConnection;
let transport: FakeTransport;
let user: AdaptedUser;
let session: SSHSession;
const fake = () => user.made[0]!;

function sessionOf(avatar: ConchUser): SSHSession {
  return open(conn, new SSHSession({ remoteWindow: 1000, remoteMaxPacket: 1000, avatar }));
}

beforeEach(() => {
  conn = new SSHConnection();
  transport = new FakeTransport().of(conn);
  user = new AdaptedUser();
  session = sessionOf(user);
});

/** What tells a client that the program has done what it was asked. */
const SUCCEEDED = [
  [connection.MSG_CHANNEL_REQUEST, hex(u32(255), NS("exit-status"), Buffer.of(0), u32(0))],
  [connection.MSG_CHANNEL_CLOSE, hex(u32(255))],
];

const numbers = () => transport.packets.map(([number]) => number);
const PTY = packRequest_pty_req("xterm", [24, 80, 0, 0], [[53, 1]]);

test("construction asks nothing of the avatar", () => {
  const bare = new SSHSession({ avatar: new PlainUser() });
  expect([bare.name, bare.buf, bare.client, bare.session]).toEqual(["session", EMPTY, null, null]);
});

describe("the session of an avatar", () => {
  for (const [request, data] of [
    ["shell", EMPTY],
    ["exec", NS("success")],
    ["pty-req", PTY],
    ["window-change", u32(1, 2, 3, 4)],
  ] as const) {
    test(`is made by ${request}, once`, () => {
      expect(session.requestReceived(request, data)).toBe(true);
      expect(session.session).toBe(fake());
      session.requestReceived("env", Buffer.concat([NS("A"), NS("b")]));
      expect(user.made).toHaveLength(1);
    });

    test(`is needed by ${request}: without one there is a TypeError`, () => {
      expect(() => sessionOf(new PlainUser()).requestReceived(request, data)).toThrow(TypeError);
    });
  }

  test("is the avatar itself when it provides ISession", () => {
    const avatar = Object.assign(new ConchUser(), {
      getPty() {},
      openShell() {},
      execCommand() {},
      windowChanged() {},
      eofReceived() {},
      closed() {},
    });
    const own = sessionOf(avatar);
    expect(own.requestReceived("shell", EMPTY)).toBe(true);
    expect(own.session).toBe(avatar);
  });
});

describe("shell and exec", () => {
  test("a program is given what connects it to the channel", () => {
    expect(session.requestReceived("shell", EMPTY)).toBe(true);
    expect(session.client).toBe(fake().client);
    expect(session.client).toBeInstanceOf(SSHSessionProcessProtocol);
  });

  test("S2: a second program on a session is refused, with one logged error", () => {
    session.requestReceived("shell", EMPTY);
    const client = session.client;
    for (const [request, data] of [
      ["shell", EMPTY],
      ["exec", NS("success")],
      ["subsystem", NS("echo")],
    ] as const) {
      const errors = loggedErrors(() => expect(session.requestReceived(request, data)).toBe(false));
      expect(errors).toHaveLength(1);
      expect(errors[0]).toBeInstanceOf(RuntimeError);
    }
    expect(session.client).toBe(client);
    expect(fake().calls).toEqual(["shell"]);
  });

  test("after an exec that fails there is no client, and a later one works", () => {
    const errors = loggedErrors(() => expect(session.requestReceived("exec", NS("failure"))).toBe(false));
    expect([errors.length, session.client]).toEqual([1, null]);
    expect(session.requestReceived("exec", NS("success"))).toBe(true);
    expect(fake().calls).toEqual(["exec success"]);
  });

  test("a program that runs to its end at once: reply, output, status, EOF, CLOSE", () => {
    session.requestReceived("pty-req", PTY);
    fake().begin = (client) => {
      void client.makeConnection(fake().program);
      void client.outReceived(Buffer.from("hello"));
      void client.outConnectionLost();
      void client.errConnectionLost();
      void client.processEnded(new Failure(new ProcessDone()));
    };
    conn.ssh_CHANNEL_REQUEST(Buffer.concat([u32(0), NS("exec"), Buffer.of(1), NS("success")]));
    expect(numbers()).toEqual([
      connection.MSG_CHANNEL_SUCCESS,
      connection.MSG_CHANNEL_DATA,
      connection.MSG_CHANNEL_EOF,
      connection.MSG_CHANNEL_REQUEST,
      connection.MSG_CHANNEL_CLOSE,
    ]);
    expect(transport.packets[3]![1]).toBe(hex(u32(255), NS("exit-status"), Buffer.of(0), u32(0)));
  });

  test("a program may take its time to start; input and its end wait for it", () => {
    const started = new Deferred<void>();
    session.requestReceived("pty-req", PTY);
    fake().begin = () => started;
    conn.ssh_CHANNEL_REQUEST(Buffer.concat([u32(0), NS("shell"), Buffer.of(1)]));
    conn.ssh_CHANNEL_DATA(Buffer.concat([u32(0), NS("early")]));
    conn.ssh_CHANNEL_EOF(u32(0));
    expect([session.client, fake().calls, transport.packets]).toEqual([null, ["shell"], []]);
    void fake().client!.makeConnection(fake().program);
    void fake().client!.outReceived(Buffer.from("output"));
    started.callback(undefined);
    expect([session.client, fake().program.input, fake().calls]).toEqual([fake().client, "early", ["shell", "eof"]]);
    expect(numbers()).toEqual([connection.MSG_CHANNEL_SUCCESS, connection.MSG_CHANNEL_DATA]);
  });

  test("input that comes between a program's connection and its start is delivered", () => {
    const started = new Deferred<void>();
    session.requestReceived("pty-req", PTY);
    fake().begin = (client) => {
      void client.makeConnection(fake().program);
      return started;
    };
    conn.ssh_CHANNEL_REQUEST(Buffer.concat([u32(0), NS("shell"), Buffer.of(1)]));
    conn.ssh_CHANNEL_DATA(Buffer.concat([u32(0), NS("between")]));
    started.callback(undefined);
    conn.ssh_CHANNEL_DATA(Buffer.concat([u32(0), NS(" and after")]));
    expect(fake().program.input).toBe("between and after");
  });

  test("a program whose start fails later is refused, and another may start", () => {
    const started = new Deferred<void>();
    session.requestReceived("pty-req", PTY);
    fake().begin = () => started;
    conn.ssh_CHANNEL_REQUEST(Buffer.concat([u32(0), NS("shell"), Buffer.of(1)]));
    expect(loggedErrors(() => started.errback(new Error("no")))).toHaveLength(1);
    expect([numbers(), session.client]).toEqual([[connection.MSG_CHANNEL_FAILURE], null]);
    fake().begin = () => undefined;
    expect(session.requestReceived("shell", EMPTY)).toBe(true);
  });

  test("S4: a program that starts when the channel is gone is hung up", () => {
    const started = new Deferred<void>();
    session.requestReceived("pty-req", PTY);
    fake().begin = () => started;
    conn.ssh_CHANNEL_REQUEST(Buffer.concat([u32(0), NS("shell"), Buffer.of(1)]));
    conn.ssh_CHANNEL_CLOSE(u32(0));
    void fake().client!.makeConnection(fake().program);
    started.callback(undefined);
    expect(fake().program.calls).toEqual(["loseConnection"]);
  });

  test("output that the peer does not take pauses the program, window resumes it", () => {
    session.requestReceived("shell", EMPTY);
    void session.client!.outReceived(Buffer.alloc(1001));
    expect(fake().program.calls).toEqual(["pause"]);
    session.addWindowBytes(1000);
    expect(fake().program.calls).toEqual(["pause", "resume"]);
  });

  test("a client that reads no more (eow@openssh.com) closes the program's output, whatever waits for it", () => {
    const program = Object.assign(new FakeProgram(), { closeStdout: () => program.calls.push("stdout closed") });
    session.requestReceived("pty-req", PTY);
    fake().program = program;
    session.requestReceived("shell", EMPTY);
    void session.client!.outReceived(Buffer.alloc(1001));
    expect(session.requestReceived("eow@openssh.com", EMPTY)).toBe(true);
    expect(program.calls).toEqual(["pause", "resume", "stdout closed"]);
  });

  test("a program that does not read holds the peer back, until its input ends", () => {
    const program = Object.assign(new FakeProgram(), {
      registerProducer(producer: IPushProducer) {
        program.producer = producer;
      },
      unregisterProducer() {
        program.producer = null;
      },
    });
    session.requestReceived("pty-req", PTY);
    fake().program = program;
    session.requestReceived("shell", EMPTY);
    program.producer!.pauseProducing();
    session.localWindowLeft = 0;
    session.refillWindow();
    expect(numbers()).toEqual([]);
    program.producer!.resumeProducing();
    expect(numbers()).toEqual([connection.MSG_CHANNEL_WINDOW_ADJUST]);
    void session.eofReceived();
    expect(program.producer).toBeNull();
  });
});

describe("terminals", () => {
  test("pty-req hands over term, rows first, and modes; a second one is refused", () => {
    expect(session.requestReceived("pty_req", PTY)).toBe(true);
    expect(fake().pty).toEqual(["xterm", [24, 80, 0, 0], [[53, 1]]]);
    expect(loggedErrors(() => expect(session.requestReceived("pty-req", PTY)).toBe(false))).toHaveLength(1);
  });

  test("window-change hands over the size; a second one is refused", () => {
    expect(session.requestReceived("window_change", u32(1, 2, 3, 4))).toBe(true);
    expect(fake().windowSize).toEqual([2, 1, 3, 4]);
    expect(
      loggedErrors(() => expect(session.requestReceived("window-change", u32(1, 2, 3, 4))).toBe(false)),
    ).toHaveLength(1);
  });

  test("S2: sizes of 0 and of millions pass, a long TERM does not", () => {
    const huge: WindowSize = [0, 0, 2 ** 32 - 1, 2 ** 32 - 1];
    const long = packRequest_pty_req("x".repeat(65), huge, "");
    expect(loggedErrors(() => expect(session.requestReceived("pty-req", long)).toBe(false))).toHaveLength(1);
    expect(session.requestReceived("pty-req", packRequest_pty_req("x".repeat(64), huge, ""))).toBe(true);
  });

  test("sizes are columns first on the wire", () => {
    const packed = packRequest_window_change([2, 1, 3, 4]);
    expect(packed).toEqual(u32(1, 2, 3, 4));
    expect(parseRequest_window_change(packed)).toEqual([2, 1, 3, 4]);
    const pty = packRequest_pty_req("xterm", [2, 1, 3, 4], "");
    expect(pty).toEqual(Buffer.concat([NS("xterm"), u32(1, 2, 3, 4), NS("")]));
    expect(parseRequest_pty_req(pty)).toEqual(["xterm", [2, 1, 3, 4], []]);
  });

  test("modes end with their string, and one byte of end is skipped", () => {
    const parse = (modes: Buffer) => parseRequest_pty_req(packRequest_pty_req("", [0, 0, 0, 0], modes))[2];
    const one = Buffer.concat([Buffer.of(3), u32(127)]);
    expect(parse(one)).toEqual([[3, 127]]);
    expect(parse(Buffer.concat([one, Buffer.of(0)]))).toEqual([[3, 127]]);
    expect(parse(Buffer.concat([Buffer.of(0), u32(0), one]))).toEqual([
      [0, 0],
      [3, 127],
    ]);
    expect(() => parse(Buffer.concat([one, Buffer.from("abc")]))).toThrow(ProtocolError);
  });

  test("a window-change has 16 bytes", () => {
    expect(() => parseRequest_window_change(u32(1, 2, 3))).toThrow(ProtocolError);
    expect(() => parseRequest_window_change(u32(1, 2, 3, 4, 5))).toThrow(ProtocolError);
  });
});

describe("environment", () => {
  const set = (name: string, value = "value") => session.requestReceived("env", Buffer.concat([NS(name), NS(value)]));

  test("without ISessionSetEnv every variable is refused, quietly", () => {
    expect(loggedErrors(() => expect(set("NAME")).toBe(false))).toEqual([]);
    session = sessionOf(new PlainUser()); // one with subsystems alone, whose clients send their variables too
    expect(loggedErrors(() => expect(set("NAME")).toBe(false))).toEqual([]);
  });

  describe("with ISessionSetEnv", () => {
    beforeEach(() => {
      user = new EnvUser();
      session = sessionOf(user);
    });

    test("what setEnv accepts is set, also for later requests", () => {
      expect([set("NAME", "one"), set("OTHER", "two")]).toEqual([true, true]);
      session.requestReceived("pty-req", PTY);
      expect((fake() as FakeSession & { env?: object }).env).toEqual({ NAME: "one", OTHER: "two" });
      expect(user.made).toHaveLength(1);
    });

    test("what it does not permit fails without a log, other errors with one", () => {
      expect(loggedErrors(() => expect(set("FORBIDDEN")).toBe(false))).toEqual([]);
      expect(loggedErrors(() => expect(set("BROKEN")).toBe(false))).toHaveLength(1);
    });

    test("those of the login are set before a program starts, as far as they are permitted", () => {
      const environment = new Map([
        ["GIVEN", "1"],
        ["FORBIDDEN", "2"],
      ]);
      restrict(transport, new Permissions({ environment, command: "forced" }));
      conn.ssh_CHANNEL_REQUEST(Buffer.concat([u32(session.id!), NS("exec"), Buffer.of(0), NS("asked for")]));
      expect((fake() as FakeSession & { env?: object }).env).toEqual({ GIVEN: "1", SSH_ORIGINAL_COMMAND: "asked for" });
    });

    test("S1: number and size are bounded", () => {
      for (let i = 0; i < 128; i++) expect(set(`A${i}`)).toBe(true);
      expect(set("ONE_MORE")).toBe(false);
      session = sessionOf(user);
      expect(set("BIG", "x".repeat(65_536))).toBe(false);
    });

    test("env before a subsystem still lets the subsystem go at the end", () => {
      set("NAME");
      session.requestReceived("subsystem", NS("echo"));
      conn.channelClosed(session);
      expect([user.echo.lost, fake().calls]).toEqual([1, ["closed"]]);
    });

    test("env before a subsystem still lets end of input end it", () => {
      set("NAME");
      session.requestReceived("subsystem", NS("echo"));
      void session.eofReceived();
      expect([transport.packets, fake().calls]).toEqual([SUCCEEDED, []]);
    });
  });
});

describe("subsystems", () => {
  let plain: PlainUser;
  beforeEach(() => {
    plain = new PlainUser();
    session = sessionOf(plain);
  });

  test("an unknown one fails and leaves no client; a known one then succeeds", () => {
    expect(session.requestReceived("subsystem", NS("unknown"))).toBe(false);
    expect(session.client).toBeNull();
    expect(session.requestReceived("subsystem", NS("echo"))).toBe(true);
  });

  test("it gets the whole body of the request, and data flows both ways", () => {
    session.requestReceived("subsystem", Buffer.concat([NS("echo"), EMPTY]));
    expect((session.client!.transport as unknown as { proto: Protocol }).proto).toBe(plain.echo);
    expect(plain.echo.data).toEqual(NS("echo"));
    void session.dataReceived(Buffer.from("hello"));
    expect(transport.packets).toEqual([[connection.MSG_CHANNEL_DATA, hex(u32(255), NS("~hello"))]]);
  });

  test("the peer's CLOSE is answered, and the subsystem is told once", () => {
    session.requestReceived("subsystem", NS("echo"));
    conn.ssh_CHANNEL_CLOSE(u32(0 + session.id!));
    expect(numbers()).toEqual([connection.MSG_CHANNEL_CLOSE]);
    expect(plain.echo.lost).toBe(1);
  });

  test("end of input closes the channel, behind output that waits", () => {
    session.requestReceived("subsystem", NS("echo"));
    session.remoteWindowLeft = 0;
    void session.dataReceived(Buffer.from("x"));
    void session.eofReceived();
    expect(numbers()).toEqual([]);
    session.addWindowBytes(10);
    expect(transport.packets.slice(1)).toEqual(SUCCEEDED);
  });

  test("end of input is a half-closeable one's to act on: it may still say something before it closes", () => {
    const told: string[] = [];
    @implementer(IHalfCloseableProtocol)
    class HalfCloseable extends EchoProtocol implements IHalfCloseableProtocol {
      readConnectionLost(): void {
        told.push("read");
      }
      writeConnectionLost(): void {}
    }
    plain.echo = new HalfCloseable();
    session.requestReceived("subsystem", NS("echo"));
    void session.eofReceived();
    expect([told, numbers()]).toEqual([["read"], []]);
    plain.echo.transport!.write("bye");
    plain.echo.transport!.loseConnection();
    expect([numbers()[0], ...transport.packets.slice(1)]).toEqual([connection.MSG_CHANNEL_DATA, ...SUCCEEDED]);
    expect(plain.echo.lost).toBe(1);
  });

  test("one that closes by itself before that has no exit status", () => {
    session.requestReceived("subsystem", NS("echo"));
    plain.echo.transport!.loseConnection();
    expect(numbers()).toEqual([connection.MSG_CHANNEL_CLOSE]);
  });

  test("an avatar without a session does no harm at the end", () => {
    session.requestReceived("subsystem", NS("echo"));
    session.loseConnection();
    expect(session.closed()).toBeUndefined();
  });
});

describe("input", () => {
  test("what comes before a client is kept, and not given to one that is assigned by hand", () => {
    void session.dataReceived(Buffer.from("early"));
    void session.dataReceived(Buffer.from(" bird"));
    expect(String(session.buf)).toBe("early bird");
    const program = new FakeProgram();
    const client = new SSHSessionProcessProtocol(session);
    client.transport = program as never;
    session.client = client;
    void session.dataReceived(Buffer.from("late"));
    expect([program.input, String(session.buf)]).toEqual(["late", "early bird"]);
  });

  test("what came early does not hold up output", () => {
    void session.dataReceived(Buffer.from("early"));
    session.write("output");
    expect(numbers()).toEqual([connection.MSG_CHANNEL_DATA]);
  });

  test("a program that is connected gets what came early", () => {
    session.buf = Buffer.from("early");
    const program = new FakeProgram();
    void new SSHSessionProcessProtocol(session).makeConnection(program);
    expect([program.input, session.buf.length]).toEqual(["early", 0]);
  });

  test("R9: a window full of single bytes is kept without copying it again and again", () => {
    for (let i = 0; i < 2 ** 21; i++) void session.dataReceived(Buffer.from("x"));
    expect(session.buf.length).toBe(2 ** 21);
  });

  test("standard error goes to a program that takes it; other types, and what comes early, are dropped", () => {
    expect(session.extReceived(1, Buffer.from("early"))).toBeUndefined();
    expect(session.extReceived(255, Buffer.from("early"))).toBeUndefined();
    session.requestReceived("shell", EMPTY);
    void session.extReceived(1, Buffer.from("error"));
    void session.extReceived(2, Buffer.from("other"));
    expect([fake().program.errors, fake().program.input]).toEqual(["error", ""]);
    Object.assign(fake().program, { writeErr: undefined });
    expect(session.extReceived(1, Buffer.from("error"))).toBeUndefined();
  });

  test("its end reaches the session; without session or client it does nothing", () => {
    void session.eofReceived();
    expect(numbers()).toEqual([]);
    session.requestReceived("shell", EMPTY);
    void session.eofReceived();
    expect(fake().calls).toEqual(["shell", "eof"]);
  });

  test("closing ends the program and tells the session, also when the program fails at it", () => {
    session.requestReceived("shell", EMPTY);
    fake().program.loseConnection = () => {
      throw new Error("no");
    };
    expect(loggedErrors(() => conn.channelClosed(session))).toHaveLength(1);
    expect(fake().calls).toEqual(["shell", "closed"]);
  });

  const ended = (code: number) => new Failure(new ProcessTerminated(code));
  const close = () => conn.ssh_CHANNEL_CLOSE(u32(session.id!));

  test("a peer that closes when both sides have sent EOF still gets the exit status, and hangs up nobody", () => {
    session.requestReceived("shell", EMPTY);
    conn.ssh_CHANNEL_EOF(u32(session.id!));
    for (const output of [1, 2]) void session.client!.childConnectionLost(output);
    transport.packets.length = 0;
    close();
    expect([numbers(), fake().calls, fake().program.calls]).toEqual([[], ["shell", "eof"], []]);
    void session.client!.processEnded(ended(7));
    expect(transport.packets).toEqual([
      [connection.MSG_CHANNEL_REQUEST, hex(u32(255), NS("exit-status"), Buffer.of(0), u32(7))],
      [connection.MSG_CHANNEL_CLOSE, hex(u32(255))],
    ]);
    expect(fake().calls).toEqual(["shell", "eof", "closed"]);
  });

  test("a peer that closes without an EOF, when the program has ended its output, ends the program's input", () => {
    session.requestReceived("shell", EMPTY);
    for (const output of [1, 2]) void session.client!.childConnectionLost(output);
    close();
    expect(fake().calls).toEqual(["shell", "eof"]);
    conn.serviceStopped(); // the connection ends first
    expect([fake().calls, fake().program.calls]).toEqual([["shell", "eof", "closed"], ["loseConnection"]]);
  });

  test("S4: a peer that closes while there is output hangs up the program", () => {
    session.requestReceived("shell", EMPTY);
    void session.client!.childConnectionLost(1);
    close();
    expect([fake().calls, session.localClosed]).toEqual([["shell", "closed"], true]);
    expect(fake().program.calls).toContain("loseConnection");
  });

  test("loseConnection ends the program and closes the channel", () => {
    session.requestReceived("shell", EMPTY);
    session.loseConnection();
    expect(fake().program.calls).toEqual(["loseConnection"]);
    expect(numbers()).toEqual([connection.MSG_CHANNEL_CLOSE]);
  });
});

describe("the program's side", () => {
  let client: SSHSessionProcessProtocol;
  beforeEach(() => {
    client = new SSHSessionProcessProtocol(session);
    void client.makeConnection(new FakeProgram());
  });

  test("output goes to the channel, by its kind", () => {
    void client.childDataReceived(1, Buffer.from("out"));
    void client.childDataReceived(2, Buffer.from("err"));
    expect(transport.packets).toEqual([
      [connection.MSG_CHANNEL_DATA, hex(u32(255), NS("out"))],
      [connection.MSG_CHANNEL_EXTENDED_DATA, hex(u32(255, 1), NS("err"))],
    ]);
  });

  test("it is the transport of a protocol", () => {
    expect(ITransport.providedBy(client)).toBe(true);
    client.write("a");
    client.writeSequence(["b", "c"]);
    expect(client.getPeer().equals(transport.getPeer())).toBe(true);
    expect(client.getHost().equals(transport.getHost())).toBe(true);
    client.loseConnection();
    expect(numbers()).toEqual([connection.MSG_CHANNEL_DATA, connection.MSG_CHANNEL_DATA, connection.MSG_CHANNEL_CLOSE]);
  });

  for (const order of [
    [1, 2],
    [2, 1],
  ] as const) {
    test(`EOF is sent when both outputs are lost, ${order.join(" before ")}; input does not count`, () => {
      void client.childConnectionLost(0);
      void client.childConnectionLost(order[0]);
      expect([numbers(), client.lostOutOrErrFlag]).toEqual([[], true]);
      void client.childConnectionLost(order[1]);
      expect(numbers()).toEqual([connection.MSG_CHANNEL_EOF]);
    });
  }

  test("a lost connection closes the channel", () => {
    void client.connectionLost();
    expect(numbers()).toEqual([connection.MSG_CHANNEL_CLOSE]);
  });

  for (const [title, reason, request] of [
    ["exit code 0", new ProcessDone(), [NS("exit-status"), Buffer.of(0), u32(0)]],
    ["exit code 255", new ProcessTerminated(255), [NS("exit-status"), Buffer.of(0), u32(255)]],
    [
      "SIGTERM with a core",
      new ProcessTerminated(null, constants.signals.SIGTERM, constants.signals.SIGTERM | 0x80),
      [NS("exit-signal"), Buffer.of(0), NS("TERM"), Buffer.of(1), NS(""), NS("")],
    ],
    [
      "SIGTERM without a core",
      new ProcessTerminated(null, constants.signals.SIGTERM, constants.signals.SIGTERM),
      [NS("exit-signal"), Buffer.of(0), NS("TERM"), Buffer.of(0), NS(""), NS("")],
    ],
  ] as const) {
    test(`a program that ends by ${title} is reported, without a reply wanted, and the channel closed`, () => {
      void client.processEnded(new Failure(reason));
      expect(transport.packets).toEqual([
        [connection.MSG_CHANNEL_REQUEST, hex(u32(255), ...request)],
        [connection.MSG_CHANNEL_CLOSE, hex(u32(255))],
      ]);
    });
  }

  test("signals have the protocol's names, or the platform's", () => {
    for (const name of SUPPORTED_SIGNALS) {
      const number = constants.signals[`SIG${name}` as NodeJS.Signals];
      expect(client._getSignalName(number)).toBe(`SIG${name}`);
    }
    expect(client._getSignalName(constants.signals.SIGCHLD)).toBe(`SIGCHLD@${process.platform}`);
    expect(() => client._getSignalName(9999)).toThrow(KeyError);
  });

  test("S4: a status that cannot be named still closes the channel", () => {
    expect(() => client.processEnded(new Failure(new ProcessTerminated(null, 9999)))).toThrow(KeyError);
    expect(numbers()).toEqual([connection.MSG_CHANNEL_CLOSE]);
  });
});

describe("a protocol that registers a producer with its transport", () => {
  /** Says what it is told, and on demand produces a piece of its text. */
  class Producer {
    readonly told: string[] = [];
    pieces: string[] = [];
    constructor(readonly client: SSHSessionProcessProtocol) {}
    pauseProducing() {
      this.told.push("pause");
    }
    resumeProducing() {
      this.told.push("resume");
      const piece = this.pieces.shift();
      if (piece !== undefined) this.client.write(piece);
      else this.client.unregisterProducer();
    }
    stopProducing() {
      this.told.push("stop");
    }
  }
  let client: SSHSessionProcessProtocol;
  let producer: Producer;
  beforeEach(() => {
    session = sessionOf(new PlainUser());
    session.requestReceived("subsystem", NS("echo"));
    client = session.client!;
    producer = new Producer(client);
  });

  test("is a consumer's, that has one producer at a time", () => {
    expect(IConsumer.providedBy(client)).toBe(true);
    client.registerProducer(producer, true);
    expect(() => client.registerProducer(producer, true)).toThrow(RuntimeError);
    client.unregisterProducer();
    client.registerProducer(producer, true);
    expect(producer.told).toEqual([]);
  });

  test("has it wait as long as the client takes no more", () => {
    client.registerProducer(producer, true);
    session.remoteWindowLeft = 3;
    client.write("12345");
    expect(producer.told).toEqual(["pause"]);
    session.addWindowBytes(100);
    expect(producer.told).toEqual(["pause", "resume"]);
  });

  test("has it wait from the start where output waits already", () => {
    session.remoteWindowLeft = 3;
    client.write("12345");
    client.registerProducer(producer, true);
    expect(producer.told).toEqual(["pause"]);
  });

  test("has one that produces on demand asked as long as there is room and it is registered", () => {
    producer.pieces = Array.from({ length: 40 }, () => "12345");
    session.remoteWindowLeft = 101;
    client.registerProducer(producer, false);
    expect(producer.told).toEqual([]);
    transport.clock.advance(0);
    expect([producer.told.length, session.bytesHeld]).toEqual([21, 4]);
    transport.clock.advance(10);
    expect(producer.told.length).toBe(21);
    session.addWindowBytes(1000);
    transport.clock.advance(0);
    expect([producer.told.length, producer.pieces.length, transport.clock.getDelayedCalls()]).toEqual([41, 0, []]);
  });

  test("has it stopped when the channel closes, and at once where it has closed", () => {
    client.registerProducer(producer, true);
    session.loseConnection();
    session.loseConnection();
    expect(producer.told).toEqual(["stop"]);
    client.registerProducer(producer, false);
    expect(producer.told).toEqual(["stop", "stop"]);
  });

  test("and throws on demand ends its channel alone", () => {
    const error = new RuntimeError("out of pieces");
    client.registerProducer(
      {
        resumeProducing() {
          throw error;
        },
        stopProducing() {},
      },
      false,
    );
    expect(loggedErrors(() => transport.clock.advance(0))).toEqual([error]);
    expect(numbers()).toEqual([connection.MSG_CHANNEL_CLOSE]);
  });
});

describe("wrappers", () => {
  test("a protocol as a process protocol: output in, its end is the connection's", () => {
    const events: string[] = [];
    const protocol = Object.assign(new Protocol(), {
      connectionMade: () => void events.push("made"),
      dataReceived: (data: Buffer) => void events.push(data.toString()),
      connectionLost: (reason: Failure) => void events.push((reason.value as Error).name),
    });
    const wrapped = wrapProcessProtocol(protocol);
    void wrapped.makeConnection(new FakeProgram());
    void wrapped.childDataReceived(1, Buffer.from("out"));
    void wrapped.childDataReceived(2, Buffer.from("err"));
    void wrapped.processEnded(new Failure(new ProcessDone()));
    expect(events).toEqual(["made", "out", "ProcessDone"]);
  });

  test("what is no protocol is returned as it is", () => {
    const client = new SSHSessionProcessProtocol(session);
    expect(wrapProcessProtocol(client)).toBe(client);
  });

  test("a protocol as a transport: what is written it receives, and its loss it hears once", () => {
    const echo = new EchoProtocol();
    const program = new FakeProgram();
    void echo.makeConnection(program);
    const wrapped = wrapProtocol(echo);
    expect([wrapped.proto, ITransport.providedBy(wrapped)]).toEqual([echo, true]);
    void wrapped.write("a");
    void wrapped.writeSequence(["b", "c"]);
    wrapped.dataReceived("d");
    expect(program.input).toBe("~a~bcd");
    void wrapped.loseConnection();
    void wrapped.loseConnection();
    expect(echo.lost).toBe(1);
  });

  test("SSHSessionClient passes what it receives to its transport", () => {
    const client = new SSHSessionClient();
    void client.dataReceived(Buffer.from("dropped"));
    const program = new FakeProgram();
    void client.makeConnection(program);
    void client.dataReceived(Buffer.from("data"));
    expect(program.input).toBe("data");
  });
});
