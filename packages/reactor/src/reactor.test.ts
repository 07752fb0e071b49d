/** Life cycle, system events and time of the reactor. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Deferred } from "./defer.js";
import {
  AlreadyCalled,
  AlreadyCancelled,
  DNSLookupError,
  ReactorAlreadyRunning,
  ReactorNotRestartable,
  ReactorNotRunning,
} from "./error.js";
import { AssertionError, KeyError, NotImplementedError, RuntimeError } from "./exceptions.js";
import {
  type IDelayedCall,
  IReactor,
  IReactorDaemonize,
  IReactorPluggableResolver,
  IReactorThreads,
  type SystemEventTriggerID,
  type TriggerPhase,
} from "./interfaces.js";
import { globalLogBeginner, globalLogPublisher, type LogEvent } from "./logger.js";
import { NodeReactor } from "./reactor.js";
import { type AnyReactor, pass, reactors } from "./reactors.test.helper.js";

globalLogBeginner.beginLoggingTo([], { redirectStandardIO: false, discardBuffer: true }); // not to stderr
let logged: string[] = [];
const observer = (event: LogEvent): void => {
  if (event.log_failure) logged.push((event.log_failure.value as Error).message);
};
let reactor: AnyReactor = new NodeReactor();
let events: string[] = [];
beforeEach(() => {
  reactor = new NodeReactor();
  events = [];
  logged = [];
  globalLogPublisher.addObserver(observer);
});
afterEach(() => globalLogPublisher.removeObserver(observer));

const quietly = { installSignalHandlers: false };

function note(text: string): void {
  events.push(text);
}

function fail(text: string): never {
  throw new Error(text);
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when a delayed call of so many seconds has run. */
function later(seconds: number): Promise<void> {
  return pass(reactor, seconds);
}

