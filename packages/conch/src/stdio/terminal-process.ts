/** A protocol that talks to the program of a child process, on a terminal or on pipes. */
import { implementer } from "@strombus/reactor/components";
import { Deferred } from "@strombus/reactor/defer";
import { Failure } from "@strombus/reactor/failure";
import {
  type BytesLike,
  type IAddress,
  type IProtocol,
  ITransport,
  type MaybeAsync,
} from "@strombus/reactor/interfaces";
import { ProcessProtocol } from "@strombus/reactor/protocol";
import { after } from "../channel/later.js";
import { shown } from "../client/shown.js";

/** The child has written to its error output. */
export class UnexpectedOutputError extends Error {
  override readonly name = "UnexpectedOutputError";
  readonly code = "ERR_UNEXPECTED_OUTPUT";

  constructor(readonly data: Buffer) {
    super(`unexpected output: ${shown(data.subarray(0, 200))}`);
  }
}

/** What is told, besides of a protocol's, that the child has closed a descriptor. */
export type TerminalProcessApplication = IProtocol & { childConnectionLost?(childFD: number): MaybeAsync };

/**
 * The transport of a protocol whose other end is a child.
 *
 * ```ts
 * reactor.spawnProcess(new TerminalProcessProtocol(new ServerProtocol(Editor)), file, args, { usePTY: true });
 * ```
 */
@implementer(ITransport)
export class TerminalProcessProtocol extends ProcessProtocol implements ITransport {
  /** Fires when the protocol is connected, and is null from then on. */
  onConnection: Deferred<void> | null = new Deferred<void>();
  /** Null when it has been told of the end. */
  proto: TerminalProcessApplication | null;

  constructor(proto: TerminalProcessApplication) {
    super();
    this.proto = proto;
  }

  override connectionMade(): MaybeAsync {
    return after(this.proto?.makeConnection(this), () => {
      const { onConnection } = this;
      this.onConnection = null;
      onConnection?.callback();
    });
  }

  /** To the child. */
  write(data: BytesLike): void {
    this.transport?.write(data);
  }

  writeSequence(data: Iterable<BytesLike>): void {
    this.transport?.writeSequence(data);
  }

  loseConnection(): void {
    this.transport?.loseConnection();
  }

  getPeer(): IAddress {
    return this.transport!.getPeer();
  }

  getHost(): IAddress {
    return this.transport!.getHost();
  }

  override outReceived(data: Buffer): MaybeAsync {
    return this.proto?.dataReceived(data);
  }

  /** The end: on a terminal there is no error output. */
  override errReceived(data: Buffer): MaybeAsync {
    const { proto } = this;
    this.proto = null; // before the descriptors close, of which it is not to hear any more
    this.loseConnection();
    return proto?.connectionLost(new Failure(new UnexpectedOutputError(data)));
  }

  override childConnectionLost(childFD: number): MaybeAsync {
    return this.proto?.childConnectionLost?.(childFD);
  }

  override processEnded(reason: Failure): MaybeAsync {
    const { proto } = this;
    this.proto = null;
    return proto?.connectionLost(reason);
  }
}
