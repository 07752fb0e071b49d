/** Cooperator: iterators that share the event loop by turns (twisted.internet.task). */
import { Deferred, Failure } from "../defer.js";
import { isThenable } from "../guard.js";
import { logRejection } from "../logged-calls.js";
import { Logger } from "../logger.js";
import { milliseconds } from "../monotonic.js";
import { reactor } from "../reactor.js";

const log = new Logger({ namespace: "strombus.task" });
const SLICE = 10; // milliseconds

/** What went wrong with a Cooperator or one of its tasks. */
export class SchedulerError extends Error {
  override readonly name: string = "SchedulerError";
  readonly code: string = "ERR_SCHEDULER";
}

/** The Cooperator was stopped. */
export class SchedulerStopped extends SchedulerError {
  override readonly name = "SchedulerStopped";
  override readonly code = "ERR_SCHEDULER_STOPPED";
}

/** `resume` on a task that is not paused. */
export class NotPaused extends SchedulerError {
  override readonly name = "NotPaused";
  override readonly code = "ERR_TASK_NOT_PAUSED";
}

/** The task has come to an end. */
export class TaskFinished extends SchedulerError {
  override readonly name: string = "TaskFinished";
  override readonly code: string = "ERR_TASK_FINISHED";
}

/** Its iterator is at its end. */
export class TaskDone extends TaskFinished {
  override readonly name = "TaskDone";
  override readonly code = "ERR_TASK_DONE";
}

/** It was stopped. */
export class TaskStopped extends TaskFinished {
  override readonly name = "TaskStopped";
  override readonly code = "ERR_TASK_STOPPED";
}

/** Its iterator threw, or a Deferred that it yielded failed. */
export class TaskFailed extends TaskFinished {
  override readonly name = "TaskFailed";
  override readonly code = "ERR_TASK_FAILED";
}

/** What a task asks of its Cooperator. */
interface Rota {
  add(task: CooperativeTask): void;
  remove(task: CooperativeTask): void;
}

/** One iterator among the others. A Deferred or Promise that it yields pauses it until that has fired. */
export class CooperativeTask {
  readonly #iterator: Iterator<unknown>;
  readonly #rota: Rota;
  readonly #waiting: Deferred<Iterator<unknown>>[] = [];
  #pauses = 0;
  #end: { error: SchedulerError; result: Iterator<unknown> | Failure } | null = null;

  constructor(iterator: Iterator<unknown>, rota: Rota) {
    this.#iterator = iterator;
    this.#rota = rota;
    rota.add(this);
  }

