/** The end of the reactor, from wherever it comes first. */
import { ReactorNotRunning } from "@strombus/reactor/error";
import type { IReactorCore } from "@strombus/reactor/interfaces";

/** Nothing where it stops already, which is why a connection can be lost. */
export function stop(reactor: Pick<IReactorCore, "stop">): void {
  try {
    reactor.stop();
  } catch (error) {
    if (!(error instanceof ReactorNotRunning)) throw error;
  }
}
