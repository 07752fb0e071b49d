/** What stands between a session's channel and the program that runs in it, a process or a protocol. */
import { constants } from "node:os";
import { implementer, providedBy } from "@strombus/reactor/components";
import { KeyError } from "@strombus/reactor/exceptions";
import type { Failure } from "@strombus/reactor/failure";
import {
  type IAddress,
  IConsumer,
  IHalfCloseableProtocol,
  type IPullProducer,
  type IPushProducer,
  IProcessProtocol,
  IProtocol,
  ITransport,
  type MaybeAsync,
} from "@strombus/reactor/interfaces";
import { connectionDone, ProcessProtocol, Protocol } from "@strombus/reactor/protocol";
import { ExitSignal, ExitStatus } from "../messages/connection.js";
import type { SSHTransportAddress } from "../ssh/address.js";
import { EXTENDED_DATA_STDERR } from "../channel/numbers.js";
import type { SSHSession } from "../ssh/session.js";
import { Feeding } from "./feeding.js";
import { toBuffer, type BytesLike } from "../wire/writer.js";

/** Signals that have a name in the protocol (RFC 4254 section 6.10), without SIG. */
export const SUPPORTED_SIGNALS: readonly string[] = [
  "ABRT",
  "ALRM",
  "FPE",
  "HUP",
  "ILL",
  "INT",
  "KILL",
  "PIPE",
  "QUIT",
  "SEGV",
  "TERM",
  "USR1",
  "USR2",
];

const CORE_DUMPED = 0x80; // of a wait status

/** What the transport of a program may be able to do beyond taking input. */
export interface Program {
  writeErr?(data: Buffer): void;
  closeStdout?(): void;
  pauseProducing?(): void;
  resumeProducing?(): void;
  registerProducer?(producer: IPushProducer, streaming: true): void;
  unregisterProducer?(): void;
}

/**
 * To a program it is its process protocol, to a protocol it is the transport. Whoever writes an `ISession` gives it to
 * `spawnProcess`, or connects a protocol by hand:
 *
 * ```ts
 * protocol.makeConnection(proto);
 * proto.makeConnection(wrapProtocol(protocol));
 * ```
 */
@implementer(ITransport, IConsumer)
export class SSHSessionProcessProtocol extends ProcessProtocol implements ITransport, IConsumer {
  readonly session: SSHSession;
  /** One of the two outputs has ended. */
  lostOutOrErrFlag = false;
  #feeding: Feeding | null = null;
  #watchingInput = false;
  #inputEnded = false;

  constructor(session: SSHSession) {
    super();
    this.session = session;
  }

  /** Input that came before now goes first; a program that is slow to read holds the peer back. */
  override connectionMade(): MaybeAsync {
    this.deliverEarlyInput();
    const program = this.transport as Program | null;
    if (!program?.registerProducer) return;
    const { session } = this;
    this.#watchingInput = true;
    program.registerProducer(
      {
        pauseProducing: () => session.pauseProducing(),
        resumeProducing: () => session.resumeProducing(),
        stopProducing: () => session.resumeProducing(), // nobody reads any more: the peer need not wait
      },
      true,
    );
  }

  override outReceived(data: Buffer): MaybeAsync {
    this.session.write(data);
  }

  override errReceived(data: Buffer): MaybeAsync {
    this.session.writeExtended(EXTENDED_DATA_STDERR, data);
  }

  override outConnectionLost(): MaybeAsync {
    this.#outputLost();
  }

  override errConnectionLost(): MaybeAsync {
    this.#outputLost();
  }

  connectionLost(reason: Failure | null = null): MaybeAsync {
    this.session.loseConnection();
  }

  /** Tells the peer how the program ended, then closes. */
  override processEnded(reason: Failure | null = null): MaybeAsync {
    const { signal, exitCode, status } = (reason?.value ?? {}) as {
      signal?: number | null;
      exitCode?: number | null;
      status?: number | null;
    };
    try {
      if (typeof signal === "number") {
        const body = ExitSignal.encode({
          signal: this._getSignalName(signal).slice("SIG".length),
          coreDumped: ((status ?? 0) & CORE_DUMPED) !== 0,
          message: "",
          language: "",
        });
        this.session.conn?.sendRequest(this.session, "exit-signal", body);
      } else if (typeof exitCode === "number") {
        this.#exit(exitCode);
      }
    } finally {
      this.session.loseConnection();
    }
  }

  // The transport of a protocol

  /** @returns false when the caller should wait; see `SSHChannel.write`. */
  write(data: BytesLike): boolean {
    return this.session.write(data);
  }

  writeSequence(data: Iterable<BytesLike>): boolean {
    return this.session.writeSequence(data);
  }

  /** The producer waits while the client takes no more, and is stopped when the channel closes. */
  registerProducer(producer: IPushProducer | IPullProducer, streaming: boolean): void {
    this.#feeding ??= new Feeding(this.session);
    this.#feeding.register(producer, streaming);
  }

  unregisterProducer(): void {
    this.#feeding?.unregister();
  }

