/** Waiting for connections to end by themselves. */
import { Deferred } from "../../defer.js";
import { IListeningPort, type IReactorTime, ITransport } from "../../interfaces.js";

const LOOK_INTERVAL = 0.05; // seconds

/** Fires with the number of connections that are left: 0, or more when the time is up. */
export function drained(transports: Iterable<unknown>, seconds: number, clock: IReactorTime): Deferred<number> {
  const done = new Deferred<number>();
  const end = clock.seconds() + seconds;
  const look = (): void => {
    const left = connectionsAmong(transports);
    if (left === 0 || clock.seconds() >= end) done.callback(left);
    else clock.callLater(Math.min(LOOK_INTERVAL, end - clock.seconds()), look);
  };
  look();
  return done;
}

function connectionsAmong(transports: Iterable<unknown>): number {
  let count = 0;
  for (const transport of transports) {
    if (ITransport.providedBy(transport) && !IListeningPort.providedBy(transport)) count += 1;
  }
  return count;
}
