/** What is said on every connection of the interop tables: enough bytes both ways to fill many packets. */
export const USER = "user";
export const PASSWORD = "password";

/** Echoes its input, then exits with {@link STATUS}. */
export const COMMAND = "cat; exit 7";
export const STATUS = 7;

export const INPUT = Array.from({ length: 2000 }, (_, number) => `line ${number}: ${number ** 5 % 99991}\n`).join("");

/** Seconds that one login with its command may take; far more than any takes. */
export const PATIENCE = 30;