  /** Closes the channel. A protocol that does so after the end of its input has succeeded, as a program with status 0. */
  loseConnection(): void {
    if (this.#inputEnded) this.#exit(0);
    this.session.loseConnection();
  }

  getHost(): SSHTransportAddress {
    return this.session.getHost();
  }

  getPeer(): SSHTransportAddress {
    return this.session.getPeer();
  }

  /** The name of a signal's number, with SIG; one that the protocol does not know gets the platform's. @throws KeyError */
  _getSignalName(signal: number): string {
    const names = Object.entries(constants.signals).flatMap(([name, number]) => (number === signal ? [name] : []));
    const [first] = names;
    if (first === undefined) throw new KeyError(`there is no signal ${signal}`);
    return names.find((name) => SUPPORTED_SIGNALS.includes(name.slice("SIG".length))) ?? `${first}@${process.platform}`;
  }

  // For the session

  /** @internal */
  deliverEarlyInput(): void {
    const { buf } = this.session;
    if (buf.length === 0 || this.transport === null) return;
    this.session.buf = Buffer.alloc(0);
    this.transport.write(buf);
  }

  /** Whether the program reads or not does not matter any more, and must not keep its input from closing. @internal */
  ignoreInput(): void {
    const program = this.transport as Program | null;
    if (this.#watchingInput) program?.unregisterProducer?.();
    this.#watchingInput = false;
  }

  /** The client of a protocol sends nothing more. @internal */
  inputEnded(): MaybeAsync {
    const { proto } = this.transport as unknown as WrappedProtocol;
    if (this.session.closing) return;
    this.#inputEnded = true;
    if (providedBy(IHalfCloseableProtocol, proto)) return proto.readConnectionLost();
    this.loseConnection();
  }

  /** Output has to wait, or may go on. @internal */
  outputWaits(waits: boolean): void {
    const program = this.transport as Program | null;
    if (waits) {
      program?.pauseProducing?.();
      this.#feeding?.pause();
    } else {
      program?.resumeProducing?.();
      this.#feeding?.resume();
    }
  }

  /** The channel closes. @internal */
  hangUp(): void {
    this.ignoreInput();
    this.transport?.loseConnection();
    this.#feeding?.stop();
  }

  #exit(status: number): void {
    this.session.conn?.sendRequest(this.session, "exit-status", ExitStatus.encode({ status: status >>> 0 }));
  }

  #outputLost(): void {
    if (this.lostOutOrErrFlag) this.session.conn?.sendEOF(this.session);
    else this.lostOutOrErrFlag = true;
  }
}

/** A process protocol that hands all to a protocol, standard error left out; what is no protocol is returned as it is. */
export function wrapProcessProtocol(inst: IProtocol): ProcessProtocol;
export function wrapProcessProtocol<T>(inst: T): T;
export function wrapProcessProtocol(inst: unknown): unknown {
  return providedBy(IProtocol, inst) && !providedBy(IProcessProtocol, inst) ? new ProtocolWrapper(inst) : inst;
}

class ProtocolWrapper extends ProcessProtocol {
  readonly #protocol: IProtocol;

  constructor(protocol: IProtocol) {
    super();
    this.#protocol = protocol;
  }

  override connectionMade(): MaybeAsync {
    return this.#protocol.connectionMade();
  }

  override outReceived(data: Buffer): MaybeAsync {
    return this.#protocol.dataReceived(data);
  }

  override processEnded(reason: Failure): MaybeAsync {
    return this.#protocol.connectionLost(reason);
  }
}

/**
 * The transport (ITransport) that a session writes to when a protocol is its program. What is done to it gives back
 * what the protocol does, so that a promise of its is looked after.
 */
export interface WrappedProtocol<P extends IProtocol = IProtocol> {
  readonly proto: P;
  /** From the protocol's side: to the peer. */
  dataReceived(data: BytesLike): void;
  write(data: BytesLike): MaybeAsync;
  writeSequence(data: Iterable<BytesLike>): MaybeAsync;
  loseConnection(): MaybeAsync;
  getPeer(): IAddress;
  getHost(): IAddress;
}

/** Makes a transport of a protocol: what is written to it, the protocol receives. */
export function wrapProtocol<P extends IProtocol>(proto: P): WrappedProtocol<P> {
  return new ProtocolTransport(proto);
}

@implementer(ITransport)
class ProtocolTransport<P extends IProtocol> implements WrappedProtocol<P> {
  readonly proto: P;
  #lost = false;

  constructor(proto: P) {
    this.proto = proto;
  }

  dataReceived(data: BytesLike): void {
    this.#below?.write(data);
  }

  write(data: BytesLike): MaybeAsync {
    return this.proto.dataReceived(toBuffer(data));
  }

  writeSequence(data: Iterable<BytesLike>): MaybeAsync {
    return this.write(Buffer.concat([...data].map(toBuffer)));
  }

  loseConnection(): MaybeAsync {
    if (this.#lost) return;
    this.#lost = true;
    return this.proto.connectionLost(connectionDone);
  }

  getPeer(): IAddress {
    return this.#below!.getPeer();
  }

  getHost(): IAddress {
    return this.#below!.getHost();
  }

  get #below(): ITransport | null | undefined {
    return (this.proto as { transport?: ITransport | null }).transport;
  }
}

/** Passes all that it receives to its transport, if there is one: joins a session to something local. */
export class SSHSessionClient extends Protocol {
  override dataReceived(data: Buffer): MaybeAsync {
    this.transport?.write(data);
  }
}
