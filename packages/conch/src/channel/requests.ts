/** Requests in their order: each handler runs when the one before it is done, so that replies cannot overtake (C6). */
import { Deferred } from "@strombus/reactor/defer";
import { isLater, settle } from "./later.js";

interface Request {
  handle: () => unknown;
  /** The handler's result, or its failure. */
  done: (result: unknown) => void;
  failed: (error: unknown) => void;
}

export class RequestQueue {
  #waiting: Request[] | null = null;
  #busy = false;

  /** Those that wait, and the one that runs. */
  get pending(): number {
    return (this.#waiting?.length ?? 0) + (this.#busy ? 1 : 0);
  }

  /**
   * Runs `handle`, at once unless another is running; its result or failure is reported before the next one runs.
   * With `early` it runs now, whatever is running, and only the report waits.
   */
  add(handle: () => unknown, done: (result: unknown) => void, failed: (error: unknown) => void, early = false): void {
    (this.#waiting ??= []).push({ handle: early && this.#busy ? begun(handle) : handle, done, failed });
    this.#run();
  }

  /** Forgets those that wait. */
  clear(): void {
    this.#waiting = null;
  }

  #run(): void {
    while (!this.#busy && this.#waiting !== null) {
      const { handle, done, failed } = this.#waiting.shift()!;
      if (this.#waiting.length === 0) this.#waiting = null; // one that was filled keeps its room
      this.#busy = true;
      let returned = false;
      const report = (tell: () => void) => {
        tell();
        this.#busy = false;
        if (returned) this.#run();
      };
      settle(
        handle,
        (result) => report(() => done(result)),
        (error) => report(() => failed(error)),
      );
      returned = true;
    }
  }
}

/** Runs it now; what comes of it can be had later. */
function begun(handle: () => unknown): () => unknown {
  try {
    const result = handle();
    if (isLater(result) && !(result instanceof Deferred)) void result.then(undefined, () => undefined); // told later
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