  /** A new Deferred each time: fires with the iterator at its end, else fails with what ended the task. */
  whenDone(): Deferred<Iterator<unknown>> {
    const deferred = new Deferred<Iterator<unknown>>();
    if (this.#end === null) this.#waiting.push(deferred);
    else deferred.callback(this.#end.result);
    return deferred;
  }

  /** Pauses until `resume` was called as often. @throws TaskFinished or SchedulerStopped */
  pause(): void {
    this.#checkNotFinished();
    if (this.#pauses++ === 0) this.#rota.remove(this);
  }

  /** @throws NotPaused */
  resume(): void {
    if (this.#pauses === 0) throw new NotPaused("the task is not paused");
    if (--this.#pauses === 0 && this.#end === null) this.#rota.add(this);
  }

  /** Ends it with TaskStopped. @throws TaskFinished or SchedulerStopped */
  stop(): void {
    this.#checkNotFinished();
    this.finish(new TaskStopped("the task was stopped"));
  }

  /** For its Cooperator: one `next()`. */
  work(): void {
    try {
      const step = this.#iterator.next() as IteratorResult<unknown, unknown>;
      if (isThenable(step)) {
        logRejection(log, step);
        throw new TypeError("an asynchronous iterator does not tell at once whether it is done");
      }
      const { done = false, value } = step;
      if (done) this.finish(new TaskDone("the task is done"), this.#iterator);
      else if (isThenable(value)) this.#pauseFor(value instanceof Deferred ? value : Deferred.fromPromise(value));
    } catch (error) {
      this.finish(new TaskFailed("the task failed", { cause: error }), new Failure(error));
    }
  }

  /** For its Cooperator: the end, of which there is one only. */
  finish(error: SchedulerError, result: Iterator<unknown> | Failure = new Failure(error)): void {
    if (this.#end !== null) return;
    this.#end = { error, result };
    this.#rota.remove(this);
    for (const deferred of this.#waiting.splice(0)) deferred.callback(result);
  }

  #pauseFor(deferred: Deferred): void {
    this.pause();
    deferred.addCallbacks(
      () => this.resume(),
      (failure) => this.finish(new TaskFailed("the task failed", { cause: failure.value }), failure),
    );
  }

  #checkNotFinished(): void {
    if (this.#end !== null) throw this.#end.error;
  }
}

export interface CooperatorOptions {
  /** Called at the start of each slice for a function that says when the slice is over. Default after 10 ms. */
  readonly terminationPredicateFactory?: () => () => boolean;
  /** Calls the function almost at once, unless cancelled. Default the reactor's next turn. */
  readonly scheduler?: (slice: () => void) => { cancel(): void };
  /** False: wait for `start`. Default true. */
  readonly started?: boolean;
}

/** Runs iterators in small steps, one `next()` each in turn, in slices between which the event loop turns. */
export class Cooperator {
  #sliceIsOver: () => () => boolean;
  readonly #schedule: (slice: () => void) => { cancel(): void };
  readonly #tasks: CooperativeTask[] = []; // whose turn it is first
  readonly #rota: Rota = { add: (task) => this.#add(task), remove: (task) => this.#remove(task) };
  #state: "new" | "started" | "stopped";
  #slice: { cancel(): void } | null = null;

  constructor({
    terminationPredicateFactory = afterSlice,
    scheduler = (slice) => reactor.callLater(0, slice),
    started = true,
  }: CooperatorOptions = {}) {
    this.#sliceIsOver = terminationPredicateFactory;
    this.#schedule = scheduler;
    this.#state = started ? "started" : "new";
  }

  get running(): boolean {
    return this.#state === "started";
  }

  /** Takes turns with `iterator`. Once this Cooperator is stopped the task fails at once with SchedulerStopped. */
  cooperate(iterator: Iterator<unknown>): CooperativeTask {
    return new CooperativeTask(iterator, this.#rota);
  }

  /** Like `cooperate`, for a Deferred of the end: `doneDeferred` if given. */
  coiterate(
    iterator: Iterator<unknown>,
    { doneDeferred = new Deferred<Iterator<unknown>>() }: { doneDeferred?: Deferred<Iterator<unknown>> } = {},
  ): Deferred<Iterator<unknown>> {
    this.cooperate(iterator).whenDone().chainDeferred(doneDeferred);
    return doneDeferred;
  }

  start(): void {
    this.#state = "started";
    this.#reschedule();
  }

  /** Fails every task with SchedulerStopped. */
  stop(): void {
    this.#state = "stopped";
    for (const task of [...this.#tasks]) task.finish(new SchedulerStopped("the cooperator was stopped"));
    this.#reschedule();
  }

  #add(task: CooperativeTask): void {
    if (this.#state === "stopped") {
      task.finish(new SchedulerStopped("the cooperator was stopped"));
      return;
    }
    this.#tasks.push(task);
    this.#reschedule();
  }

  #remove(task: CooperativeTask): void {
    const index = this.#tasks.indexOf(task);
    if (index < 0) return;
    this.#tasks.splice(index, 1);
    this.#reschedule();
  }

  #runSlice(): void {
    this.#slice = null;
    try {
      const isOver = this.#sliceIsOver();
      do {
        const task = this.#tasks.shift();
        if (task === undefined) break;
        this.#tasks.push(task);
        task.work();
      } while (!isOver());
    } catch (error) {
      log.failure(
        "a slice of a Cooperator has no end of its own: from now on it has the default one",
        new Failure(error),
      );
      this.#sliceIsOver = afterSlice;
    }
    this.#reschedule();
  }

  /** A slice is scheduled exactly while there is work. */
  #reschedule(): void {
    if (this.#state === "started" && this.#tasks.length > 0) {
      this.#slice ??= this.#schedule(() => this.#runSlice());
    } else if (this.#slice !== null) {
      this.#slice.cancel();
      this.#slice = null;
    }
  }
}

const theCooperator = new Cooperator();

/** `cooperate` of the process's Cooperator. */
export function cooperate(iterator: Iterator<unknown>): CooperativeTask {
  return theCooperator.cooperate(iterator);
}

/** `coiterate` of the process's Cooperator. */
export function coiterate(iterator: Iterator<unknown>): Deferred<Iterator<unknown>> {
  return theCooperator.coiterate(iterator);
}

function afterSlice(): () => boolean {
  const end = milliseconds() + SLICE;
  return () => milliseconds() > end;
}
