/** Base classes for protocols of datagrams. */
import { implementer } from "../components.js";
import { AssertionError } from "../exceptions.js";
import type { Failure } from "../failure.js";
import { IDatagramProtocol, ILoggingContext, type IUDPTransport, type MaybeAsync } from "../interfaces.js";
import { Logger } from "../logger.js";
import { logRejection } from "../logged-calls.js";

const log = new Logger({ namespace: "strombus.reactor.protocol" });

/** What every protocol of datagrams has: its transport, and a beginning and an end. */
export abstract class AbstractDatagramProtocol implements ILoggingContext {
  /** Null while it does not listen. */
  transport: IUDPTransport | null = null;
  /** Ports that it listens on. */
  numPorts = 0;
  /** Log when it starts and stops. */
  noisy = true;

  /** The port is bound. */
  startProtocol(): void {}

  /** The port is closed. */
  stopProtocol(): void {}

  /** @throws AssertionError if it has a transport already */
  makeConnection(transport: IUDPTransport): void {
    if (this.transport !== null) throw new AssertionError("the protocol listens already");
    this.transport = transport;
    return this.doStart(); // which may be async where it is overridden
  }

  doStart(): void {
    if (this.numPorts === 0) {
      if (this.noisy) log.info("{protocol} starting", { protocol: this.logPrefix() });
      logRejection(log, this.startProtocol());
    }
    this.numPorts += 1;
  }

  doStop(): void {
    if (this.numPorts === 0) return;
    this.numPorts -= 1;
    this.transport = null;
    if (this.numPorts > 0) return;
    if (this.noisy) log.info("{protocol} stopping", { protocol: this.logPrefix() });
    logRejection(log, this.stopProtocol());
  }

  logPrefix(): string {
    return this.constructor.name;
  }
}

/** A protocol of datagrams for `listenUDP`. */
@implementer(IDatagramProtocol, ILoggingContext)
export class DatagramProtocol extends AbstractDatagramProtocol implements IDatagramProtocol {
  /** A datagram, and who sent it. */
  datagramReceived(data: Buffer, addr: readonly [host: string, port: number]): MaybeAsync {}

  /** Nobody listens where `transport.connect` points to. */
  connectionRefused(): MaybeAsync {}
}

/** A protocol of datagrams of one peer. Twisted's UNIX datagram sockets take it, which Node has not: for its subclasses. */
@implementer(ILoggingContext)
export class ConnectedDatagramProtocol extends AbstractDatagramProtocol {
  datagramReceived(data: Buffer): MaybeAsync {}

  connectionFailed(failure: Failure): MaybeAsync {}
}
