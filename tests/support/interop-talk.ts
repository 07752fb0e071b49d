/** What is said on every connection of the interop tables: enough bytes both ways to fill many packets. */
export const USER = "user";
export const PASSWORD = "password";

/** Echoes its input, then exits with {@link STATUS}. */
export const COMMAND = "cat; exit 7";
export const STATUS = 7;

export const INPUT = Array.from({ length: 2000 }, (_, number) => `line ${number}: ${number ** 5 % 99991}\n`).join("");

/** What a connection of the tests for rekeying says instead: more than fits into a window of ours. */
export const LONG_INPUT = INPUT.repeat(Math.ceil((2.5 * 2 ** 20) / INPUT.length));

/** What may differ from the usual of one run of a client. */
export interface Talk {
  readonly input?: string;
  /** The client begins a key exchange after so many bytes. */
  readonly rekeyBytes?: number;
}

/** Seconds that one login with its command may take; far more than any takes. */
export const PATIENCE = 60;
