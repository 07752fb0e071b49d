/** A bounded number of worker threads. node:worker_threads loads with the first. */
import type { Worker } from "node:worker_threads";
import { CancelledError, Deferred } from "../defer.js";
import { ValueError } from "../exceptions.js";
import { Failure } from "../failure.js";
import { callLogged } from "../logged-calls.js";
import { Logger } from "../logger.js";

const log = new Logger({ namespace: "strombus.threads" });

/** What runs in a worker: it loads the module that it is told and calls what that exports. */
const WORKER = `
const { parentPort } = require("node:worker_threads");
parentPort.on("message", async ({ module, name, args }) => {
  try {
    const exported = await import(module);
    if (!Object.hasOwn(exported, name) || typeof exported[name] !== "function") throw new TypeError("the module exports no function " + name);
    parentPort.postMessage({ success: true, result: await exported[name](...args) });
  } catch (error) {
    parentPort.postMessage({ success: false, result: error });
  }
});`;

interface Task {
  readonly module: string;
  readonly name: string;
  readonly args: readonly unknown[];
  readonly done: Deferred;
}

/** Up to `max` threads, which run functions that modules export; what is too much waits for its turn. */
export class ThreadPool {
  min: number;
  max: number;
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Task>();
  readonly #waiting: Task[] = [];

  constructor(min = 0, max = 10) {
    this.min = min;
    this.max = max;
    checkSize(min, max);
  }

  /** Threads there are now. */
  get workers(): number {
    return this.#idle.length + this.#busy.size;
  }

  /** @throws ValueError unless 0 <= min <= max and max is at least 1 */
  adjustPoolsize(min = this.min, max = this.max): void {
    checkSize(min, max);
    this.min = min;
    this.max = max;
    while (this.workers > max && this.#idle.length > 0) void this.#idle.pop()!.terminate();
    this.#next();
  }

  /** On a later turn of this thread; an exception is logged. */
  callInThread<A extends unknown[]>(f: (...args: A) => unknown, ...args: A): void {
    this.callInThreadWithCallback(
      (success, result) => {
        if (!success) log.failure("a call in a thread failed", result as Failure);
      },
      f,
      ...args,
    );
  }

  /** On a later turn of this thread; then `onResult(success, resultOrFailure)`. */
  callInThreadWithCallback<A extends unknown[]>(
    onResult: (success: boolean, result: unknown) => void,
    f: (...args: A) => unknown,
    ...args: A
  ): void {
    setImmediate(() => {
      const tell = (success: boolean, result: unknown): void =>
        callLogged(log, "what waits for a call in a thread", () => onResult(success, result));
      new Promise((resolve) => resolve(f(...args))).then(
        (result) => tell(true, result),
        (error: unknown) => tell(false, new Failure(error)),
      );
    });
  }

  /** Calls a function that a module exports, in a thread of its own. Waits while all `max` are busy. */
  callInWorker<T>(module: URL | string, name: string, args: readonly unknown[]): Deferred<T> {
    const task: Task = { module: String(module), name, args, done: new Deferred(() => this.#cancel(task)) };
    this.#waiting.push(task);
    this.#next();
    return task.done as Deferred<T>;
  }

  /** Ends all threads; what they were doing fails with CancelledError. */
  stop(): Promise<void> {
    const workers = [...this.#idle, ...this.#busy.keys()];
    for (const { done } of this.#waiting.splice(0)) if (!done.called) done.errback(new CancelledError());
    this.#idle.length = 0;
    return Promise.all(workers.map((worker) => worker.terminate())).then(() => undefined);
  }

  #next(): void {
    while (this.#waiting.length > 0 && (this.#idle.length > 0 || this.workers < this.max)) {
      const worker = this.#idle.pop() ?? this.#start();
      const task = this.#waiting.shift()!;
      this.#busy.set(worker, task);
      worker.ref();
      try {
        worker.postMessage({ module: task.module, name: task.name, args: task.args });
      } catch (error) {
        this.#release(worker);
        if (!task.done.called) task.done.errback(error); // an argument that cannot be copied
      }
    }
  }

  #start(): Worker {
    const worker = new (process.getBuiltinModule("node:worker_threads").Worker)(WORKER, { eval: true });
    let problem: unknown = new CancelledError("the thread was ended");
    worker.on("message", ({ success, result }: { success: boolean; result: unknown }) => {
      const task = this.#release(worker);
      if (task !== undefined && !task.done.called) {
        if (success) task.done.callback(result);
        else task.done.errback(result);
      }
      this.#next();
    });
    worker.on("error", (error) => (problem = error));
    worker.on("exit", () => {
      const task = this.#busy.get(worker);
      this.#busy.delete(worker);
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
      if (task !== undefined && !task.done.called) task.done.errback(problem);
      this.#next();
    });
    return worker;
  }

  /** The thread is free; idle ones do not keep the process alive. */
  #release(worker: Worker): Task | undefined {
    const task = this.#busy.get(worker);
    this.#busy.delete(worker);
    if (this.workers >= this.max) {
      void worker.terminate();
    } else {
      worker.unref();
      this.#idle.push(worker);
    }
    return task;
  }

  #cancel(task: Task): void {
    const at = this.#waiting.indexOf(task);
    if (at >= 0) this.#waiting.splice(at, 1);
    for (const [worker, busyWith] of this.#busy) if (busyWith === task) void worker.terminate();
  }
}

function checkSize(min: number, max: number): void {
  if (!(min >= 0 && min <= max && max >= 1)) throw new ValueError(`a pool of ${min} to ${max} threads`);
}
