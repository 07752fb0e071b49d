/** Base classes for protocols and their factories (twisted.internet.protocol). */
import { logRejection } from "../logged-calls.js";
import { implementer } from "../components.js";
import { ConnectionDone } from "../error.js";
import { Failure } from "../failure.js";
import {
  type IAddress,
  IClientFactory,
  type IConnector,
  ILoggingContext,
  IProcessProtocol,
  type IProcessTransport,
  IProtocol,
  IProtocolFactory,
  type ITransport,
  type MaybeAsync,
} from "../interfaces.js";
import { Logger } from "../logger.js";

const log = new Logger({ namespace: "strombus.reactor.protocol" });

/** The reason of a clean end, for those who need one and have none. */
export const connectionDone: Failure = new Failure(new ConnectionDone());

/** What every protocol has: its transport, and whether it has one. */
export abstract class BaseProtocol {
  connected = false;
  /** Null until `makeConnection`. */
  transport: ITransport | null = null;

  makeConnection(transport: ITransport): MaybeAsync {
    this.connected = true;
    this.transport = transport;
    return this.connectionMade();
  }

  /** The connection stands: greet, start timers. */
  connectionMade(): MaybeAsync {}
}

/** A protocol on a stream of bytes. */
@implementer(IProtocol, ILoggingContext)
export class Protocol extends BaseProtocol implements IProtocol, ILoggingContext {
  /** Who built it, when that was a Factory. */
  factory: Factory | null = null;

  /** Some bytes, cut anywhere; they are yours to keep. */
  dataReceived(data: Buffer): MaybeAsync {}

  /** Once, at the end. */
  connectionLost(reason: Failure = connectionDone): MaybeAsync {}

  logPrefix(): string {
    return this.constructor.name;
  }
}

/** What makes the protocol of a connection: a class, made without arguments, or a function that returns one. */
export type ProtocolSource = (new () => IProtocol) | (() => IProtocol | null);

/** Makes a protocol for each connection, and holds what they share. `S` is what `protocol` may be. */
@implementer(IProtocolFactory, ILoggingContext)
export class Factory<S = ProtocolSource> implements IProtocolFactory, ILoggingContext {
  protocol: S | null = null;
  /** Ports and connectors that use this factory. */
  numPorts = 0;
  /** Log when it starts and stops. */
  noisy = true;

  /** A factory made with these arguments, for this protocol. */
  static forProtocol<F extends Factory, A extends unknown[]>(
    this: new (...args: A) => F,
    protocol: ProtocolSource,
    ...args: A
  ): F {
    const factory = new this(...args);
    factory.protocol = protocol;
    return factory;
  }

  /** Makes `this.protocol` and sets its `factory`; null refuses the connection. */
  buildProtocol(addr: IAddress): IProtocol | null {
    const source = this.protocol as ProtocolSource | null;
    if (source === null) throw new TypeError(`${this.logPrefix()} has no protocol`);
    const protocol: IProtocol | null = made(source);
    if (protocol !== null) (protocol as { factory?: unknown }).factory = this;
    return protocol;
  }

  /** Called when the first port or connector begins to use it. */
  startFactory(): void {}

  /** Called when the last port or connector is done with it. */
  stopFactory(): void {}

  doStart(): void {
    if (this.numPorts === 0) {
      if (this.noisy) log.info("starting factory {factory}", { factory: this.logPrefix() });
      logRejection(log, this.startFactory());
    }
    this.numPorts += 1;
  }

  doStop(): void {
    if (this.numPorts === 0) return; // a port that stops twice
    this.numPorts -= 1;
    if (this.numPorts > 0) return;
    if (this.noisy) log.info("stopping factory {factory}", { factory: this.logPrefix() });
    logRejection(log, this.stopFactory());
  }

  logPrefix(): string {
    return this.constructor.name;
  }
}

/** A factory for `listenTCP`. */
export class ServerFactory extends Factory {}

/** A factory for `connectTCP`, told what becomes of each attempt. `connector.connect()` tries again. */
@implementer(IClientFactory)
export class ClientFactory extends Factory implements IClientFactory {
  startedConnecting(connector: IConnector): void {}
  clientConnectionFailed(connector: IConnector, reason: Failure): void {}
  clientConnectionLost(connector: IConnector, reason: Failure): void {}
}

/** A protocol on the descriptors of a child process: 0 is its input, 1 its output, 2 its error output. */
@implementer(IProcessProtocol)
export class ProcessProtocol extends BaseProtocol implements IProcessProtocol {
  declare transport: IProcessTransport | null;

  childDataReceived(childFD: number, data: Buffer): MaybeAsync {
    if (childFD === 1) return this.outReceived(data);
    if (childFD === 2) return this.errReceived(data);
  }

  outReceived(data: Buffer): MaybeAsync {}
  errReceived(data: Buffer): MaybeAsync {}

  childConnectionLost(childFD: number): MaybeAsync {
    if (childFD === 0) return this.inConnectionLost();
    if (childFD === 1) return this.outConnectionLost();
    if (childFD === 2) return this.errConnectionLost();
  }

  inConnectionLost(): MaybeAsync {}
  outConnectionLost(): MaybeAsync {}
  errConnectionLost(): MaybeAsync {}

  /** The process is gone; its output may still come. */
  processExited(reason: Failure): MaybeAsync {}

  /** The process is gone and all its descriptors are closed. */
  processEnded(reason: Failure): MaybeAsync {}
}

/** What a class, or a function in its place, makes. */
export function made<T, A extends unknown[]>(source: (new (...args: A) => T) | ((...args: A) => T), ...args: A): T {
  return isConstructor(source) ? new source(...args) : source(...args);
}

/** A function with no prototype (an arrow, a method) is one that `new` would refuse. */
function isConstructor<C extends new (...args: never[]) => unknown>(
  source: C | ((...args: never[]) => unknown),
): source is C {
  return (source as { prototype?: unknown }).prototype !== undefined;
}
