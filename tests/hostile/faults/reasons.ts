/** Why something that the packages publish is no callback of applications. */
export const VALUE = "a value that applications make and ask";
export const CALLED = "applications call it";
export const BY_INTERFACE = "one of ours that stands behind an interface, at which the fault is injected";
export const SAME = "the same callback as another, which has a case";
export const BEFORE = "called before there is a connection: it fails the start, or the file that is read";
export const LATER = "nothing calls it yet";
export const WITHIN = "called within another callback of ours, at which the fault is injected";
export const PROGRAM = "of a program: what fails is told to who runs it, and is the end of a command or of the program";
export const TESTS = "for tests: what fails there fails the test";

/** Pattern of names to reason; the first that fits is the one. */
export type Reasons = readonly (readonly [pattern: RegExp, reason: string])[];

/** Null for what is a callback. */
export function reasonAgainst(name: string, reasons: Reasons): string | null {
  return reasons.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}
