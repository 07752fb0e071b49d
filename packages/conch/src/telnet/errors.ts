/** Why the negotiation of an option failed. */

/** Each of its kind is about one option. */
export class TelnetError extends Error {
  override readonly name: string = "TelnetError";
  readonly code: string = "ERR_TELNET";

  constructor(readonly option: number) {
    super(`option ${option}`);
  }

  /** What it was made with, as Python's exceptions have it. */
  get args(): readonly [option: number] {
    return [this.option];
  }
}

/** The option is not, or not any more, what was asked for. */
export class NegotiationError extends TelnetError {
  override readonly name: string = "NegotiationError";
  override readonly code: string = "ERR_TELNET_NEGOTIATION";
}

/** The peer does not want it. */
export class OptionRefused extends NegotiationError {
  override readonly name = "OptionRefused";
  override readonly code = "ERR_TELNET_OPTION_REFUSED";
}

/** It is what it was asked to be. */
export class AlreadyEnabled extends NegotiationError {
  override readonly name = "AlreadyEnabled";
  override readonly code = "ERR_TELNET_ALREADY_ENABLED";
}

/** It is not on, and cannot be turned off. */
export class AlreadyDisabled extends NegotiationError {
  override readonly name = "AlreadyDisabled";
  override readonly code = "ERR_TELNET_ALREADY_DISABLED";
}

/** An answer about it is still to come. */
export class AlreadyNegotiating extends NegotiationError {
  override readonly name = "AlreadyNegotiating";
  override readonly code = "ERR_TELNET_ALREADY_NEGOTIATING";
}
