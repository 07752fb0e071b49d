import { inspect } from "node:util";
import { afterEach, describe, expect, expectTypeOf, test } from "vitest";
import {
  ALLOW_DUPLICATES,
  Adapter,
  AdapterRegistry,
  CannotAdapt,
  Componentized,
  type InterfaceToken,
  ReprableComponentized,
  adapt,
  adapterHooks,
  classImplements,
  declaredInterfaces,
  directlyProvides,
  getAdapterFactory,
  getRegistry,
  implementedBy,
  implementer,
  interfaceToken,
  isInterfaceToken,
  providedBy,
  proxyForInterface,
  registerAdapter,
  setAllowDuplicates,
} from "./components.js";
import { type InjectionToken, container, inject, injectAll, injectable } from "./container.js";
import { AssertionError, KeyError, ValueError } from "./exceptions.js";

interface INamed {
  name: string;
}
const INamed: InterfaceToken<INamed> = interfaceToken("INamed");

interface IGreeter extends INamed {
  greet(whom: string): string;
}
const IGreeter: InterfaceToken<IGreeter> = interfaceToken("IGreeter", [INamed]);

interface IDoor {
  open(): string;
}
const IDoor: InterfaceToken<IDoor> = interfaceToken<IDoor>("IDoor", [], ["open"]);

class Greeter implements IGreeter {
  name = "Ann";
  greet(whom: string): string {
    return `${this.name} greets ${whom}`;
  }
}
classImplements(Greeter, IGreeter);

describe("an interface token", () => {
  test("has the interface's name and bases, and constructing it says that it is an interface", () => {
    expect(IGreeter.name).toBe("IGreeter");
    expect(IGreeter.bases).toEqual([INamed]);
    expect(isInterfaceToken(IGreeter)).toBe(true);
    expect(isInterfaceToken(Greeter)).toBe(false);
    expect(() => new IGreeter()).toThrow(/IGreeter is an interface/);
  });

  test("is the right side of instanceof, which narrows", () => {
    const object: unknown = new Greeter();
    expect(object instanceof IGreeter && object.greet("Bob")).toBe("Ann greets Bob");
    expect({} instanceof IGreeter).toBe(false);
  });

  test("has a type that fits lists of tokens of any interface, and injection tokens", () => {
    expectTypeOf(IGreeter).toExtend<InterfaceToken>();
    expectTypeOf(IGreeter).toExtend<InjectionToken<IGreeter>>();
    expectTypeOf(adapt(IGreeter, {}, null)).toEqualTypeOf<IGreeter | null>();
    expectTypeOf((doors: typeof container) => doors.resolve(IDoor)).returns.toEqualTypeOf<IDoor>();
  });
});

