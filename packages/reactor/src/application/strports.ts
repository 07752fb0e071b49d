/** Servers described by text, as services (twisted.application.strports): `service("haproxy:tcp:2022", factory)`. */
import type { Deferred } from "../defer.js";
import { serverFromString } from "../endpoints.js";
import type { IListeningPort, IProtocolFactory, IReactor } from "../interfaces.js";
import { reactor as theReactor } from "../reactor.js";
import { StreamServerEndpointService } from "./internet.js";

export interface StrportsOptions {
  /** Default the reactor of the process. */
  reactor?: IReactor;
}

/** A service that listens there; an error that is known at once is thrown when it starts. @throws what `serverFromString` throws */
export function service(
  description: string,
  factory: IProtocolFactory,
  { reactor = theReactor }: StrportsOptions = {},
): StreamServerEndpointService {
  const made = new StreamServerEndpointService(serverFromString(reactor, description), factory);
  made._raiseSynchronously = true;
  return made;
}

/** Listens there at once. */
export function listen(
  description: string,
  factory: IProtocolFactory,
  { reactor = theReactor }: StrportsOptions = {},
): Deferred<IListeningPort> {
  return serverFromString(reactor, description).listen(factory);
}
