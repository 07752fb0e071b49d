/** A program that cannot run. */

/** Said to the user as it is, without a stack. */
export class RunError extends Error {
  override readonly name = "RunError";
  readonly code = "ERR_RUN";
}
