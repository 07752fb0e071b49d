import { describe, expect, test } from "vitest";
import { ConnectionClosed, ConnectionDone, ConnectionLost } from "./error.js";
import { ValueError } from "./exceptions.js";
import { Failure, NoCurrentExceptionError } from "./failure.js";

/** A value that fights against being shown. */
const unshowable = {
  toString(): string {
    throw new Error("no text");
  },
};

test("a failure without a value has no exception in flight to take", () => {
  expect(() => new Failure()).toThrow(NoCurrentExceptionError);
});

test("a failure of a failure is a new one with the same value", () => {
  const first = new Failure(new ConnectionDone());
  const second = new Failure(first);
  expect(second).not.toBe(first);
  expect(second.value).toBe(first.value);
  expect(second.count).toBeGreaterThan(first.count);
});

test("a failure takes any value: a list, a text, nothing", () => {
  const tuple = ["out", "err", 9];
  expect(new Failure(tuple)).toMatchObject({ value: tuple, type: Array });
  expect(new Failure("text").check(String)).toBe(String);
  expect(new Failure(undefined)).toMatchObject({ value: undefined, type: null });
  expect(new Failure(null).parents).toEqual([]);
});

test("parents names the classes of the value, nearest first", () => {
  const { parents } = new Failure(new ConnectionLost());
  expect(parents).toEqual(["ConnectionLost", "ConnectionClosed", "Error", "Object"]);
});

describe("check", () => {
  const failure = new Failure(new ConnectionDone());

  test("gives the first type that fits, a parent's too, else null", () => {
    expect(failure.check(ConnectionLost, ConnectionClosed, ConnectionDone)).toBe(ConnectionClosed);
    expect(failure.check(ConnectionLost, ValueError)).toBeNull();
  });

  test("takes the names of classes", () => {
    expect(failure.check("ConnectionLost", "ConnectionClosed")).toBe("ConnectionClosed");
    expect(failure.check("constructor")).toBeNull();
  });
});

test("trap gives the type that fits and throws the value itself otherwise", () => {
  const value = new ConnectionDone();
  const failure = new Failure(value);
  expect(failure.trap(ConnectionDone)).toBe(ConnectionDone);
  expect(thrownBy(() => failure.trap(ValueError))).toBe(value);
});

test("raiseException throws the value with the stack it had", () => {
  const value = new Error("it");
  const { stack } = value;
  expect(thrownBy(() => new Failure(value).raiseException())).toBe(value);
  expect(value.stack).toBe(stack);
});

test("throwExceptionIntoGenerator throws where the generator waits", () => {
  function* catching(): Generator<string, string> {
    try {
      yield "waiting";
      return "not thrown";
    } catch (error) {
      return `caught ${(error as Error).message}`;
    }
  }
  const generator = catching();
  generator.next();
  expect(new Failure(new Error("it")).throwExceptionIntoGenerator(generator)).toEqual({
    done: true,
    value: "caught it",
  });
});

test("getErrorMessage never throws", () => {
  expect(new Failure(new Error("text")).getErrorMessage()).toBe("text");
  expect(new Failure(7).getErrorMessage()).toBe("7");
  expect(new Failure(unshowable).getErrorMessage()).toContain("Object");
  expect(new Failure(Object.create(null)).getErrorMessage()).toContain("without readable text");
});

describe("a traceback", () => {
  const failure = new Failure(new ConnectionLost("it broke"));

  test("has the name, the text and the stack", () => {
    const text = failure.getTraceback();
    expect(text).toMatch(/^Traceback: ConnectionLost: .*it broke\.\n/);
    expect(text).toContain("failure.test");
  });

  test("has one line a frame when brief", () => {
    const [title, ...frames] = failure.getBriefTraceback().trimEnd().split("\n");
    expect(title).toContain("ConnectionLost");
    expect(frames).toHaveLength(failure.frames.length);
    expect(frames[0]).toMatch(/failure\.test\.ts:\d+:/);
  });

  test("tells causes", () => {
    const outer = new Failure(new Error("outer", { cause: new ValueError("inner") }));
    expect(outer.getTraceback()).toContain("inner");
    expect(outer.getTraceback({ detail: "verbose" })).toContain("inner");
  });

  test("of an unknown detail is a ValueError", () => {
    expect(() => failure.getTraceback({ detail: "huge" as "brief" })).toThrow(ValueError);
  });

  // PIN: these still format.
  for (const detail of ["brief", "default", "verbose"] as const) {
    test(`of a value without a stack or without a text still formats (${detail})`, () => {
      const error = Object.assign(new Error("stackless"), { stack: undefined });
      expect(new Failure(error).getTraceback({ detail })).toContain("stackless");
      expect(new Failure(unshowable).getTraceback({ detail })).toContain("Traceback");
      expect(new Failure(undefined).getTraceback({ detail })).toContain("undefined");
    });
  }

  test("is printed to the file given", () => {
    let printed = "";
    const file = { write: (text: string) => (printed += text) };
    failure.printTraceback(file);
    failure.printBriefTraceback(file);
    failure.printDetailedTraceback(file);
    expect(printed).toContain(failure.getTraceback() + failure.getBriefTraceback());
  });
});

test("frames come from the stack, innermost call first", () => {
  function named(): Failure {
    return new Failure(new Error("it"));
  }
  const failure = named();
  expect(failure.frames[0]).toMatchObject({ function: "named", line: expect.any(Number) as number });
  expect(failure.getTracebackObject()).toBe(failure.frames);
  expect(new Failure("no stack").getTracebackObject()).toBeNull();
  expect(new Failure("no stack").frames).toEqual([]);
});

test("cleanFailure keeps the text", () => {
  const failure = new Failure(new Error("it"));
  const before = failure.getTraceback();
  failure.cleanFailure();
  expect(failure.getTraceback()).toBe(before);
});

function thrownBy(callable: () => unknown): unknown {
  try {
    callable();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
