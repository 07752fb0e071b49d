/** How long to wait before the next attempt. */

/** Seconds to wait after the failure of attempt `n`, counted from 1. */
export type RetryPolicy = (attempt: number) => number;

export interface BackoffOptions {
  /** Seconds. Default 1. */
  initialDelay?: number;
  /** Seconds, before jitter. Default 60. */
  maxDelay?: number;
  /** Default 1.5. */
  factor?: number;
  /** Seconds to add; default a random number below 1. */
  jitter?: () => number;
}

/** Waits grow by a factor to a limit, and are never the same for many clients at once. */
export function backoffPolicy({
  initialDelay = 1,
  maxDelay = 60,
  factor = 1.5,
  jitter = Math.random,
}: BackoffOptions = {}): RetryPolicy {
  return (attempt) => Math.min(initialDelay * factor ** Math.min(attempt, 100), maxDelay) + jitter();
}
