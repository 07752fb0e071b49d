/**
 * Rule R1 of the reactor: a throw, a rejection and a hang at every callback that it takes from applications. The list comes
 * from the types of what it publishes: a new callback has no case yet, and fails the test. In memory, on the code that runs
 * over Node's sockets, too.
 */
import { reportUnhandledErrors } from "@strombus/reactor/defer";
import { globalLogBeginner, type LogEvent } from "@strombus/reactor/logger";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reasonAgainst } from "./reasons.js";
import { callables, handedOver } from "./public-types.js";
import { CALLS } from "./reactor/calls.js";
import { CONNECTIONS } from "./reactor/connections.js";
import { REASONS } from "./reactor/not-callbacks.js";
import { Bystander, FAULT, isFault, Trial } from "./reactor/trial.js";

const FAULTS: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error(FAULT);
  },
  rejects: () => Promise.reject(new Error(FAULT)),
  "rejects, as a thenable that is no Promise": () => ({
    then: (_: unknown, rejected?: (error: unknown) => void) => rejected?.(new Error(FAULT)),
  }),
  hangs: () => new Promise(() => undefined),
};

const CASES = [...CONNECTIONS, ...CALLS];
const casesOf = (name: string) => CASES.filter(([pattern]) => pattern.test(name));

/** Callbacks that have no type of their own. */
const UNTYPED = ["a method for a state.proto_init", "an iterator.next"];

const published = new Map([...callables("reactor"), ...handedOver("reactor")]);
const callbacks = [...published.keys()].filter((name) => reasonAgainst(name, REASONS) === null).concat(UNTYPED);

const loose: unknown[] = [];
const logged: unknown[] = [];
const note = (error: unknown): void => void loose.push(error);
const observer = ({ log_failure: failure }: LogEvent): void => {
  if (failure !== undefined) logged.push(failure.value);
};
let injected = 0;

beforeAll(() => {
  globalLogBeginner.beginLoggingTo([observer], { redirectStandardIO: false });
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
});
afterAll(() => {
  process.off("unhandledRejection", note);
  process.off("uncaughtException", note);
  console.log(`${injected} faults at ${callbacks.length} callbacks`);
});

test("nothing that the package publishes is without a case here, or a reason", () => {
  expect(callbacks.filter((name) => casesOf(name).length === 0)).toEqual([]);
});

test("no case and no reason is left over", () => {
  const names = [...published.keys(), ...UNTYPED];
  const leftOver = ([pattern]: readonly [RegExp, unknown]) => !names.some((name) => pattern.test(name));
  expect([...CASES.filter(leftOver), ...REASONS.filter(leftOver)].map(String)).toEqual([]);
});

test.each(callbacks)("R1: a fault in %s ends at most its connection, and is heard of", async (name) => {
  for (const [kind, fault] of Object.entries(FAULTS)) {
    // A callback whose type wants its result at once cannot give a promise instead.
    if (kind !== "throws" && published.get(name) === "now") continue;
    for (const [at, [, make]] of casesOf(name).entries()) {
      const where = { name, kind, at };
      expect({ ...where, ...(await outcome(name, fault, make)) }).toEqual({
        ...where,
        reached: true,
        heard: kind !== "hangs",
        bystander: "still here",
        loose: [],
        transports: 0,
      });
    }
  }
});

/** What came of a fault: who heard of it, and what it may not have touched. */
async function outcome(name: string, fault: () => unknown, make: (trial: Trial) => unknown) {
  const trial = new Trial(name.slice(name.indexOf(".") + 1), fault);
  const bystander = new Bystander(trial);
  await bystander.connect();
  logged.length = 0;
  await make(trial);
  await trial.settle();
  reportUnhandledErrors();
  injected += 1;
  return {
    reached: trial.reached,
    heard: [...logged, ...trial.told].some(isFault),
    bystander: await bystander.leave(),
    loose: loose.splice(0).map(String),
    transports: trial.reactor.openTransports.size,
  };
}
