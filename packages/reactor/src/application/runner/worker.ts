/** One of several processes that run the same application, as it sees itself. */
import { type SocketStore, shareSockets } from "../../stream/shared-sockets.js";
import { type InheritedSockets, SOCKETS_VARIABLE, type SupervisorMessage, type WorkerMessage } from "./messages.js";

/** The link of a worker to its supervisor. */
export class SupervisorLink {
  private constructor(sockets: InheritedSockets) {
    shareSockets(new Inheritance(sockets));
    process.on("SIGINT", () => {}); // a terminal sends it to all; the supervisor says what it means
    process.on("message", (message: Partial<SupervisorMessage>) => {
      if (message.strombus === "alive?") send({ strombus: "alive" });
    });
  }

  /** Null in a process that is nobody's worker. */
  static find(environment: NodeJS.ProcessEnv = process.env): SupervisorLink | null {
    const sockets = environment[SOCKETS_VARIABLE];
    if (sockets === undefined || process.send === undefined) return null;
    Reflect.deleteProperty(environment, SOCKETS_VARIABLE);
    return new SupervisorLink(JSON.parse(sockets) as InheritedSockets);
  }

  onReopenLog(reopen: () => void): void {
    process.on("message", (message: Partial<SupervisorMessage>) => {
      if (message.strombus === "reopen the log") reopen();
    });
  }

  ready(): void {
    send({ strombus: "ready" });
  }

  /** The supervisor is gone: nobody would ever stop this process. */
  onLost(stop: () => void): void {
    process.once("disconnect", stop);
  }
}

/** Ports go by their address and by how many of that address came before, in every process the same. */
class Inheritance implements SocketStore {
  readonly #sockets: ReadonlyMap<string, number>;
  readonly #counts = new Map<string, number>();
  #key = "";

  constructor(sockets: InheritedSockets) {
    this.#sockets = new Map(Object.entries(sockets));
  }

  take(address: string, port: number): number | null {
    const name = `${address} ${port}`;
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    this.#key = `${name} ${count}`;
    return this.#sockets.get(this.#key) ?? null;
  }

  bound(handle: object): void {
    send({ strombus: "socket", key: this.#key }, handle);
  }
}

function send(message: WorkerMessage, handle?: object): void {
  if (process.connected) process.send?.(message, handle as never);
}
