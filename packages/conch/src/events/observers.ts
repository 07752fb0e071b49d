/** Who is told of a factory's events: each of them, where the log leaves out what one peer brings about too often (L4). */
import { Logger } from "@strombus/reactor/logger";
import { tell } from "../transport/watch.js";
import type { EventName, SSHEvent } from "./catalogue.js";

const log = new Logger({ namespace: "strombus.conch.events" });

/** Gets events of a name as they happen. */
export type EventObserver<N extends EventName = EventName> = (event: SSHEvent<N>) => unknown;

type Told = (event: never) => unknown;

/** Where observers of a factory's events are added: `factory.events`. */
export class SSHEvents {
  readonly #observers = new Map<EventName | "all", Set<Told>>();

  /**
   * Calls `observer` with each event of this name, within what brought it about: be quick. What it throws is logged.
   *
   * ```ts
   * const stop = factory.events.on("ssh.login", (event) => count(event["ssh.login.outcome"]));
   * ```
   *
   * @returns ends it
   */
  on<N extends EventName>(name: N, observer: EventObserver<N>): () => void {
    return this.#add(name, observer);
  }

  /** Calls `observer` with each event of any name. @returns ends it */
  onAny(observer: EventObserver): () => void {
    return this.#add("all", observer);
  }

  /** @internal */
  tell(event: SSHEvent): void {
    this.#tell(this.#observers.get(event["event.name"]), event);
    this.#tell(this.#observers.get("all"), event);
  }

  #tell(observers: Set<Told> | undefined, event: SSHEvent): void {
    if (observers === undefined) return;
    for (const observer of [...observers] as EventObserver[]) {
      tell(log, "an observer of events", () => observer(event));
    }
  }

  #add(name: EventName | "all", observer: Told): () => void {
    const observers = this.#observers.get(name) ?? new Set();
    const own: Told = (event) => observer(event); // one that observes twice ends each by itself
    observers.add(own);
    this.#observers.set(name, observers);
    return () => void observers.delete(own);
  }
}
