/** What a process protocol throws, or its promise rejects with, is logged and changes nothing. */
import { Failure } from "../failure.js";
import { Logger } from "../logger.js";

const log = new Logger({ namespace: "strombus.reactor.process" });

export function guarded(call: () => unknown): void {
  try {
    const result = call();
    if (typeof (result as Partial<PromiseLike<unknown>> | null | undefined)?.then !== "function") return;
    (result as PromiseLike<unknown>).then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}

function failed(error: unknown): void {
  log.failure("a process protocol failed", new Failure(error));
}
