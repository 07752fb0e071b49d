/** Connecting to where a channel leads. */
import type { Deferred } from "@strombus/reactor/defer";
import { HostnameEndpoint, type HostnameReactor, UNIXClientEndpoint } from "@strombus/reactor/endpoints";
import type { IProtocol, IReactorUNIX, IStreamClientEndpoint } from "@strombus/reactor/interfaces";
import { Factory } from "@strombus/reactor/protocol";

/** Connects `protocol` to the first address of the host that answers; cancelling gives the attempt up. */
export function dialTCP(reactor: HostnameReactor, host: string, port: number, protocol: IProtocol): Deferred<void> {
  return dial(new HostnameEndpoint(reactor, host, port, { hurry: true }), protocol);
}

export function dialUNIX(reactor: IReactorUNIX, path: string, protocol: IProtocol): Deferred<void> {
  return dial(new UNIXClientEndpoint(reactor, path), protocol);
}

function dial(endpoint: IStreamClientEndpoint, protocol: IProtocol): Deferred<void> {
  const factory = new OnceFactory(protocol);
  return endpoint.connect(factory).addCallbacks(
    () => undefined,
    (reason) => {
      factory.protocolToBe = null;
      return reason; // still a failure
    },
  );
}

/** Two attempts may succeed in one turn, or one after all was given up: they get nothing. */
class OnceFactory extends Factory {
  override noisy = false;

  constructor(public protocolToBe: IProtocol | null) {
    super();
  }

  override buildProtocol(): IProtocol | null {
    const protocol = this.protocolToBe;
    this.protocolToBe = null;
    return protocol;
  }
}
