/** A service, and a service made of services. */
import { adapt, implementer, type InterfaceToken, interfaceToken } from "../../components.js";
import { type Deferred, DeferredList, gatherResults, type ListResult, maybeDeferred } from "../../defer.js";
import { KeyError, RuntimeError, ValueError } from "../../exceptions.js";
import type { Failure } from "../../failure.js";
import { isThenable } from "../../guard.js";
import { callLogged, logRejection } from "../../logged-calls.js";
import type { MaybeAsync } from "../../interfaces.js";
import { Logger } from "../../logger.js";

const log = new Logger({ namespace: "strombus.application" });

/** Something that is started and stopped. */
export interface IService {
  readonly name: string | null;
  readonly running: boolean;
  readonly parent: IServiceCollection | null;
  /** @throws RuntimeError once it has a parent. */
  setName(name: string): void;
  /** Joins a collection, or what can be adapted to one; an old parent is left first. */
  setServiceParent(parent: unknown): void;
  /** Leaves its parent, and stops if that runs. */
  disownServiceParent(): MaybeAsync;
  /** Does what needs the rights of root, before the process gives them up. An exception keeps the application from starting. */
  privilegedStartService(): MaybeAsync;
  startService(): MaybeAsync;
  /** What it returns is awaited. */
  stopService(): MaybeAsync;
}
export const IService: InterfaceToken<IService> = interfaceToken<IService>(
  "IService",
  [],
  ["setName", "setServiceParent", "disownServiceParent", "privilegedStartService", "startService", "stopService"],
);

/** Services under one parent. */
export interface IServiceCollection extends Iterable<IService> {
  /** @throws KeyError */
  getServiceNamed(name: string): IService;
  /** Called by `setServiceParent`; a newcomer to a running collection starts. @throws RuntimeError for a name there is already */
  addService(service: IService): void;
  /** Called by `disownServiceParent`; of a running collection it stops. @throws ValueError for one that is not here */
  removeService(service: IService): MaybeAsync;
}
export const IServiceCollection: InterfaceToken<IServiceCollection> = interfaceToken<IServiceCollection>(
  "IServiceCollection",
  [],
  ["getServiceNamed", "addService", "removeService"],
);

/** Base of services: overriding methods call these. */
@implementer(IService)
export class Service implements IService {
  name: string | null = null;
  running = false;
  parent: IServiceCollection | null = null;

  setName(name: string): void {
    if (this.parent !== null) throw new RuntimeError("a service is named before it has a parent");
    this.name = name;
  }

  setServiceParent(parent: unknown): void {
    const collection = adapt(IServiceCollection, parent);
    if (this.parent !== null) callLogged(log, "leaving the old parent", () => this.disownServiceParent());
    this.parent = collection;
    try {
      logRejection(log, collection.addService(this));
    } catch (error) {
      this.parent = null;
      throw error;
    }
  }

  disownServiceParent(): MaybeAsync {
    const { parent } = this;
    this.parent = null;
    return parent?.removeService(this);
  }

  privilegedStartService(): MaybeAsync {}

  startService(): MaybeAsync {
    this.running = true;
  }

  stopService(): MaybeAsync {
    this.running = false;
  }
}

/** Starts its services in the order in which they were added, and stops them in reverse; none waits for another. */
@implementer(IService, IServiceCollection)
export class MultiService extends Service implements IServiceCollection {
  readonly services: IService[] = [];
  readonly namedServices = new Map<string, IService>();

  /** Returns what was asynchronous in it; fails with the first failure. */
  override privilegedStartService(): MaybeAsync {
    void super.privilegedStartService();
    return inOrder(this.services.map((each) => () => each.privilegedStartService()));
  }

  /** Returns what was asynchronous in it; fails with the first failure. */
  override startService(): MaybeAsync {
    void super.startService();
    return inOrder(this.services.map((each) => () => each.startService()));
  }

  /** Fires when all are done, whatever fails, with a pair of success and value for each. */
  override stopService(): Deferred<ListResult<unknown>[]> {
    void super.stopService();
    const stops = [...this.services].reverse().map((each) =>
      maybeDeferred(() => each.stopService()).addErrback((failure) => {
        log.failure("a service failed to stop: {name}", failure, { name: each.name ?? each.constructor.name });
        return failure;
      }),
    );
    return new DeferredList(stops, { consumeErrors: true });
  }

  getServiceNamed(name: string): IService {
    const service = this.namedServices.get(name);
    if (service === undefined) throw new KeyError(name);
    return service;
  }

  addService(service: IService): void {
    if (service.name !== null) {
      if (this.namedServices.has(service.name)) throw new RuntimeError(`there is a service named ${service.name}`);
      this.namedServices.set(service.name, service);
    }
    this.services.push(service);
    if (!this.running) return;
    for (const start of [() => service.privilegedStartService(), () => service.startService()]) {
      maybeWatch(start(), (failure) =>
        log.failure("a service failed to start: {name}", failure, { name: service.name }),
      );
    }
  }

  removeService(service: IService): MaybeAsync {
    const place = this.services.indexOf(service);
    if (place < 0) throw new ValueError("the service is not in this collection");
    this.services.splice(place, 1);
    if (service.name !== null) this.namedServices.delete(service.name);
    if (this.running) return service.stopService();
  }

  [Symbol.iterator](): Iterator<IService> {
    return this.services.values();
  }
}

/** Calls one after the other; what of it is pending is waited for together. @throws what a call throws, and skips the rest */
function inOrder(calls: readonly (() => unknown)[]): MaybeAsync {
  const pending: Deferred[] = [];
  try {
    for (const call of calls) {
      const result = call();
      if (isThenable(result)) pending.push(maybeDeferred(() => result));
    }
  } catch (error) {
    for (const each of pending) each.addErrback((failure) => log.failure("a service failed to start", failure));
    throw error;
  }
  if (pending.length > 0) return gatherResults(pending, { consumeErrors: true });
}

function maybeWatch(result: unknown, failed: (failure: Failure) => void): void {
  if (isThenable(result)) maybeDeferred(() => result).addErrback(failed);
}
