/** Bound sockets that several processes share: a process finds those of the others, and offers its own. */
export interface SocketStore {
  /** The descriptor of a socket that is bound to this address already, or null. Asked once for each port that opens. */
  take(address: string, port: number): number | null;
  /** This process has bound a socket that `take` knew nothing of. */
  bound(handle: object): void;
}

let store: SocketStore | null = null;

/** From now on all TCP and UDP ports of the process go by this store. */
export function shareSockets(shared: SocketStore): void {
  store = shared;
}

export function sharedSockets(): SocketStore | null {
  return store;
}
