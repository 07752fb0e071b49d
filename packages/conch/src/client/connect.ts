/** Ways to a server (twisted.conch.client.connect). */
import { type Deferred, fail } from "@strombus/reactor/defer";
import type { IReactorTCP } from "@strombus/reactor/interfaces";
import { ConchError } from "../error.js";
import type { TransportService } from "../ssh/transport.js";
import { connect as connectDirect, type HostKeyVerifier } from "./direct.js";
import type { ConchOptions } from "./options.js";

/** By name, in the order in which they are tried. */
export const connectTypes = new Map<string, typeof connectDirect>([["direct", connectDirect]]);

/** The first way that leads there: see `connect` of `client/direct`. Fails as the last one does. */
export function connect(
  host: string,
  port: number,
  options: ConchOptions,
  verifyHostKey: HostKeyVerifier,
  userAuthObject: TransportService,
  reactor?: IReactorTCP,
): Deferred<null> {
  let connecting = fail(new ConchError("there is no way to connect")) as Deferred<null>;
  for (const way of connectTypes.values()) {
    connecting = connecting.addErrback(() => way(host, port, options, verifyHostKey, userAuthObject, reactor));
  }
  return connecting;
}
