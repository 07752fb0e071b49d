/** One connection for one protocol, without a factory. */
import { Deferred } from "../defer.js";
import type { Failure } from "../failure.js";
import type {
  ConnectTCPOptions,
  ConnectUNIXOptions,
  IClientFactory,
  IConnector,
  IProtocol,
  IReactorSSL,
  IReactorTCP,
  IReactorTime,
  IReactorUNIX,
  ITLSContextFactory,
  ITransport,
} from "../interfaces.js";
import { ClientFactory } from "./core.js";

/** Makes a protocol of a class and connects it; the Deferreds fire a turn after the connection is made. */
export class ClientCreator<P extends IProtocol, A extends unknown[]> {
  readonly reactor: IReactorTime & Partial<IReactorTCP & IReactorSSL & IReactorUNIX>;
  readonly protocolClass: new (...args: A) => P;
  readonly args: A;

  constructor(
    reactor: IReactorTime & Partial<IReactorTCP & IReactorSSL & IReactorUNIX>,
    protocolClass: new (...args: A) => P,
    ...args: A
  ) {
    this.reactor = reactor;
    this.protocolClass = protocolClass;
    this.args = args;
  }

  connectTCP(host: string, port: number, options: ConnectTCPOptions = {}): Deferred<P> {
    return this.#connect((factory) => (this.reactor as IReactorTCP).connectTCP(host, port, factory, options));
  }

  connectSSL(
    host: string,
    port: number,
    contextFactory: ITLSContextFactory,
    options: ConnectTCPOptions = {},
  ): Deferred<P> {
    return this.#connect((factory) =>
      (this.reactor as IReactorSSL).connectSSL(host, port, factory, contextFactory, options),
    );
  }

  connectUNIX(address: string, options: ConnectUNIXOptions = {}): Deferred<P> {
    return this.#connect((factory) => (this.reactor as IReactorUNIX).connectUNIX(address, factory, options));
  }

  #connect(connect: (factory: IClientFactory) => IConnector): Deferred<P> {
    const { reactor, protocolClass, args } = this;
    let made: P | null = null;
    let isCancelled = false;
    const deferred = new Deferred<P>(() => {
      isCancelled = true; // the connector's own word for that is not the caller's
      connector.disconnect();
      (made as { transport?: ITransport | null } | null)?.transport?.loseConnection();
    });
    const settle = (outcome: P | Failure): void => {
      if (!deferred.called && !isCancelled) deferred.callback(outcome);
    };

    class OneShot extends ClientFactory {
      override noisy = false;
      override buildProtocol(): P {
        const protocol = new protocolClass(...args);
        made = protocol;
        reactor.callLater(0, () => settle(protocol));
        return protocol;
      }
      override clientConnectionFailed(_: IConnector, reason: Failure): void {
        settle(reason);
      }
    }
    const connector = connect(new OneShot());
    return deferred;
  }
}
