/** A telnet connection as a transport. */
import { implementer, providedBy } from "@strombus/reactor/components";
import { AssertionError } from "@strombus/reactor/exceptions";
import { Failure } from "@strombus/reactor/failure";
import type {
  BytesLike,
  IAddress,
  IConsumer,
  IPushProducer,
  ITransport,
  MaybeAsync,
} from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { connectionDone, Protocol } from "@strombus/reactor/protocol";
import { settle } from "../channel/later.js";
import { type Constructor, made, type Source } from "../class.js";
import { collected } from "../insults/sequence.js";
import { tellWhatWasLeftOut } from "../peer-log.js";
import { toBuffer } from "../wire/writer.js";
import { BINARY } from "./constants.js";
import { ITelnetProtocol, ITelnetTransport, TelnetHooks } from "./interfaces.js";
import { Newlines } from "./newlines.js";
import { escaped, Telnet } from "./parser.js";

const log = new Logger({ namespace: "strombus.conch.telnet" });

/** Wants no option and hears nothing: override what matters. */
@implementer(ITelnetProtocol)
export class TelnetProtocol extends TelnetHooks(Protocol) implements ITelnetProtocol {
  declare transport: ITelnetTransport | null;
}

/** Makes a protocol a transport too, which writes to that protocol's own; an LF without CR goes out as CR LF. */
export function ProtocolTransportMixin<Base extends Constructor>(base: Base): Base & Constructor<ITransport> {
  abstract class Written extends base implements ITransport {
    readonly #newlines = new Newlines();

    write(data: BytesLike): void {
      below(this)?.write(this.#newlines.translated(toBuffer(data)));
    }

    writeSequence(data: Iterable<BytesLike>): void {
      this.write(Buffer.concat([...data].map(toBuffer)));
    }

    loseConnection(): void {
      below(this)?.loseConnection();
    }

    getHost(): IAddress {
      return below(this)!.getHost();
    }

    getPeer(): IAddress {
      return below(this)!.getPeer();
    }
  }
  return Written;
}

function below(protocol: object): ITransport | null {
  return (protocol as { transport?: ITransport | null }).transport ?? null;
}

/**
 * Makes a protocol for the connection, and is the transport to it. While the peer takes nothing of what is written,
 * nothing is read from it.
 *
 * ```ts
 * const transport = new TelnetTransport(AuthenticatingTelnetProtocol, portal);
 * ```
 */
@implementer(ITelnetTransport)
export class TelnetTransport extends ProtocolTransportMixin(Telnet) implements ITelnetTransport {
  protocolFactory: Source<ITelnetProtocol, never[]> | null;
  protocolArgs: readonly unknown[];
  /** From the connection's begin to its end; who replaces it makes the connection of the new one. */
  protocol: ITelnetProtocol | null = null;
  /** `loseConnection` was called. */
  disconnecting = false;
  #isOver = false;
  #isThrottled = false;
  #atEnd: (() => MaybeAsync)[] = [];

  /** `protocolFactory` is a class or a function, and is called with `protocolArgs` when the connection is made. */
  constructor(protocolFactory: null);
  constructor();
  constructor(protocolFactory: Source<ITelnetProtocol, never[]>, ...protocolArgs: unknown[]);
  constructor(protocolFactory: Source<ITelnetProtocol, never[]> | null = null, ...protocolArgs: unknown[]) {
    super();
    this.protocolFactory = protocolFactory;
    this.protocolArgs = protocolArgs;
  }

  override connectionMade(): MaybeAsync {
    this.#throttle();
    if (this.protocolFactory === null) return;
    const protocol = made(this.protocolFactory, ...(this.protocolArgs as never[]));
    if (!providedBy(ITelnetProtocol, protocol)) throw new AssertionError("what was made is no ITelnetProtocol");
    if (this.factory !== null) (protocol as { factory?: unknown }).factory = this.factory;
    this.protocol = protocol;
    return protocol.makeConnection(this);
  }

  override applicationDataReceived(data: Buffer): MaybeAsync {
    return this.protocol?.dataReceived(data);
  }

  override unhandledCommand(command: number, argument: number | null): MaybeAsync {
    return this.protocol?.unhandledCommand(command, argument);
  }

  override unhandledSubnegotiation(option: number, bytes: Buffer): MaybeAsync {
    return this.protocol?.unhandledSubnegotiation(option, bytes);
  }

  override enableLocal(option: number): boolean {
    return this.protocol?.enableLocal(option) ?? false;
  }

  override enableRemote(option: number): boolean {
    return this.protocol?.enableRemote(option) ?? false;
  }

  override disableLocal(option: number): MaybeAsync {
    return this.protocol?.disableLocal(option);
  }

  override disableRemote(option: number): MaybeAsync {
    return this.protocol?.disableRemote(option);
  }

  override connectionLost(reason: Failure = connectionDone): MaybeAsync {
    const { protocol } = this;
    this.protocol = null;
    this.#isOver = true;
    return collected((result) => {
      result(super.connectionLost(reason));
      try {
        result(protocol?.connectionLost(reason));
      } finally {
        for (const call of this.#atEnd.splice(0)) ended(call);
        for (const peer of [this, this.transport]) if (peer !== null) tellWhatWasLeftOut(peer);
      }
    });
  }

  atEnd(call: () => MaybeAsync): void {
    if (this.#isOver) ended(call);
    else this.#atEnd.push(call);
  }

  /** FF goes out twice, and LF as CR LF unless this side does BINARY. */
  override write(data: BytesLike): void {
    const bytes = escaped(toBuffer(data));
    if (this.isOn(BINARY, "us")) this._write(bytes);
    else super.write(bytes);
  }

  override loseConnection(): void {
    this.disconnecting = true;
    this.#unthrottle();
    super.loseConnection();
  }

  protected override _close(): void {
    this.loseConnection();
  }

  /** Every answer and every echo is owed to what was read: who takes none is not read from. */
  #throttle(): void {
    const stream = this.transport as Partial<IConsumer & IPushProducer> | null;
    if (stream?.registerProducer === undefined || stream.pauseProducing === undefined) return;
    this.#isThrottled = true;
    stream.registerProducer(new Reading(stream as IPushProducer), true);
  }

  #unthrottle(): void {
    if (this.#isThrottled) (this.transport as Partial<IConsumer> | null)?.unregisterProducer?.();
    this.#isThrottled = false;
  }
}

/** The reading side of a connection, as the producer of what is written to it. */
class Reading implements IPushProducer {
  constructor(readonly stream: IPushProducer) {}

  pauseProducing(): void {
    this.stream.pauseProducing();
  }

  resumeProducing(): void {
    this.stream.resumeProducing();
  }

  stopProducing(): void {}
}

function ended(call: () => MaybeAsync): void {
  settle(
    call,
    () => {},
    (error) => log.failure("what was to be done at the end of a telnet connection failed", new Failure(error)),
  );
}
