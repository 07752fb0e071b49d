import { afterEach, beforeEach, expect, test } from "vitest";
import { Deferred, fail, succeed } from "../defer.js";
import { ReactorNotRunning } from "../error.js";
import { SystemExit, ValueError } from "../exceptions.js";
import { type ReactOptions, type ReactReactor, react } from "../task.js";
import { assertNoLoggedErrors, captureLoggedErrors, flushLoggedErrors } from "../testing/logged.js";

beforeEach(captureLoggedErrors);
afterEach(assertNoLoggedErrors);

/** As much of a reactor as `react` needs: running from `run` until `stop`. */
class FakeReactor implements ReactReactor {
  stops = 0;
  #running = false;
  #triggers: (() => unknown)[] = [];
  #hooks: (() => unknown)[] = [];
  #settle = (): void => {};

  addSystemEventTrigger<A extends unknown[]>(
    phase: string,
    eventType: string,
    callable: (...args: A) => unknown,
    ...args: A
  ): never {
    this.#triggers.push(() => callable(...args));
    return undefined as never;
  }

  callWhenRunning<A extends unknown[]>(callable: (...args: A) => unknown, ...args: A): null {
    if (this.#running) callable(...args);
    else this.#hooks.push(() => callable(...args));
    return null;
  }

  run(): Promise<void> {
    const finished = new Promise<void>((settle) => (this.#settle = settle));
    this.#running = true;
    for (const hook of this.#hooks) hook();
    return finished;
  }

  /** It still counts as running while the triggers run. */
  stop(): void {
    if (++this.stops > 1) throw new ReactorNotRunning();
    for (const trigger of this.#triggers) trigger();
    this.#running = false;
    this.#settle();
  }
}

/** Runs `main` and gives the exit code. */
async function exitCode(
  reactor: FakeReactor,
  main: (reactor: FakeReactor, ...argv: string[]) => PromiseLike<unknown>,
  options: ReactOptions<FakeReactor> = {},
): Promise<number> {
  const before = process.exitCode;
  let exit = -1;
  await react(main, { reactor, exit: (code) => (exit = code), ...options });
  expect(process.exitCode).toBe(exit);
  process.exitCode = before;
  return exit;
}

test("main gets the reactor and argv; its success exits with 0 after one stop", async () => {
  const reactor = new FakeReactor();
  const seen: unknown[] = [];
  const main = (...args: unknown[]): Deferred => (seen.push(...args), succeed<unknown>(1));
  expect(await exitCode(reactor, main, { argv: ["a", "b"] })).toBe(0);
  expect(seen).toEqual([reactor, "a", "b"]);
  expect(reactor.stops).toBe(1);
});

test("a result that comes while the reactor runs stops it", async () => {
  const reactor = new FakeReactor();
  const main = new Deferred<void>();
  const code = exitCode(reactor, () => main);
  expect(reactor.stops).toBe(0);
  main.callback();
  expect([await code, reactor.stops]).toEqual([0, 1]);
});

test("a failure is logged and exits with 1", async () => {
  expect(await exitCode(new FakeReactor(), () => fail(new ValueError("it")))).toBe(1);
  expect(flushLoggedErrors(ValueError)).toHaveLength(1);
  expect(await exitCode(new FakeReactor(), () => Promise.reject(new ValueError("it")))).toBe(1);
  expect(flushLoggedErrors(ValueError)).toHaveLength(1);
});

test("a SystemExit exits with its code and is not logged", async () => {
  expect(await exitCode(new FakeReactor(), () => fail(new SystemExit(23)))).toBe(23);
});

test("a reactor that is stopped from elsewhere is not stopped again, nor is a Deferred waited for that never fires", async () => {
  const reactor = new FakeReactor();
  const code = exitCode(reactor, () => new Deferred());
  reactor.stop();
  expect([await code, reactor.stops]).toEqual([0, 1]);
});

test("a result that comes while the reactor stops does not stop it again", async () => {
  const reactor = new FakeReactor();
  const main = new Deferred<void>();
  const code = exitCode(reactor, () => main);
  reactor.addSystemEventTrigger("before", "shutdown", () => main.callback());
  reactor.stop();
  expect([await code, reactor.stops]).toEqual([0, 1]);
});

test("what main throws goes to the caller", () => {
  const main = (): never => {
    throw new ValueError("it");
  };
  expect(() => react(main, { reactor: new FakeReactor() })).toThrow(ValueError);
});

test("main returns something to wait for", () => {
  expect(() => react((() => 1) as never, { reactor: new FakeReactor() })).toThrow(TypeError);
});
