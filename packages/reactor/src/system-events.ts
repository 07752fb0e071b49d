/** System events: triggers in three phases, of which the first may take its time. */
import { Deferred } from "./defer.js";
import { AssertionError, KeyError } from "./exceptions.js";
import { isThenable } from "./guard.js";
import type { SystemEventTriggerID, TriggerPhase } from "./interfaces.js";

/** What the reactor itself does in an event. */
export interface EventHooks {
  /** At the start of the during phase. */
  during?: () => void;
  /** After the last trigger. */
  done?: () => void;
}

type LogError = (what: string, error: unknown) => void;

class Trigger {
  constructor(
    readonly event: SystemEvent,
    readonly phase: TriggerPhase,
    readonly call: () => unknown,
  ) {}
}

class SystemEvent {
  readonly triggers: Record<TriggerPhase, Set<Trigger>> = { before: new Set(), during: new Set(), after: new Set() };
  /** The "before" triggers that ran in the firing now under way. */
  readonly ran = new Set<Trigger>();
}

/** All events of a reactor, by name; those of different names are independent. */
export class SystemEvents {
  readonly #events = new Map<string, SystemEvent>();
  readonly #logError: LogError;

  constructor(logError: LogError) {
    this.#logError = logError;
  }

  /** @throws KeyError for an unknown phase, AssertionError if it cannot be called. */
  add(phase: TriggerPhase, eventType: string, callable: unknown, args: readonly unknown[]): SystemEventTriggerID {
    if (typeof callable !== "function") throw new AssertionError("a trigger must be a function");
    if (!["before", "during", "after"].includes(phase))
      throw new KeyError(`there is no phase ${JSON.stringify(phase)}`);
    let event = this.#events.get(eventType);
    if (event === undefined) this.#events.set(eventType, (event = new SystemEvent()));
    const trigger = new Trigger(event, phase, () => (callable as (...args: unknown[]) => unknown)(...args));
    event.triggers[phase].add(trigger);
    return trigger as unknown as SystemEventTriggerID;
  }

  /** @throws TypeError for what never was a trigger, KeyError for one that is gone. */
  remove(id: SystemEventTriggerID): void {
    const trigger: unknown = id;
    if (!(trigger instanceof Trigger)) throw new TypeError("not the id of a trigger");
    if (trigger.event.triggers[trigger.phase].delete(trigger)) return;
    if (!trigger.event.ran.has(trigger)) throw new KeyError("the trigger was removed already, or has run");
    process.emitWarning("removed a before trigger that has run already", "DeprecationWarning");
  }

  /** Runs the triggers and forgets them. All "before" results are awaited; without any it ends before it returns. */
  fire(eventType: string, hooks: EventHooks = {}): void {
    const event = this.#events.get(eventType);
    let waiting = 1;
    const settled = (): void => {
      waiting -= 1;
      if (waiting === 0) this.#proceed(event, hooks);
    };
    if (event !== undefined) {
      for (const trigger of drain(event.triggers.before)) {
        event.ran.add(trigger);
        const result = this.#run("a trigger before an event", trigger.call);
        if (!isThenable(result)) continue;
        waiting += 1;
        whenSettled(result, settled, (error) => {
          this.#logError("a trigger before an event", error);
          settled();
        });
      }
    }
    settled();
  }

  #proceed(event: SystemEvent | undefined, { during, done }: EventHooks): void {
    if (during) this.#run("the reactor", during);
    if (event !== undefined) {
      event.ran.clear();
      for (const phase of ["during", "after"] as const) {
        for (const trigger of drain(event.triggers[phase])) {
          const what = `a trigger ${phase} an event`;
          const result = this.#run(what, trigger.call);
          if (isThenable(result)) whenSettled(result, ignore, (error) => this.#logError(what, error));
        }
      }
    }
    done?.();
  }

  #run(what: string, call: () => unknown): unknown {
    try {
      return call();
    } catch (error) {
      this.#logError(what, error);
      return undefined;
    }
  }
}

/** Takes triggers out one by one, so that one may still remove or add others. */
function* drain(triggers: Set<Trigger>): Generator<Trigger> {
  for (const trigger of triggers) {
    triggers.delete(trigger);
    yield trigger;
  }
}

/** A Deferred tells in the moment it fires, a Promise later. */
function whenSettled(result: PromiseLike<unknown>, succeeded: () => void, failed: (error: unknown) => void): void {
  if (result instanceof Deferred) {
    result.addCallbacks(
      () => succeeded(),
      (failure) => failed(failure),
    );
  } else {
    result.then(() => succeeded(), failed);
  }
}

function ignore(): void {}
