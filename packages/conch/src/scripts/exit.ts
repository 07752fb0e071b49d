/** How a program ends that cannot do what it was asked. */
import { SystemExit } from "@strombus/reactor/exceptions";

/** The end of a program, with a sentence for the user and status 1. */
export class ExitWithMessage extends SystemExit {
  override readonly name = "ExitWithMessage";

  constructor(text: string, options?: ErrorOptions) {
    super(1);
    this.message = text;
    if (options !== undefined) this.cause = options.cause;
  }
}

/** What went wrong, for the user: without a stack, and never empty. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === "" ? error.name : error.message;
}
