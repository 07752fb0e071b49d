/** Deferreds, and what coordinates them (twisted.internet.defer). */
export { DeferredLock, DeferredQueue, type DeferredQueueOptions, DeferredSemaphore } from "./defer/coordination.js";
export {
  type AddCallbacksOptions,
  type AddTimeoutOptions,
  type Awaitable,
  type CallbackPair,
  type CallbackResult,
  type Canceller,
  Deferred,
  getDebugging,
  setDebugging,
} from "./defer/deferred.js";
export {
  AlreadyCalledError,
  AlreadyTryingToLockError,
  CancelledError,
  FailureGroup,
  FirstError,
  NotACoroutineError,
  QueueOverflow,
  QueueUnderflow,
  TimeoutError,
} from "./defer/errors.js";
export {
  type Outcome,
  ensureDeferred,
  execute,
  fail,
  inlineCallbacks,
  logError,
  maybeDeferred,
  passthru,
  succeed,
  whenResult,
} from "./defer/functions.js";
export {
  DeferredList,
  type DeferredListOptions,
  FAILURE,
  type ListResult,
  SUCCESS,
  gatherResults,
  race,
} from "./defer/list.js";
export { DeferredFilesystemLock } from "./defer/lockfile.js";
export { reportUnhandledErrors } from "./defer/unhandled.js";
export { Failure } from "./failure.js";
