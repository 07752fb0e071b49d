/** A protocol of the application's, watched for its end. */
import { declaredInterfaces, directlyProvides } from "../../components.js";
import type { Failure } from "../../failure.js";
import {
  type IAddress,
  type IHalfCloseableProtocol,
  type ILoggingContext,
  IProtocol,
  IProtocolFactory,
  type ITransport,
  type MaybeAsync,
} from "../../interfaces.js";
import { implementer } from "../../components.js";

/** Shows the interfaces that the application's protocol declares, and passes everything on to it. */
export class WatchedProtocol implements IProtocol, IHalfCloseableProtocol, ILoggingContext {
  /** Its `connectionLost` has been called. */
  lost = false;
  transport: ITransport | null = null;
  readonly #onLost: (reason: Failure) => void;

  constructor(
    readonly original: IProtocol,
    onLost: (reason: Failure) => void,
  ) {
    this.#onLost = onLost;
    directlyProvides(this, IProtocol, ...declaredInterfaces(original));
  }

  makeConnection(transport: ITransport): MaybeAsync {
    this.transport = transport;
    return this.original.makeConnection(transport);
  }

  connectionMade(): MaybeAsync {
    return this.original.connectionMade();
  }

  dataReceived(data: Buffer): MaybeAsync {
    return this.original.dataReceived(data);
  }

  connectionLost(reason: Failure): MaybeAsync {
    this.lost = true;
    try {
      return this.original.connectionLost(reason);
    } finally {
      this.#onLost(reason);
    }
  }

  readConnectionLost(): MaybeAsync {
    return (this.original as unknown as IHalfCloseableProtocol).readConnectionLost();
  }

  writeConnectionLost(): MaybeAsync {
    return (this.original as unknown as IHalfCloseableProtocol).writeConnectionLost();
  }

  handshakeCompleted(): MaybeAsync {
    return (this.original as unknown as { handshakeCompleted(): MaybeAsync }).handshakeCompleted();
  }

  logPrefix(): string {
    return (this.original as unknown as ILoggingContext).logPrefix();
  }
}

/** The application's factory, for one attempt to connect. */
@implementer(IProtocolFactory)
export class WatchingFactory implements IProtocolFactory {
  /** The protocol of the connection, when there is one. */
  built: WatchedProtocol | null = null;
  /** Refuses connections that come after all. */
  closed = false;
  readonly #factory: IProtocolFactory;
  readonly #onLost: (reason: Failure) => void;

  constructor(factory: IProtocolFactory, onLost: (reason: Failure) => void) {
    this.#factory = factory;
    this.#onLost = onLost;
  }

  buildProtocol(addr: IAddress): IProtocol | null {
    const protocol = this.closed ? null : this.#factory.buildProtocol(addr);
    if (protocol === null) return null;
    return (this.built = new WatchedProtocol(protocol, this.#onLost));
  }

  doStart(): void {
    return this.#factory.doStart();
  }

  doStop(): void {
    return this.#factory.doStop();
  }
}