describe("declaring", () => {
  test("an object provides what its class, and the classes above it, declare, and the bases of that", () => {
    const object = new (class extends Greeter {})();
    const tokens: InterfaceToken[] = [IGreeter, INamed, IDoor];
    expect(tokens.map((token) => providedBy(token, object))).toEqual([true, true, false]);
    expect(IGreeter.providedBy(object)).toBe(true);
    expect([implementedBy(INamed, Greeter), INamed.implementedBy(Greeter), IDoor.implementedBy(Greeter)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("implementer is a decorator and a function", () => {
    @implementer(INamed)
    class Decorated {}
    const Called = implementer(INamed)(class {});
    expect([new Decorated(), new Called()].map((object) => INamed.providedBy(object))).toEqual([true, true]);
  });

  test("directlyProvides is about one object, is replaced by a second call, and comes before the class's", () => {
    const object = new Greeter();
    directlyProvides(object, INamed);
    directlyProvides(object, IDoor);
    expect(declaredInterfaces(object)).toEqual([IDoor, IGreeter]);
    expect(declaredInterfaces(new Greeter())).toEqual([IGreeter]);
  });

  test("what is no object provides nothing, and only tokens can be declared", () => {
    for (const value of [null, undefined, "text", 1]) expect(providedBy(IDoor, value)).toBe(false);
    expect(() => classImplements(class {}, Greeter as never)).toThrow(TypeError);
  });
});

describe("a token with members", () => {
  test("is provided by an object that has them all, its own or its class's, whatever their values", () => {
    class Gate {
      open(): string {
        return "creak";
      }
    }
    class Wicket extends Gate {}
    for (const object of [new Gate(), new Wicket(), { open: null }]) expect(providedBy(IDoor, object)).toBe(true);
    expect(implementedBy(IDoor, Wicket)).toBe(true);
    expect(providedBy(IDoor, { shut: null })).toBe(false);
  });

  test("never counts what every object and every function has", () => {
    const IOdd = interfaceToken<{ toString: unknown }>("IOdd", [], ["toString"]);
    const ICallable = interfaceToken<{ call: unknown }>("ICallable", [], ["call"]);
    expect(providedBy(IOdd, {})).toBe(false);
    expect(providedBy(ICallable, () => 1)).toBe(false);
    expect(providedBy(IOdd, { toString: () => "mine" })).toBe(true);
  });

  test("needs its bases provided as well, and without members only a declaration counts", () => {
    const INamedDoor = interfaceToken<IDoor & INamed>("INamedDoor", [INamed, IDoor], ["open"]);
    const object = { name: "front", open: () => "creak" };
    expect([providedBy(INamed, object), providedBy(INamedDoor, object)]).toEqual([false, false]);
    directlyProvides(object, INamed);
    expect(providedBy(INamedDoor, object)).toBe(true);
  });

  test("reads no getter", () => {
    const object = {
      get open(): never {
        throw new Error("read");
      },
    };
    expect(providedBy(IDoor, object)).toBe(true);
  });
});

describe("adapting", () => {
  class Knock extends Adapter<object> implements IDoor {
    open(): string {
      return "knock";
    }
  }
  classImplements(Knock, IDoor);

  afterEach(() => setAllowDuplicates(false));

  test("gives what __conform__ gives, else the object itself, else an adapter, else the fallback", () => {
    class House {}
    registerAdapter(Knock, House, IDoor);
    const other = { open: () => "other" };
    const willing = { open: () => "self", __conform__: (token: InterfaceToken) => (token === IDoor ? other : null) };
    const unwilling = { open: () => "self", __conform__: () => null };
    expect(adapt(IDoor, willing)).toBe(other);
    expect(adapt(IDoor, unwilling)).toBe(unwilling);
    expect(adapt(IDoor, new House()).open()).toBe("knock");
    expect(adapt(IDoor, {}, "none")).toBe("none");
  });

  test("fails with CannotAdapt, a TypeError that names both, while a null or undefined fallback is returned", () => {
    const object = {};
    const error = thrownBy(() => adapt(IGreeter, object));
    expect(error).toBeInstanceOf(CannotAdapt);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ object, token: IGreeter, code: "ERR_CANNOT_ADAPT" });
    expect((error as Error).message).toBe("could not adapt Object to IGreeter");
    expect(adapt(IGreeter, object, null)).toBe(null);
    expect(adapt(IGreeter, null, undefined)).toBe(undefined);
  });

  test("works for a class, for an interface, for several interfaces at once, and with plain functions", () => {
    class House {}
    const IHouse = interfaceToken("IHouse");
    const IOther = interfaceToken<object>("IOther");
    registerAdapter(Knock, House, IDoor, IOther);
    registerAdapter((original: unknown) => ({ original }), IHouse, IOther);
    const house = new House();
    expect(adapt(IOther, house)).toBeInstanceOf(Knock);
    expect(adapt(IDoor, house)).toHaveProperty("original", house);
    const directly = {};
    directlyProvides(directly, IHouse);
    expect(adapt(IOther, directly)).toEqual({ original: directly });
    expect(getAdapterFactory(House, IDoor)).toBe(Knock);
    expect(getAdapterFactory(IHouse, IDoor)).toBe(null);
    expect(getAdapterFactory(IHouse, IDoor, "none")).toBe("none");
  });

  test("serves an object that provides the registered interface by its members alone", () => {
    const IResult = interfaceToken<{ via: unknown }>("IResult");
    const ISafeDoor = interfaceToken<IDoor & { lock: unknown }>("ISafeDoor", [IDoor], ["lock"]);
    registerAdapter(() => ({ via: "door" }), IDoor, IResult);
    expect(adapt(IResult, { open: () => "" }).via).toBe("door");
    registerAdapter(() => ({ via: "safe door" }), ISafeDoor, IResult);
    expect(adapt(IResult, { open: () => "", lock: true }).via).toBe("safe door");
  });

  test("refuses duplicates for a pair, keeps the first and stores none of that call", () => {
    class House {}
    const IOther = interfaceToken("IOther");
    const second = (): object => ({});
    registerAdapter(Knock, House, IDoor);
    expect(() => registerAdapter(second, House, IOther, IDoor)).toThrow(ValueError);
    expect([getAdapterFactory(House, IDoor), getAdapterFactory(House, IOther)]).toEqual([Knock, null]);
    expect(() => registerAdapter(second, House)).toThrow(AssertionError);
  });

  test("replaces the first where duplicates are allowed", () => {
    class House {}
    const second = (): object => ({});
    registerAdapter(Knock, House, IDoor);
    setAllowDuplicates(true);
    expect(ALLOW_DUPLICATES).toBe(true);
    registerAdapter(second, House, IDoor);
    expect(getAdapterFactory(House, IDoor)).toBe(second);
  });

  test("serves subclasses, which may have a factory of their own that goes first, whenever it was registered", () => {
    class House {}
    class Villa extends House {}
    class Castle extends House {}
    const bridge = (): object => ({});
    registerAdapter(bridge, Castle, IDoor);
    registerAdapter(Knock, House, IDoor);
    expect([House, Villa, Castle].map((type) => getAdapterFactory(type, IDoor))).toEqual([Knock, Knock, bridge]);
  });

  test("takes the most specific of an object's own interfaces, its class, and the interfaces of that", () => {
    const IBase = interfaceToken("IBase");
    const IDerived = interfaceToken("IDerived", [IBase]);
    const IOut = interfaceToken<{ by: string }>("IOut");
    const by = (name: string) => () => ({ by: name });
    class Plain {}
    class Marked extends Plain {}
    classImplements(Marked, IDerived);
    const chosen: string[] = [];
    for (const from of [Plain, IBase, IDerived, Marked]) {
      registerAdapter(by(from.name), from, IOut);
      chosen.push(adapt(IOut, new Marked()).by);
    }
    expect(chosen).toEqual(["Plain", "IBase", "IDerived", "Marked"]);
    const object = new Marked();
    directlyProvides(object, IBase);
    expect(adapt(IOut, object).by).toBe("Marked");
  });

  test("answers a request for an interface with a factory for one that extends it, the nearest first", () => {
    const IFar = interfaceToken("IFar", [IDoor]);
    const IFarther = interfaceToken("IFarther", [IFar]);
    class House {}
    const far = (): object => ({});
    registerAdapter(() => ({}), House, IFarther);
    registerAdapter(far, House, IFar);
    expect(getAdapterFactory(House, IDoor)).toBe(far);
    registerAdapter(Knock, House, IDoor);
    expect(getAdapterFactory(House, IDoor)).toBe(Knock);
    expect(getAdapterFactory(House, IFar)).toBe(far);
  });

  test("a factory that gives null counts as no adapter", () => {
    class House {}
    registerAdapter(() => null, House, IDoor);
    expect(() => adapt(IDoor, new House())).toThrow(CannotAdapt);
    expect(adapt(IDoor, new House(), null)).toBe(null);
  });

  test("an adapter hands __conform__ on to its original, if that has one", () => {
    const other = {};
    expect(new Adapter({ __conform__: () => other }).__conform__(IGreeter)).toBe(other);
    expect(new Adapter({}).__conform__(IGreeter)).toBe(null);
    expect(adapt(IGreeter, new Adapter(new Greeter()), null)).toBe(null);
  });

  test("asks the hooks in order, of which the first is the global registry", () => {
    class House {}
    const hook = (token: InterfaceToken, object: unknown) => (object instanceof House ? { open: () => "hook" } : null);
    adapterHooks.push(hook);
    try {
      expect(adapt(IDoor, new House()).open()).toBe("hook");
      registerAdapter(Knock, House, IDoor);
      expect(adapt(IDoor, new House()).open()).toBe("knock");
    } finally {
      adapterHooks.pop();
    }
    expect(getRegistry()).toBeInstanceOf(AdapterRegistry);
    expect(getRegistry().registered(House, IDoor)).toBe(Knock);
  });
});

describe("a Componentized", () => {
  const IOne = interfaceToken<object>("IOne");
  const ITwo = interfaceToken<object>("ITwo");
  class Thing extends Componentized {}
  class Both extends Adapter {}
  classImplements(Both, IOne, ITwo);
  registerAdapter(Both, Thing, IOne, ITwo);

  test("adapts to the same object twice, for every interface that the adapter's class is registered for", () => {
    const thing = new Thing();
    const one = adapt(IOne, thing);
    expect(one).toBeInstanceOf(Both);
    expect(adapt(IOne, thing)).toBe(one);
    expect(thing.getComponent(ITwo)).toBe(one);
    expect(adapt(IOne, new Thing())).not.toBe(one);
  });

  test("does not keep temporary adapters, and keeps others apart where multiComponent is false", () => {
    class Temporary extends Both {
      override temporaryAdapter = true;
    }
    class Single extends Both {
      override multiComponent = false;
    }
    class Brief extends Componentized {}
    class Apart extends Componentized {}
    registerAdapter(Temporary, Brief, IOne);
    registerAdapter(Single, Apart, IOne, ITwo);
    const brief = new Brief();
    expect(brief.getComponent(IOne)).not.toBe(brief.getComponent(IOne));
    const apart = new Apart();
    expect(apart.getComponent(IOne)).toBe(apart.getComponent(IOne));
    expect(apart.getComponent(ITwo)).not.toBe(apart.getComponent(IOne));
  });

  test("sets, adds, unsets and removes components", () => {
    const thing = new Componentized();
    expect([thing.getComponent(IOne), thing.getComponent(IOne, "none")]).toEqual([null, "none"]);
    const part = {};
    thing.setComponent(IOne, part);
    thing.setComponent(ITwo, part);
    expect(thing.getComponent(IOne)).toBe(part);
    thing.unsetComponent(ITwo);
    expect(() => thing.unsetComponent(ITwo)).toThrow(KeyError);
    expect(thing.removeComponent(part)).toEqual([IOne]);
    expect(thing.getComponent(IOne)).toBe(null);
    thing.setAdapter(IOne, Both);
    expect((thing.getComponent(IOne) as Both).original).toBe(thing);
  });

  test("adds a component for what its class is registered for, or for all it declares", () => {
    const thing = new Thing();
    const both = thing.addAdapter(Both);
    expect([thing.getComponent(IOne), thing.getComponent(ITwo)]).toEqual([both, both]);
    const stranger = new Componentized();
    stranger.addComponent(both);
    expect(stranger.getComponent(IOne)).toBe(null);
    stranger.addComponent(both, true);
    expect(stranger.removeComponent(both)).toEqual([IOne, ITwo]);
  });

  test("can print its components", () => {
    const thing = new ReprableComponentized();
    thing.setComponent(IOne, "part");
    expect(String(thing)).toContain("IOne");
    expect(inspect(thing)).toContain("part");
  });
});

describe("a proxy for an interface", () => {
  interface IBox {
    size: number;
    label?: string;
    grow(by: number): number;
  }
  const ISized = interfaceToken<{ size: number }>("ISized", [], ["size"]);
  const IBox = interfaceToken<IBox>("IBox", [ISized], ["grow", "label"]);
  class Box implements IBox {
    size = 1;
    label?: string = "box";
    colour = "red";
    grow(by: number): number {
      return (this.size += by);
    }
  }

  test("forwards reads, writes, calls and deletions of the members, inherited ones too, and has no others", () => {
    const BoxProxy = proxyForInterface(IBox);
    const box = new Box();
    const proxy = new BoxProxy(box);
    proxy.size = 5;
    expect([proxy.grow(2), box.size, proxy.size]).toEqual([7, 7, 7]);
    delete proxy.label;
    expect("label" in box).toBe(false);
    expect("colour" in proxy).toBe(false);
    expect((proxy as unknown as { original: Box }).original).toBe(box);
    expect(implementedBy(ISized, BoxProxy)).toBe(true);
    expect(proxy instanceof IBox).toBe(true);
  });

  test("keeps the original where it is told to, and lets subclasses override", () => {
    class Half extends proxyForInterface(IBox, { originalAttribute: "inner" }) {
      override grow(by: number): number {
        return super.grow(by / 2);
      }
    }
    const box = new Box();
    expect(new Half(box).grow(4)).toBe(3);
    expect((new Half(box) as unknown as { inner: Box }).inner).toBe(box);
    expect((new (proxyForInterface(IBox, "kept"))(box) as unknown as { kept: Box }).kept).toBe(box);
  });

  test("is refused for an interface that lists no members", () => {
    expect(() => proxyForInterface(IGreeter)).toThrow(/IGreeter lists no members/);
  });
});

describe("a token in a tsyringe container", () => {
  test("resolves a registered class, value and factory", () => {
    const child = container.createChildContainer();
    child.register(IGreeter, { useClass: Greeter });
    expect(child.resolve(IGreeter).greet("Bob")).toBe("Ann greets Bob");
    const door = { open: () => "creak" };
    child.register(IDoor, { useFactory: () => door });
    expect(child.resolve(IDoor)).toBe(door);
    expect([child.isRegistered(IDoor), container.isRegistered(IDoor)]).toEqual([true, false]);
  });

  test("resolves all of several registrations, in order", () => {
    const child = container.createChildContainer();
    const doors = ["a", "b"].map((text) => ({ open: () => text }));
    for (const door of doors) child.register(IDoor, { useValue: door });
    expect(child.resolveAll(IDoor)).toEqual(doors);
  });

  test("is injected into constructors, one or many", () => {
    @injectable()
    class House {
      constructor(
        @inject(IGreeter) readonly host: IGreeter,
        @injectAll(IDoor) readonly doors: IDoor[],
      ) {}
    }
    const child = container.createChildContainer();
    const door = { open: () => "creak" };
    child.register(IGreeter, { useClass: Greeter }).register(IDoor, { useValue: door });
    const house = child.resolve(House);
    expect([house.host.name, house.doors]).toEqual(["Ann", [door]]);
  });

  test("says which interface is missing when nothing is registered", () => {
    expect(() => container.createChildContainer().resolve(IDoor)).toThrow(
      /IDoor is an interface: nothing is registered/,
    );
  });
});

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
