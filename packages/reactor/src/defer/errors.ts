/** What Deferreds and the things built on them fail with. */
import type { Failure } from "../failure.js";

/** The Deferred was fired before. */
export class AlreadyCalledError extends Error {
  override readonly name = "AlreadyCalledError";
  readonly code = "ERR_DEFERRED_ALREADY_CALLED";
}

/** The Deferred was cancelled. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";
  readonly code = "ERR_DEFERRED_CANCELLED";
}

/** `addTimeout` ran out: `value` seconds. Not the TimeoutError of "error". */
export class TimeoutError extends Error {
  static override readonly name = "TimeoutError"; // common.js has the other one too, and renames one of them
  override readonly name = "TimeoutError";
  readonly code = "ERR_DEFERRED_TIMEOUT";

  constructor(
    readonly value: number,
    what: string,
  ) {
    super(`${what} took longer than ${value} seconds`);
  }
}

/** What should run as a coroutine is neither a generator nor a Promise. */
export class NotACoroutineError extends TypeError {
  override readonly name = "NotACoroutineError";
  readonly code = "ERR_NOT_A_COROUTINE";
}

/** The first failure in a list of Deferreds, and its place there. */
export class FirstError extends Error {
  override readonly name = "FirstError";
  readonly code = "ERR_FIRST_ERROR";

  constructor(
    readonly subFailure: Failure,
    readonly index: number,
  ) {
    super(`number ${index} failed: ${subFailure.getErrorMessage()}`, { cause: subFailure.value });
  }
}

/** All that took part in a race failed; `failures` is in list order. */
export class FailureGroup extends Error {
  override readonly name = "FailureGroup";
  readonly code = "ERR_FAILURE_GROUP";

  constructor(readonly failures: readonly Failure[]) {
    super(`all ${failures.length} failed`, { cause: failures[0]?.value });
  }
}

/** More was put into a DeferredQueue than it may hold. */
export class QueueOverflow extends Error {
  override readonly name = "QueueOverflow";
  readonly code = "ERR_QUEUE_OVERFLOW";
}

/** More wait for a DeferredQueue than may. */
export class QueueUnderflow extends Error {
  override readonly name = "QueueUnderflow";
  readonly code = "ERR_QUEUE_UNDERFLOW";
}

/** This lock is being tried for already. */
export class AlreadyTryingToLockError extends Error {
  override readonly name = "AlreadyTryingToLockError";
  readonly code = "ERR_ALREADY_TRYING_TO_LOCK";
}
