/** Sessions: a shell, a command or a subsystem on a channel (twisted.conch.ssh.session; RFC 4254 section 6). */
import { adapt, implementer, type InterfaceToken, providedBy } from "@strombus/reactor/components";
import { maybeDeferred } from "@strombus/reactor/defer";
import { ProcessExitedAlready } from "@strombus/reactor/error";
import { RuntimeError, ValueError } from "@strombus/reactor/exceptions";
import { Failure } from "@strombus/reactor/failure";
import { ITransport, type MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { after, succeeds } from "../channel/later.js";
import { EXTENDED_DATA_STDERR } from "../channel/numbers.js";
import {
  type Program,
  SSHSessionProcessProtocol,
  SUPPORTED_SIGNALS,
  wrapProcessProtocol,
  wrapProtocol,
} from "../session/program.js";
import { peerLog } from "../peer-log.js";
import { parseRequest_pty_req, parseRequest_window_change } from "../session/terminal.js";
import {
  EnvironmentVariableNotPermitted,
  ISession,
  ISessionForwardAgent,
  ISessionForwardX11,
  ISessionSetEnv,
  ISessionSignal,
  ISessionStopping,
  type MaybeLater,
} from "../interfaces.js";
import { Break, Env, Exec, Signal, Subsystem, X11Req } from "../messages/connection.js";
import { originalCommandOf, permissionsOf } from "../permissions.js";
import { type BytesLike, toBuffer, Writer } from "../wire/writer.js";
import { SSHChannel } from "./channel.js";

export {
  SSHSessionClient,
  SSHSessionProcessProtocol,
  SUPPORTED_SIGNALS,
  type WrappedProtocol,
  wrapProcessProtocol,
  wrapProtocol,
} from "../session/program.js";
export {
  packRequest_pty_req,
  packRequest_window_change,
  parseRequest_pty_req,
  parseRequest_window_change,
} from "../session/terminal.js";
export {
  EnvironmentVariableNotPermitted,
  ISession,
  ISessionForwardAgent,
  ISessionForwardX11,
  ISessionSetEnv,
  ISessionSignal,
  ISessionStopping,
  type X11Request,
} from "../interfaces.js";

const log = new Logger({ namespace: "strombus.conch.ssh.session" });

/** What a client may set: so many variables, in so many bytes of names and values; and the length of its TERM. */
const MAX_ENV = 128;
const MAX_ENV_BYTES = 65_536;
const MAX_TERM = 64;

/** Of OpenSSH's own making; the systems that have it call it SIGINFO. */
const INFO = "INFO@openssh.com";
/** The system has no such signal, or the program has ended: no fault of anybody's. */
const NOT_SIGNALLED = [ValueError, ProcessExitedAlready] as const;
/** What an X program's authentication may look like: it goes to xauth, and into files. */
const X11_PROTOCOL = /^[A-Za-z0-9-]{1,64}$/;
const X11_COOKIE = /^(?:[0-9A-Fa-f]{2}){1,128}$/;

/**
 * The channel of a session: one shell, command or subsystem. What they do is up to the avatar: its `ISession`, which it
 * is or is adapted to, and its `lookupSubsystem`.
 */
@implementer(ITransport)
export class SSHSession extends SSHChannel {
  override name: string | null = "session";
  /** What connects the channel to the program that runs. */
  client: SSHSessionProcessProtocol | null = null;
  /** The avatar's session, from the first request that needs it. */
  session: ISession | null = null;

  #early = new Writer(0);
  #starting: SSHSessionProcessProtocol | null = null;
  #endOfInput = false;
  /** What runs is a protocol, though the session may have been needed for the variables before it. */
  #isSubsystem = false;
  #isClosed = false;
  #tellClosed = () => {};
  #env = { count: 0, bytes: 0 };

  /** Input that came before there was a program to take it. */
  override get buf(): Buffer {
    return this.#early.payload();
  }

  override set buf(bytes: Buffer) {
    this.#early = new Writer(bytes.length);
    this.#early.raw(bytes);
  }

  // Requests

  request_subsystem(data: Buffer): MaybeLater<boolean> {
    const { name } = Subsystem.decode(data);
    const protocol = this.avatar?.lookupSubsystem(name, data);
    if (!protocol) {
      peerLog(log, this.conn?.transport).error("there is no subsystem {name}", { name });
      return false;
    }
    return this.#start("subsystem", (client) => {
      this.#isSubsystem = true;
      const made = protocol.makeConnection(wrapProcessProtocol(client));
      client.makeConnection(wrapProtocol(protocol));
      return made;
    });
  }

  request_shell(data: Buffer): MaybeLater<boolean> {
    const session = this.#adapted();
    return this.#start("shell", (client) => after(this.#setVariables(session), () => session.openShell(client)));
  }

  request_exec(data: Buffer): MaybeLater<boolean> {
    const session = this.#adapted();
    const { command } = Exec.decode(data);
    return this.#start("exec", (client) =>
      after(this.#setVariables(session), () => session.execCommand(client, command)),
    );
  }

  request_pty_req(data: Buffer): MaybeLater<boolean> {
    const session = this.#adapted();
    const [term, windowSize, modes] = parseRequest_pty_req(data);
    return this.#attempt("pty-req", () => {
      if (term.length > MAX_TERM) throw new RuntimeError(`a TERM of ${term.length} characters`);
      return session.getPty(term, windowSize, modes);
    });
  }

  request_window_change(data: Buffer): MaybeLater<boolean> {
    const session = this.#adapted();
    const windowSize = parseRequest_window_change(data);
    return this.#attempt("window-change", () => session.windowChanged(windowSize));
  }

  request_env(data: Buffer): MaybeLater<boolean> {
    const { name, value } = Env.decode(data);
    this.#env.count += 1;
    this.#env.bytes += name.length + value.length;
    if (this.#env.count > MAX_ENV || this.#env.bytes > MAX_ENV_BYTES) return false;
    const session = this.#willing(ISessionSetEnv); // many clients send some, before a subsystem too
    return session !== null && this.#attempt("env", () => session.setEnv(name, value));
  }

  /** Signals by the names of RFC 4254, and OpenSSH's INFO; a program in a process gets it, where the session knows how. */
  request_signal(data: Buffer): MaybeLater<boolean> {
    const { name } = Signal.decode(data);
    const signal = name === INFO ? "INFO" : SUPPORTED_SIGNALS.find((each) => each === name);
    const session = this.#willing(ISessionSignal);
    if (signal === undefined || session === null) return false;
    return this.#attempt("signal", () => session.signalReceived(signal));
  }

  request_break(data: Buffer): MaybeLater<boolean> {
    const { milliseconds } = Break.decode(data);
    const session = this.#willing(ISessionSignal);
    return session !== null && this.#attempt("break", () => session.breakReceived(milliseconds));
  }

  "request_auth_agent_req@openssh.com"(data: Buffer): MaybeLater<boolean> {
    const session = this.#willing(ISessionForwardAgent);
    return session !== null && this.#attempt("auth-agent-req", () => session.forwardAgent());
  }

  request_x11_req(data: Buffer): MaybeLater<boolean> {
    const request = X11Req.decode(data);
    const session = this.#willing(ISessionForwardX11);
    if (session === null) return false;
    return this.#attempt("x11-req", () => {
      if (!X11_PROTOCOL.test(request.protocol))
        throw new RuntimeError("an X authentication protocol of odd characters");
      if (!X11_COOKIE.test(request.cookie)) throw new RuntimeError("an X cookie that is not hexadecimal");
      return session.forwardX11(request);
    });
  }

  // Events

  override dataReceived(data: Buffer): MaybeAsync {
    const transport = this.client?.transport;
    if (transport) return transport.write(data);
    this.#early.raw(data);
  }

  override extReceived(dataType: number, data: Buffer): MaybeAsync {
    if (dataType === EXTENDED_DATA_STDERR) return this.#program?.writeErr?.(data);
    peerLog(log, this.conn?.transport).warn("dropped {bytes} bytes of extended data of type {type}", {
      bytes: data.length,
      type: dataType,
    });
  }

  /**
   * Reaches the session, or the subsystem: one that is an IHalfCloseableProtocol closes when it likes, any other is ended.
   * While a program is being started it waits.
   */
  override eofReceived(): MaybeAsync {
    if (this.#starting !== null) {
      this.#endOfInput = true;
      return;
    }
    this.client?.ignoreInput();
    if (this.#isSubsystem) return this.client?.inputEnded();
    return this.session?.eofReceived();
  }

  /** What the program says is for nobody: it hears so as it would on a pipe that nobody reads, and ends if it likes. */
  override eowReceived(): MaybeAsync {
    const dropped = super.eowReceived();
    this.#program?.closeStdout?.();
    return dropped;
  }

  /**
   * PuTTY and Dropbear close as soon as both sides have ended their data. When all that is left of a program is its exit
   * status they still get that: the answer waits for its end, and nobody hangs it up.
   */
  override closeReceived(): MaybeAsync {
    if (!this.localEOF || this.closing || this.client === null) return super.closeReceived();
    return after(this.remoteEOF ? undefined : this.eofReceived(), () =>
      this.closing ? undefined : new Promise<void>((resolve) => (this.#tellClosed = resolve)),
    );
  }

  /** Reaches the session, if it wants to know. */
  override serverStopping(seconds: number): MaybeAsync {
    const { session } = this;
    if (providedBy(ISessionStopping, session)) return session.serverStopping(seconds);
  }

  override closed(): MaybeAsync {
    this.#isClosed = true;
    this.#tellClosed();
    try {
      this.#hangUp();
    } catch (error) {
      log.failure("hanging up failed", new Failure(error));
    }
    return this.session?.closed();
  }

  override loseConnection(): void {
    this.#hangUp();
    super.loseConnection();
  }

  override stopWriting(): void {
    this.client?.outputWaits(true);
  }

  override startWriting(): void {
    this.client?.outputWaits(false);
  }

  // What those are made of

  get #program(): Program | null {
    return (this.client?.transport as Program | null | undefined) ?? null;
  }

  /** @throws TypeError when the avatar neither is an ISession nor can be adapted to one. */
  #adapted(): ISession {
    this.session ??= adapt(ISession, this.avatar);
    return this.session;
  }

  /** The variables that come with the user's login, and what was asked for in place of a forced command. */
  #setVariables(session: ISession): MaybeAsync {
    if (!providedBy(ISessionSetEnv, session)) return;
    const original = originalCommandOf(this);
    const variables: (readonly [name: string, value: BytesLike])[] = [...permissionsOf(this.conn).environment];
    if (original !== null) variables.push(["SSH_ORIGINAL_COMMAND", original]);
    let done: MaybeAsync = undefined;
    for (const [name, value] of variables) {
      done = after(done, () =>
        maybeDeferred(() => session.setEnv(toBuffer(name), toBuffer(value))).addErrback((reason: Failure) => {
          reason.trap(EnvironmentVariableNotPermitted);
        }),
      );
    }
    return done;
  }

  /** The session, if it can do this; one is made for it where the avatar has one. */
  #willing<T>(token: InterfaceToken<T>): T | null {
    this.session ??= adapt(ISession, this.avatar, null);
    const { session } = this;
    return providedBy(token, session) ? session : null;
  }

  /** Starts the one program of a session; the client counts when it has begun. */
  #start(request: string, begin: (client: SSHSessionProcessProtocol) => MaybeAsync): MaybeLater<boolean> {
    const client = new SSHSessionProcessProtocol(this);
    return this.#attempt(
      request,
      () => {
        if (this.client !== null || this.#starting !== null) throw new RuntimeError("this session has its program");
        this.#starting = client;
        return begin(client);
      },
      () => this.#started(client),
      () => {
        if (this.#starting === client) this.#begun();
      },
    );
  }

  #started(client: SSHSessionProcessProtocol): void {
    this.client = client;
    if (this.#isClosed) return this.#hangUp();
    client.deliverEarlyInput();
    if (!this.areWriting) this.stopWriting();
    this.#begun();
  }

  /** Nothing is being started any more: the end of input that came meanwhile takes effect. */
  #begun(): void {
    this.#starting = null;
    if (!this.#endOfInput) return;
    this.#endOfInput = false;
    this.#attempt("end of input", () => this.eofReceived());
  }

  /** Whether what is asked of the session succeeds; why not is logged. */
  #attempt(request: string, run: () => MaybeAsync, done = () => {}, failed = () => {}): MaybeLater<boolean> {
    return succeeds(run, done, (error) => {
      if (request === "signal" && NOT_SIGNALLED.some((each) => error instanceof each)) {
        peerLog(log, this.conn?.transport).info("a signal was refused: {reason}", { reason: (error as Error).message });
      } else if (!(error instanceof EnvironmentVariableNotPermitted)) {
        peerLog(log, this.conn?.transport).failure("session request {request} failed", new Failure(error), { request });
      }
      failed();
    });
  }

  #hangUp(): void {
    this.client?.hangUp();
  }
}