describe.each(reactors)("%s", (_, make) => {
  beforeEach(() => {
    reactor = make();
  });

  test("the reactor provides IReactor", () => {
    expect(IReactor.providedBy(reactor)).toBe(true);
    expect(() => reactor.iterate()).toThrow(NotImplementedError);
  });

  describe("run and stop", () => {
    test("pinned: running is false, true, true in the phases of startup, and true until the during phase of shutdown", async () => {
      for (const event of ["startup", "shutdown"]) {
        for (const phase of ["after", "during", "before"] as const) {
          reactor.addSystemEventTrigger(phase, event, () => note(`${phase} ${event} ${reactor.running}`));
        }
      }
      reactor.callWhenRunning(note, "one");
      reactor.callWhenRunning(note, "two");
      const finished = reactor.run(quietly);
      expect(reactor.callWhenRunning(note, "now")).toBeNull();
      reactor.stop();
      note("stop returned");
      await finished;
      expect(events).toEqual([
        "before startup false",
        "during startup true",
        "after startup true",
        "one",
        "two",
        "now",
        "stop returned",
        "before shutdown true",
        "during shutdown false",
        "after shutdown false",
      ]);
    });

    test("pinned: stop before run and after stopping is ReactorNotRunning, a RuntimeError", async () => {
      expect(() => reactor.stop()).toThrow(ReactorNotRunning);
      expect(new ReactorNotRunning()).toBeInstanceOf(RuntimeError);
      const finished = reactor.run(quietly);
      reactor.stop();
      expect(() => reactor.stop()).toThrow(ReactorNotRunning);
      await finished;
      expect(() => reactor.stop()).toThrow(ReactorNotRunning);
      expect(() => reactor.crash()).toThrow(ReactorNotRunning);
    });

    test("pinned: run while running is ReactorAlreadyRunning, run after stop ReactorNotRestartable", async () => {
      const finished = reactor.run(quietly);
      expect(() => reactor.run(quietly)).toThrow(ReactorAlreadyRunning);
      reactor.stop();
      expect(() => reactor.run(quietly)).toThrow(ReactorAlreadyRunning);
      await finished;
      expect(() => reactor.run(quietly)).toThrow(ReactorNotRestartable);
    });

    test("pinned: crash ends run without triggers, and the reactor can be run again with what was registered since", async () => {
      reactor.addSystemEventTrigger("before", "shutdown", note, "shutdown");
      const crashed = reactor.run(quietly);
      reactor.crash();
      await crashed;
      expect([reactor.running, events]).toEqual([false, []]);
      reactor.callWhenRunning(note, "again");
      const finished = reactor.run(quietly);
      expect([reactor.running, events]).toEqual([true, ["again"]]);
      reactor.stop();
      await finished;
      expect(events).toEqual(["again", "shutdown"]);
    });

    test("a crash while startup waits does not start the reactor afterwards", async () => {
      const waiting = new Deferred<null>();
      reactor.addSystemEventTrigger("before", "startup", () => waiting);
      const crashed = reactor.run(quietly);
      reactor.crash();
      await crashed;
      waiting.callback(null);
      expect(reactor.running).toBe(false);
    });

    test("pinned: a delayed call may stop the reactor, and timers work without run", async () => {
      await later(0);
      const finished = reactor.run(quietly);
      reactor.callLater(0, () => reactor.stop());
      await later(0);
      await finished;
    });
  });

  describe("system events", () => {
    test("Deferreds and Promises of before triggers are all awaited; one that fails is only logged", async () => {
      const [first, second] = [new Deferred<null>(), new Deferred<null>()];
      reactor.addSystemEventTrigger("before", "tea", () => first);
      reactor.addSystemEventTrigger("before", "tea", () => second);
      reactor.addSystemEventTrigger("before", "tea", () => Promise.reject(new Error("promise")));
      reactor.addSystemEventTrigger("before", "tea", fail, "thrown");
      reactor.addSystemEventTrigger("during", "tea", note, "during");
      reactor.fireSystemEvent("tea");
      await turn();
      first.errback(new Error("deferred"));
      expect(events).toEqual([]);
      second.callback(null);
      expect(events).toEqual(["during"]);
      expect(logged).toEqual(["thrown", "promise", "deferred"]);
    });

    test("pinned: a before trigger that fires an earlier one's Deferred skips none that follow", () => {
      const waiting = new Deferred<null>();
      reactor.addSystemEventTrigger("before", "tea", () => waiting);
      reactor.addSystemEventTrigger("before", "tea", () => waiting.callback(null));
      reactor.addSystemEventTrigger("before", "tea", note, "before");
      reactor.addSystemEventTrigger("during", "tea", note, "during");
      reactor.fireSystemEvent("tea");
      expect(events).toEqual(["before", "during"]);
    });

    test("an exception in during and after triggers is logged, also a later one, and the next still runs", async () => {
      for (const phase of ["during", "after"] as const) {
        reactor.addSystemEventTrigger(phase, "tea", fail, phase);
        reactor.addSystemEventTrigger(phase, "tea", () => Promise.reject(new Error(`${phase} later`)));
        reactor.addSystemEventTrigger(phase, "tea", note, phase);
      }
      reactor.fireSystemEvent("tea");
      expect(events).toEqual(["during", "after"]);
      await turn();
      expect(logged).toEqual(["during", "after", "during later", "after later"]);
    });

    test("triggers run once, and events of other names are independent while one waits", () => {
      const waiting = new Deferred<null>();
      reactor.addSystemEventTrigger("before", "tea", () => waiting);
      reactor.addSystemEventTrigger("during", "tea", note, "tea");
      reactor.addSystemEventTrigger("during", "coffee", note, "coffee");
      reactor.fireSystemEvent("tea");
      reactor.fireSystemEvent("coffee");
      reactor.fireSystemEvent("coffee");
      reactor.fireSystemEvent("water");
      waiting.callback(null);
      reactor.fireSystemEvent("tea");
      expect(events).toEqual(["coffee", "tea"]);
    });

    test.each(["before", "during", "after"] as const)("a before trigger may remove a later %s trigger", (phase) => {
      const ids: SystemEventTriggerID[] = [];
      reactor.addSystemEventTrigger("before", "tea", () => reactor.removeSystemEventTrigger(ids[0]!));
      ids.push(reactor.addSystemEventTrigger(phase, "tea", note, "removed"));
      reactor.addSystemEventTrigger("after", "tea", note, "kept");
      reactor.fireSystemEvent("tea");
      expect(events).toEqual(["kept"]);
    });

    test("removing a before trigger that has just run only warns; what is gone or never was is an error", async () => {
      const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
      const ran = reactor.addSystemEventTrigger("before", "tea", note, "ran");
      reactor.addSystemEventTrigger("before", "tea", () => reactor.removeSystemEventTrigger(ran));
      reactor.fireSystemEvent("tea");
      expect((await warned).name).toBe("DeprecationWarning");
      expect(logged).toEqual([]);
      expect(() => reactor.removeSystemEventTrigger(ran)).toThrow(KeyError);
      for (const id of [null, 7, {}, "tea"]) {
        expect(() => reactor.removeSystemEventTrigger(id as unknown as SystemEventTriggerID)).toThrow(TypeError);
      }
    });

    test("an unknown phase is a KeyError, what cannot be called an AssertionError", () => {
      expect(() => reactor.addSystemEventTrigger("soon" as TriggerPhase, "tea", note, "")).toThrow(KeyError);
      expect(() => reactor.addSystemEventTrigger("before", "tea", null as never)).toThrow(AssertionError);
    });
  });

  describe("time", () => {
    test("calls run in order of time, never early, with their arguments; equal times first in first out", async () => {
      const due = reactor.seconds() + 0.02;
      reactor.callLater(0.02, () => note(`late ${reactor.seconds() >= due}`));
      for (const each of ["a", "b", "c"]) reactor.callLater(0, note, each);
      await later(0.03);
      expect(events).toEqual(["a", "b", "c", "late true"]);
      expect(reactor.getDelayedCalls()).toEqual([]);
    });

    test("pinned: a cancelled call never runs; the second cancel is AlreadyCancelled, cancel in the call AlreadyCalled", async () => {
      const printed: string[] = [];
      const cancelled = reactor.callLater(0, note, "never");
      expect(cancelled.active()).toBe(true);
      cancelled.cancel();
      expect(cancelled.active()).toBe(false);
      for (const call of ["cancel", "reset", "delay"] as const) {
        expect(() => cancelled[call](1)).toThrow(AlreadyCancelled);
      }
      const running: IDelayedCall = reactor.callLater(0, () => {
        expect(running.active()).toBe(false);
        printed.push(String(running));
        for (const call of ["cancel", "reset", "delay"] as const) expect(() => running[call](1)).toThrow(AlreadyCalled);
        note("ran");
      });
      expect(reactor.getDelayedCalls()).toEqual([running]);
      printed.push(String(running), String(cancelled));
      await later(0.001);
      expect([events, logged]).toEqual([["ran"], []]);
      printed.push(String(running));
      expect(printed.map((text) => /DelayedCall\((\w+)/.exec(text)?.[1])).toEqual([
        "pending",
        "cancelled",
        "called",
        "called",
      ]);
    });

    test("reset and delay move a call, sooner or later", async () => {
      const far = reactor.callLater(1000, note, "sooner");
      const due = far.getTime();
      far.delay(-500);
      expect(far.getTime()).toBeCloseTo(due - 500, 6);
      far.delay(100);
      expect(far.getTime()).toBeCloseTo(due - 400, 6);
      far.reset(0);
      const postponed = reactor.callLater(0.001, note, "postponed");
      postponed.reset(0.02);
      await later(0.01);
      expect(events).toEqual(["sooner"]);
      await later(0.02);
      expect(events).toEqual(["sooner", "postponed"]);
    });

    test("pinned: a call absurdly far ahead disturbs nothing", async () => {
      const warned = vi.spyOn(process, "emitWarning");
      const far = [reactor.callLater(1e9, note, "far"), reactor.callLater(Infinity, note, "never")];
      await later(0.005);
      expect(events).toEqual([]);
      expect(warned).not.toHaveBeenCalled(); // as Node does when a timer overflows
      warned.mockRestore();
      for (const call of far) call.cancel();
    });

    test("a negative delay is an AssertionError; an exception or rejection in a call is logged", async () => {
      for (const delay of [-1, NaN]) expect(() => reactor.callLater(delay, note, "")).toThrow(AssertionError);
      reactor.callLater(0, fail, "thrown");
      reactor.callLater(0, () => Promise.reject(new Error("rejected")));
      reactor.callLater(0, null as unknown as () => void);
      await later(0);
      await turn();
      expect(logged).toHaveLength(3);
      expect(logged).toContain("rejected");
    });

    test("pinned: callFromThread keeps the order, on a later turn, and leaves its own calls to the next", async () => {
      reactor.callFromThread(() => {
        reactor.callFromThread(note, "nested");
        note("one");
      });
      reactor.callFromThread(note, "two");
      reactor.callFromThread(fail, "logged");
      expect(events).toEqual([]);
      await turn();
      expect(events).toEqual(["one", "two"]);
      await turn();
      expect(events).toEqual(["one", "two", "nested"]);
      expect(logged).toEqual(["logged"]);
      expect(() => reactor.callFromThread(null as never)).toThrow(AssertionError);
    });
  });

  describe("names", () => {
    test("an empty name is every address, a literal itself, localhost the loopback, nonsense a DNSLookupError", async () => {
      expect(await reactor.resolve("")).toBe("0.0.0.0");
      expect(await reactor.resolve("192.0.2.7")).toBe("192.0.2.7");
      expect(await reactor.resolve("localhost")).toBe("127.0.0.1");
      await expect(Promise.resolve(reactor.resolve("no..such..name"))).rejects.toBeInstanceOf(DNSLookupError);
      expect(reactor.getDelayedCalls()).toEqual([]);
    });
  });

  test("what a Deferred failed with and nobody handled is told when the reactor stops", async () => {
    const finished = reactor.run(quietly);
    const forgotten = new Deferred<never>();
    forgotten.errback(new Error("nobody looked"));
    await new Promise(setImmediate);
    reactor.stop();
    await finished;
    expect(logged).toContain("nobody looked");
  });
});

test("it provides what Twisted's does that Node can, and goes into no background", () => {
  const node = new NodeReactor();
  for (const token of [IReactorThreads, IReactorDaemonize, IReactorPluggableResolver]) {
    expect(token.providedBy(node)).toBe(true);
  }
  expect([node.beforeDaemonize(), node.afterDaemonize()]).toEqual([undefined, undefined]);
});

describe("signals", () => {
  // PIN
  test("handlers are there before the first of startup's after triggers runs, and gone when all is over", async () => {
    const before = process.listenerCount("SIGTERM");
    const count = (): void => note(String(process.listenerCount("SIGTERM") - before));
    reactor.addSystemEventTrigger("after", "startup", count);
    reactor.addSystemEventTrigger("before", "startup", count);
    reactor.addSystemEventTrigger("after", "shutdown", count);
    const finished = reactor.run();
    reactor.stop();
    await finished;
    count();
    expect(events).toEqual(["0", "1", "1", "0"]);
  });
});

describe("real time", () => {
  test("seconds never go back and start from the clock of the system", () => {
    const [one, two] = [reactor.seconds(), reactor.seconds()];
    expect(two).toBeGreaterThanOrEqual(one);
    expect(Math.abs(one - Date.now() / 1000)).toBeLessThan(60);
  });

  test("a call of no delay made by such a call runs on a later turn", async () => {
    reactor.callLater(0, () => {
      reactor.callLater(0, note, "second");
      setImmediate(note, "the turn after");
      note("first");
    });
    reactor.callLater(0, note, "same turn");
    await later(0.001);
    await turn();
    expect(events.slice(0, 2)).toEqual(["first", "same turn"]);
    expect(events).toContain("second");
  });
});
