/** A service that listens on an endpoint. */
import { CancelledError, Deferred, maybeDeferred, succeed } from "../../defer.js";
import type { Failure } from "../../failure.js";
import type { IListeningPort, IProtocolFactory } from "../../interfaces.js";
import { Logger } from "../../logger.js";
import { Service } from "../service.js";

const log = new Logger({ namespace: "strombus.application" });

/** What listens for a factory. */
export interface ServerEndpoint {
  listen(factory: IProtocolFactory): PromiseLike<IListeningPort>;
}

/**
 * Listens from `privilegedStartService` on, or else from `startService` on; both fire when it listens. That it cannot is
 * logged, and nothing more. (Twisted's cannot be started again after a stop; this one can.)
 */
export class StreamServerEndpointService extends Service {
  /** Set by `strports.service`: an error that is known at once is thrown from the start. */
  _raiseSynchronously = false;
  #port: Deferred<IListeningPort | null> | null = null;

  constructor(
    readonly endpoint: ServerEndpoint,
    readonly factory: IProtocolFactory,
  ) {
    super();
  }

  override privilegedStartService(): Deferred {
    void super.privilegedStartService();
    return this.#listen();
  }

  override startService(): Deferred {
    void super.startService();
    return this.#port === null ? this.#listen() : this.#listening(this.#port);
  }

  /** Fires when the port is closed, or the attempt to listen is given up. */
  override stopService(): Deferred {
    const port = this.#port;
    this.#port = null;
    if (port === null) {
      void super.stopService();
      return succeed(null);
    }
    port.cancel();
    return port
      .addCallback((listening) => listening?.stopListening())
      .addBoth((result) => {
        void super.stopService();
        return result;
      });
  }

  #listen(): Deferred {
    const raised: Failure[] = [];
    let returned = false;
    const port = maybeDeferred(() => this.endpoint.listen(this.factory)).addErrback((failure) => {
      if (this._raiseSynchronously && !returned) raised.push(failure);
      else if (failure.check(CancelledError) === null) log.failure("a service cannot listen", failure);
      return null;
    }) as Deferred<IListeningPort | null>;
    returned = true;
    this.#port = port;
    if (raised.length > 0) {
      this.#port = null;
      raised[0]!.raiseException();
    }
    return this.#listening(port);
  }

  /** The port stays with the service: who waits only learns that it is there. */
  #listening(port: Deferred<IListeningPort | null>): Deferred {
    const listening = new Deferred<null>();
    port.addBoth((result) => {
      listening.callback(null);
      return result;
    });
    return listening;
  }
}
