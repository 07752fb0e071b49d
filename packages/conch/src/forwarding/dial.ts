/** Connecting to where a channel leads. */
import { Deferred } from "@strombus/reactor/defer";
import type { Failure } from "@strombus/reactor/failure";
import type { IConnector, IProtocol, IReactorTCP, IReactorUNIX } from "@strombus/reactor/interfaces";
import { ClientFactory } from "@strombus/reactor/protocol";

/** Connects `protocol`; cancelling gives the attempt up. */
export function dialTCP(reactor: IReactorTCP, host: string, port: number, protocol: IProtocol): Deferred<void> {
  return dial(protocol, (factory) => reactor.connectTCP(host, port, factory));
}

export function dialUNIX(reactor: IReactorUNIX, path: string, protocol: IProtocol): Deferred<void> {
  return dial(protocol, (factory) => reactor.connectUNIX(path, factory));
}

function dial(protocol: IProtocol, begin: (factory: ClientFactory) => IConnector): Deferred<void> {
  let connector: IConnector | null = null;
  const made = new Deferred<void>(() => connector?.disconnect());
  connector = begin(new OnceFactory(protocol, made));
  return made;
}

class OnceFactory extends ClientFactory {
  override noisy = false;
  readonly #protocol: IProtocol;
  readonly #made: Deferred<void>;

  constructor(protocol: IProtocol, made: Deferred<void>) {
    super();
    this.#protocol = protocol;
    this.#made = made;
  }

  override buildProtocol(): IProtocol | null {
    if (this.#made.called) return null; // given up
    // Told when the protocol has its transport, which is later in this turn.
    process.nextTick(() => {
      if (!this.#made.called) this.#made.callback();
    });
    return this.#protocol;
  }

  override clientConnectionFailed(_: IConnector, reason: Failure): void {
    if (!this.#made.called) this.#made.errback(reason);
  }
}
