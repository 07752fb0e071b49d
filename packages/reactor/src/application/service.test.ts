/** Services start and stop as parts of a whole. */
import { describe, expect, test } from "vitest";
import { adapt, type Componentized } from "../components.js";
import { Deferred, type ListResult } from "../defer.js";
import { KeyError, RuntimeError, ValueError } from "../exceptions.js";
import type { MaybeAsync } from "../interfaces.js";
import { assertNoLoggedErrors, captureLoggedErrors, flushLoggedErrors } from "../testing/index.js";
import {
  Application,
  IProcess,
  IService,
  IServiceCollection,
  MultiService,
  Process,
  Service,
  ServiceMaker,
} from "./service.js";

const events: string[] = [];

class Noted extends Service {
  stopping: Deferred | null = null;

  constructor(name: string) {
    super();
    this.setName(name);
  }
  override privilegedStartService(): MaybeAsync {
    events.push(`privileged ${this.name}`);
    return super.privilegedStartService();
  }
  override startService(): MaybeAsync {
    events.push(`start ${this.name}`);
    return super.startService();
  }
  override stopService(): MaybeAsync {
    events.push(`stop ${this.name}`);
    void super.stopService();
    if (this.stopping !== null) return this.stopping;
  }
}

function family(...names: string[]): [MultiService, Noted[]] {
  events.length = 0;
  const parent = new MultiService();
  const children = names.map((name) => new Noted(name));
  for (const child of children) child.setServiceParent(parent);
  return [parent, children];
}

describe("a Service", () => {
  test("runs between start and stop", () => {
    const service = new Service();
    expect([service.name, service.running, service.parent]).toEqual([null, false, null]);
    void service.startService();
    expect(service.running).toBe(true);
    void service.stopService();
    expect(service.running).toBe(false);
    expect(IService.providedBy(service)).toBe(true);
  });

  test("is named before it has a parent", () => {
    const [, [child]] = family("one");
    expect(() => child!.setName("two")).toThrow(RuntimeError);
  });

  test("leaves its old parent for a new one", () => {
    const [old, [child]] = family("one");
    const parent = new MultiService();
    child!.setServiceParent(parent);
    expect([child!.parent, old.services, parent.services]).toEqual([parent, [], [child]]);
  });

  test("has no parent if the parent would not take it", () => {
    const [parent] = family("one");
    const second = new Noted("one");
    expect(() => second.setServiceParent(parent)).toThrow(RuntimeError);
    expect([second.parent, parent.services.length]).toEqual([null, 1]);
    expect(() => second.setServiceParent({})).toThrow(TypeError);
  });
});

describe("a MultiService", () => {
  test("holds named and unnamed services, in the order in which they came", () => {
    const [parent, children] = family("one", "two");
    const unnamed = new Service();
    unnamed.setServiceParent(parent);
    expect([...parent]).toEqual([...children, unnamed]);
    expect(parent.getServiceNamed("two")).toBe(children[1]);
    expect(() => parent.getServiceNamed("three")).toThrow(KeyError);
    expect(parent.namedServices.size).toBe(2);
  });

  test("starts its services in order and stops them in reverse", () => {
    const [parent, children] = family("one", "two");
    parent.privilegedStartService();
    parent.startService();
    expect([parent.running, ...children.map(({ running }) => running)]).toEqual([true, true, true]);
    parent.stopService();
    expect([parent.running, ...children.map(({ running }) => running)]).toEqual([false, false, false]);
    expect(events).toEqual(["privileged one", "privileged two", "start one", "start two", "stop two", "stop one"]);
  });

  test("that runs starts a newcomer, privileged work first, and stops one that leaves", () => {
    const [parent] = family();
    parent.startService();
    const late = new Noted("late");
    late.setServiceParent(parent);
    void late.disownServiceParent();
    expect(events).toEqual(["privileged late", "start late", "stop late"]);
    expect([late.parent, parent.services.length, parent.namedServices.size]).toEqual([null, 0, 0]);
  });

  test("that does not run lets a service go without stopping it, and knows its own", () => {
    const [parent, [child]] = family("one");
    void child!.disownServiceParent();
    expect(events).toEqual([]);
    expect(() => parent.removeService(child!)).toThrow(ValueError);
  });

  test("stops when all have stopped, whatever fails, with a pair for each; none waits for another", () => {
    captureLoggedErrors();
    const [parent, [one, two]] = family("one", "two");
    one!.stopping = new Deferred();
    two!.stopping = new Deferred();
    parent.startService();
    let results: ListResult<unknown>[] | null = null;
    parent.stopService().addCallback((pairs) => void (results = pairs));
    expect(events.slice(-2)).toEqual(["stop two", "stop one"]);
    one!.stopping.callback("done");
    expect(results).toBe(null);
    two!.stopping.errback(new RangeError("stuck"));
    expect(results!.map(([success]) => success)).toEqual([false, true]);
    expect(results![1]).toEqual([true, "done"]);
    expect(flushLoggedErrors(RangeError)).toHaveLength(1);
    assertNoLoggedErrors();
  });

  test("an exception in privileged work propagates and skips the rest", () => {
    const [parent, [one]] = family("one", "two");
    one!.privilegedStartService = () => {
      throw new RangeError("no rights");
    };
    expect(() => parent.privilegedStartService()).toThrow("no rights");
    expect(events).toEqual([]);
  });

  test("tells when what is asynchronous in a start is done, or has failed", () => {
    const [parent, [one, two]] = family("one", "two");
    expect(parent.startService()).toBe(undefined);
    const [first, second] = [new Deferred(), new Deferred()];
    one!.startService = () => first;
    two!.startService = () => second;
    let outcome: unknown = "pending";
    (parent.startService() as Deferred).addBoth((result) => void (outcome = result));
    first.callback(1);
    expect(outcome).toBe("pending");
    second.callback(2);
    expect(outcome).toEqual([1, 2]);
  });

  test("logs that a newcomer fails to start later on", () => {
    captureLoggedErrors();
    const [parent] = family();
    parent.startService();
    const late = new Noted("late");
    const starting = new Deferred();
    late.startService = () => starting;
    late.setServiceParent(parent);
    starting.errback(new RangeError("too late"));
    expect(flushLoggedErrors(RangeError)).toHaveLength(1);
    assertNoLoggedErrors();
  });
});

describe("an Application", () => {
  const application: Componentized = Application("web", { uid: 1, gid: "staff" });

  test("is a service and a collection of services", () => {
    const service = adapt(IService, application);
    expect(service.name).toBe("web");
    expect(adapt(IServiceCollection, application)).toBe(service);
    const child = new Service();
    child.setServiceParent(application);
    expect([...adapt(IServiceCollection, application)]).toEqual([child]);
  });

  test("says who the process shall be", () => {
    const process = adapt(IProcess, application);
    expect(process).toBeInstanceOf(Process);
    expect([process.uid, process.gid, process.processName]).toEqual([1, "staff", null]);
    const nobody = adapt(IProcess, Application("plain"));
    expect([nobody.uid, nobody.gid]).toEqual([null, null]);
  });
});

test("a ServiceMaker makes its service from a module, when it is wanted", async () => {
  const source = `export const Options = "none"; export const makeService = (options) => ({ name: options.name });`;
  const maker = new ServiceMaker("Echo", `data:text/javascript,${encodeURIComponent(source)}`, "echoes", "echo");
  expect([maker.name, maker.description, maker.tapname, maker.options]).toEqual(["Echo", "echoes", "echo", undefined]);
  expect(await maker.makeService({ name: "made" })).toEqual({ name: "made" });
  expect(maker.options).toBe("none");
});
