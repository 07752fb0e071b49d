/** Sessions of a server that run a function of ours, in the manner of a Node program. */
import { isUtf8 } from "node:buffer";
import type { Duplex, Writable } from "node:stream";
import { Writable as WritableBase } from "node:stream";
import { implementer } from "@strombus/reactor/components";
import { Failure } from "@strombus/reactor/failure";
import type { IProcessTransport, MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import type { ChannelOpenOptions, ConchUser } from "../avatar.js";
import { EXTENDED_DATA_STDERR } from "../channel/numbers.js";
import {
  EnvironmentVariableNotPermitted,
  ISession,
  ISessionSetEnv,
  ISessionStopping,
  type MaybeLater,
  type WindowSize,
} from "../interfaces.js";
import { ExitStatus } from "../messages/connection.js";
import { sizeOf } from "../session/terminal.js";
import { SSHSession, type SSHSessionProcessProtocol } from "../ssh/session.js";
import { type Port, PortStream } from "./port-stream.js";
import { TerminalStream } from "./terminal-stream.js";

const log = new Logger({ namespace: "strombus.conch.streams" });

const VARIABLE = /^[A-Za-z_]\w*$/;
const INTERRUPTED = 130; // what shells say of a program that Ctrl-C has ended
const FAILED = 1;

/** What a program has of its session. */
export interface SessionIO {
  /** With a terminal all three are one: a TerminalStream. */
  readonly stdin: Duplex;
  readonly stdout: Duplex;
  readonly stderr: Writable;
  /** The terminal, if the client has asked for one. */
  readonly terminal: TerminalStream | null;
  /** What the client wants to run; null for a shell. */
  readonly command: string | null;
  /** The variables that the client has set, of those that it may. */
  readonly env: Readonly<Record<string, string>>;
  readonly user: ConchUser;
  /** Aborted when the session ends before the program does. */
  readonly signal: AbortSignal;
  /** Aborted when the server is about to stop: what is written until it does still goes out. */
  readonly stopping: AbortSignal;
}

/** Runs until what it returns settles; a number is the exit status, and nothing is 0. */
export type Program = (io: SessionIO) => MaybeLater<number | undefined | void>;

export interface ProgramOptions {
  /** The names of variables that the client may set, where `*` stands for any end; `LANG` and `LC_*` by default. */
  readonly acceptEnv?: readonly string[];
}

/**
 * A session for `channelLookup["session"]` whose shells and commands are this function. Subsystems are the user's, as ever.
 *
 * ```ts
 * user.channelLookup["session"] = sessionProgram(async ({ stdin, stdout }) => {
 *   const lines = createInterface({ input: stdin, output: stdout });
 *   for await (const line of lines) stdout.write(`${line.toUpperCase()}\n`);
 * });
 * ```
 */
export function sessionProgram(
  program: Program,
  options: ProgramOptions = {},
): (opened: ChannelOpenOptions) => SSHSession {
  return (opened) => {
    const channel = new SSHSession(opened);
    channel.session = new ProgramSession(channel, opened.avatar, program, options);
    return channel;
  };
}

@implementer(ISession, ISessionSetEnv, ISessionStopping)
class ProgramSession implements ISession, ISessionSetEnv, ISessionStopping {
  readonly #channel: SSHSession;
  readonly #user: ConchUser;
  readonly #program: Program;
  readonly #acceptEnv: readonly string[];
  readonly #env = new Map<string, string>();
  readonly #ended = new AbortController();
  readonly #stopping = new AbortController();
  #terminal: { readonly term: string; columns: number; rows: number } | null = null;
  #stream: PortStream | null = null;

  constructor(
    channel: SSHSession,
    user: ConchUser,
    program: Program,
    { acceptEnv = ["LANG", "LC_*"] }: ProgramOptions,
  ) {
    this.#channel = channel;
    this.#user = user;
    this.#program = program;
    this.#acceptEnv = acceptEnv;
  }

  serverStopping(): void {
    this.#stopping.abort();
  }

  setEnv(name: Buffer, value: Buffer): void {
    const asked = name.toString("latin1");
    const may = this.#acceptEnv.some((each) =>
      each.endsWith("*") ? asked.startsWith(each.slice(0, -1)) : asked === each,
    );
    // What is accepted by a pattern must yet be a name, and not another command's option (S1).
    if (!may || !VARIABLE.test(asked) || !isUtf8(value) || value.includes(0))
      throw new EnvironmentVariableNotPermitted(asked);
    this.#env.set(asked, value.toString());
  }

  getPty(term: string, [rows, columns]: WindowSize): void {
    this.#terminal = { term, ...sizeOf(columns, rows) };
  }

  windowChanged([rows, columns]: WindowSize): void {
    const size = sizeOf(columns, rows);
    if (this.#terminal !== null) Object.assign(this.#terminal, size);
    if (this.#stream instanceof TerminalStream) this.#stream.resize(size.columns, size.rows);
  }

  openShell(proto: SSHSessionProcessProtocol): MaybeAsync {
    this.#start(proto, null);
  }

  execCommand(proto: SSHSessionProcessProtocol, command: Buffer): MaybeAsync {
    this.#start(proto, command.toString());
  }

  eofReceived(): void {
    if (this.#stream === null)
      this.#channel.loseConnection(); // a subsystem
    else this.#stream.ended();
  }

  closed(): void {
    this.#stream?.lost();
    this.#ended.abort(new Error("the session has ended"));
  }

  #start(proto: SSHSessionProcessProtocol, command: string | null): void {
    const channel = this.#channel;
    const env = Object.freeze(Object.assign(Object.create(null) as object, Object.fromEntries(this.#env)));
    const port: Port = {
      write: (data) => channel.write(data),
      end: () => channel.conn?.sendEOF(channel),
      pause: () => channel.pauseProducing(),
      resume: () => channel.resumeProducing(),
      done: () => channel.resumeProducing(), // nobody reads any more: the peer need not wait
    };
    const stream =
      this.#terminal === null ? new ProgramStream(port) : new TerminalStream(port, { ...this.#terminal, env });
    stream.on("error", () => {}); // the program may have its own listener: a client that goes is no fault of ours
    const terminal = stream instanceof TerminalStream ? stream : null;
    const stderr = terminal ?? new StandardError((data) => channel.writeExtended(EXTENDED_DATA_STDERR, data));
    this.#stream = stream;
    void proto.makeConnection(new StreamTransport(stream, stderr) as unknown as IProcessTransport);
    const interrupted = new Promise<number>((resolve) => {
      terminal?.on("SIGINT", () => {
        if (terminal.listenerCount("SIGINT") === 1) resolve(INTERRUPTED);
      });
    });
    const io: SessionIO = {
      stdin: stream,
      stdout: stream,
      stderr,
      terminal,
      command,
      env,
      user: this.#user,
      signal: this.#ended.signal,
      stopping: this.#stopping.signal,
    };
    void this.#run(io, interrupted);
  }

  /** Never rejected. */
  async #run(io: SessionIO, interrupted: Promise<number>): Promise<void> {
    await Promise.resolve(); // the client hears first that the program has begun
    let status: number;
    try {
      status = (await Promise.race([this.#program(io), interrupted])) ?? 0;
    } catch (error) {
      if (!this.#ended.signal.aborted) log.failure("a session's program failed", new Failure(error));
      status = FAILED;
    }
    this.#exit(io.stdout, status);
  }

  /** What was written goes out first. */
  #exit(stream: Duplex, status: number): void {
    const channel = this.#channel;
    const tell = () => {
      if (!channel.localClosed) {
        void channel.conn?.sendRequest(channel, "exit-status", ExitStatus.encode({ status: status >>> 0 }));
      }
      channel.loseConnection();
    };
    if (stream.destroyed) tell();
    else stream.end(tell);
  }
}

/** Who leaves a loop over it early may go on to write to it. */
class ProgramStream extends PortStream {
  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<Buffer> {
    return this.iterator({ destroyOnReturn: false }) as NodeJS.AsyncIterator<Buffer>;
  }
}

/** What a session's channel does to a program, done to a stream. */
class StreamTransport {
  readonly #stream: PortStream;
  readonly #stderr: Writable;

  constructor(stream: PortStream, stderr: Writable) {
    this.#stream = stream;
    this.#stderr = stderr;
  }

  write(data: Buffer): void {
    this.#stream.deliver(data);
  }

  loseConnection(): void {
    this.#stream.ended();
  }

  closeStdout(): void {
    this.#stream.unread();
  }

  pauseProducing(): void {}

  resumeProducing(): void {
    this.#stream.drained();
    if (this.#stderr instanceof StandardError) this.#stderr.drained();
  }

  /** The stream itself stops the channel. */
  registerProducer(): void {}

  unregisterProducer(): void {}
}

/** Extended data of type 1. */
class StandardError extends WritableBase {
  readonly #send: (data: Buffer) => boolean;
  #waiting: (() => void) | null = null;

  constructor(send: (data: Buffer) => boolean) {
    super();
    this.#send = send;
  }

  drained(): void {
    const written = this.#waiting;
    this.#waiting = null;
    written?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: () => void): void {
    if (this.#send(chunk)) written();
    else this.#waiting = written;
  }
}
