/**
 * Rule R1: a throw, a rejection and a hang at every callback that the API has. The list comes from the types of what the
 * packages publish: a new callback has no place in it yet, and fails the test.
 */
import { readFileSync } from "node:fs";
import { globalLogBeginner } from "@strombus/reactor/logger";
import { afterAll, beforeAll, expect, test } from "vitest";
import { functions, type Guest, implementations, OldClient, SilentClient, type Talk, World } from "./application.js";
import { callables, handedOver } from "./public-types.js";
import { REASONS } from "./not-callbacks.js";
import { reasonAgainst } from "./reasons.js";

type Faulty = (...args: unknown[]) => unknown;

const FAULT = "a fault of the application";

const FAULTS: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error(FAULT);
  },
  rejects: () => Promise.reject(new Error(FAULT)),
  hangs: () => new Promise(() => undefined),
};

/** What is lost by them, if their result is, is the application's: they fail in the place of what they do. */
const INSTEAD = /^(IRealm|AuthenticationMethods|IConchUser|ConchUser)\.|^(ChannelEntry|SubsystemEntry)$/;

/** Only clients that do not log in come upon these. */
const OF_OTHERS = /timeoutAuthentication|_unsupportedVersionReceived|offended|Visit\.commit/;

/** Where a callback is: an object, and the name of the function there. */
type Place = readonly [object: object, name: string];

const classes = new Map<string, object>();

/** Every class that the packages publish, and what they extend, by name. */
async function learnClasses(): Promise<void> {
  for (const name of ["conch", "cred"]) {
    const file = new URL(`../../../packages/${name}/package.json`, import.meta.url);
    const { exports } = JSON.parse(readFileSync(file, "utf8")) as { exports: Record<string, unknown> };
    for (const [path, entry] of Object.entries(exports)) {
      if (typeof entry === "string") continue; // what was built, for the other packages
      const module = (await import(`@strombus/${name}${path.slice(1)}`)) as Record<string, unknown>;
      for (const value of Object.values(module)) {
        if (typeof value !== "function") continue;
        let prototype = value.prototype as object | null | undefined;
        while (prototype != null && prototype !== Object.prototype) {
          classes.set(prototype.constructor.name, prototype);
          prototype = Object.getPrototypeOf(prototype) as object | null;
        }
      }
    }
  }
}

function placeOf(name: string): Place | null {
  if (Object.hasOwn(functions, name)) return [functions, name];
  const [owner = ""] = name.split(".", 1);
  const member = name.slice(owner.length + 1);
  const holder = implementations[owner] ?? classes.get(owner) ?? null;
  const method = member.replace(/^"(.*)"$/, "$1");
  return holder !== null && typeof (holder as Record<string, unknown>)[method] === "function" ? [holder, method] : null;
}

/** Callbacks that have no type of their own. */
const UNTYPED = [
  ...Object.keys(functions).filter((name) => name.startsWith("a listener")),
  "IRealm's logout.logout",
  "a request handler.request_ask",
  "a handler of global requests.global_ask",
  "a protocol on a session.dataReceived",
];

const published = new Map(["conch", "cred"].flatMap((each) => [...callables(each), ...handedOver(each)]));
const named = [...published.keys()].filter((name) => reasonAgainst(name, REASONS) === null);
const callbacks = [...new Set([...named, ...UNTYPED, "LogObserver"])];

/** A callback whose type wants its result at once cannot give a promise instead. */
const kindsOf = (name: string): string[] =>
  Object.keys(FAULTS).filter((kind) => kind === "throws" || published.get(name) !== "now");

const world = new World();
let bystander: Guest;
let steady: Talk;
const loose: unknown[] = [];
const note = (error: unknown): void => void loose.push(error);
let injected = 0;

beforeAll(async () => {
  await learnClasses();
  globalLogBeginner.beginLoggingTo([() => functions.LogObserver()], { redirectStandardIO: false });
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
  bystander = world.visit()!;
  await bystander.settle(40);

  steady = await bystander.openSteady();
  expect(bystander.loggedIn).toBe(true);
});

afterAll(() => {
  process.off("unhandledRejection", note);
  process.off("uncaughtException", note);
  console.log(`${injected} faults at ${callbacks.length} callbacks`);
});

test("nothing that the packages publish is without a place here", () => {
  expect(callbacks.filter((name) => placeOf(name) === null)).toEqual([]);
});

test.each(callbacks)("a fault in %s ends at most its channel or connection", async (name) => {
  const place = placeOf(name);
  if (place === null) return; // the test above has told
  for (const kind of kindsOf(name)) expect(await outcome(name, place, kind), `it ${kind}`).toEqual(UNHARMED);
});

/** What a fault may not have touched. */
interface Outcome {
  /** The callback was called. */
  readonly reached: boolean;
  readonly bystander: string;
  readonly loose: readonly unknown[];
  readonly timersLeft: number;
  readonly avatarsLeft: number;
}

const UNHARMED: Outcome = { reached: true, bystander: "is served", loose: [], timersLeft: 0, avatarsLeft: 0 };

async function outcome(name: string, [holder, member]: Place, kind: string): Promise<Outcome> {
  const { clock, ledger } = world;
  const timers = clock.getDelayedCalls().length;
  const avatars = ledger.logins - ledger.logouts;
  let reached = 0;
  const had = Object.getOwnPropertyDescriptor(holder, member);
  const original = (holder as Record<string, Faulty>)[member]!;
  const faulty: Faulty = function (this: unknown, ...args) {
    if ((this as { name?: unknown } | undefined)?.name === "steady") return original.apply(this, args);
    reached++;
    if (INSTEAD.test(name)) return FAULTS[kind]!();
    const result: unknown = original.apply(this, args); // an override that has done its work first
    if (result instanceof Promise) result.catch(() => undefined);
    return FAULTS[kind]!();
  };
  Object.defineProperty(holder, member, { value: faulty, configurable: true, writable: true });
  let victim: Guest | null = null;
  const others: (Guest | null)[] = [];
  try {
    victim = world.visit();
    await victim?.settle(20);
    await victim?.doEverything();
    if (OF_OTHERS.test(name)) others.push(world.visit(SilentClient), world.visit(OldClient));
    for (const each of others) await each?.settle(6);
    clock.advance(61);
    await victim?.settle(2);
  } catch (error) {
    if (!String(error).includes(FAULT)) throw error; // what our own client calls may throw in the test's face
  } finally {
    for (const each of [victim, ...others]) await each?.leave();
    if (had === undefined) Reflect.deleteProperty(holder, member);
    else Object.defineProperty(holder, member, had);
  }
  injected += reached;
  await bystander.settle(2);
  steady.heard = "";
  steady.write("is served");
  await bystander.settle(2);
  return {
    reached: reached > 0,
    bystander: steady.heard,
    loose: loose.splice(0).map(String),
    timersLeft: clock.getDelayedCalls().length - timers,
    avatarsLeft: ledger.logins - ledger.logouts - avatars,
  };
}
