/** What the processes of one application say to each other. */

/** From a worker to its supervisor. */
export type WorkerMessage =
  | { readonly strombus: "socket"; readonly key: string } // the socket itself comes along
  | { readonly strombus: "ready" }
  | { readonly strombus: "alive" };

/** From the supervisor to a worker. */
export interface SupervisorMessage {
  readonly strombus: "alive?" | "reopen the log";
}

/** In the environment of a worker: the sockets that it inherits, by key, each with its descriptor. */
export const SOCKETS_VARIABLE = "STROMBUS_SOCKETS";

export type InheritedSockets = Readonly<Record<string, number>>;
