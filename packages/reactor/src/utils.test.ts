/** Programs whose output or exit code is all that one wants of them. */
import { beforeEach, describe, expect, test } from "vitest";
import { CancelledError } from "./defer.js";
import { ProcessTerminated } from "./error.js";
import { OSError } from "./exceptions.js";
import { failureResultOf, successResultOf } from "./testing/results.js";
import { SimulatedReactor } from "./testing/simulated/reactor.js";
import {
  getProcessOutput,
  getProcessOutputAndValue,
  getProcessValue,
  ProcessKilled,
  UnexpectedErrorOutput,
} from "./utils.js";

const PATH = process.env["PATH"]!;

describe("with real programs", () => {
  const shell = (script: string) => ({ args: ["-c", script, "name", "one two"], env: { PATH } });

  test("getProcessOutput gives the output, whatever the exit code", async () => {
    expect(String(await getProcessOutput("/bin/sh", shell('printf %s "$1"; exit 3')))).toBe("one two");
    expect(String(await getProcessOutput("/bin/sh", { ...shell("pwd -P"), path: "/usr" }))).toBe("/usr\n");
    expect(String(await getProcessOutput("/usr/bin/env"))).toBe("");
    expect(String(await getProcessOutput("env", { env: null }))).toContain("PATH=");
  });

  test("what it complains of is a failure, with what tells of its end, or part of the output", async () => {
    const error: unknown = await Promise.resolve(
      getProcessOutput("/bin/sh", shell("echo out; echo bad >&2; exec yes")),
    ).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnexpectedErrorOutput);
    expect(error).toBeInstanceOf(OSError);
    expect(String(error)).toContain("bad");
    await (error as UnexpectedErrorOutput).processEnded;
    const both = await getProcessOutput("/bin/sh", { ...shell("echo bad >&2"), errortoo: true });
    expect(String(both)).toBe("bad\n");
  });

  test("getProcessValue gives the exit code, and null for a signal", async () => {
    expect(await getProcessValue("/bin/sh", shell("echo out; echo bad >&2; exit 7"))).toBe(7);
    expect(await getProcessValue("/bin/sh", shell("kill -KILL $$"))).toBe(null);
  });

  test("getProcessOutputAndValue gives both outputs and the code, and writes what is to be read", async () => {
    const script = shell("cat; echo bad >&2; exit 2");
    const [out, err, code] = await getProcessOutputAndValue("/bin/sh", { ...script, stdinBytes: "x".repeat(200_000) });
    expect([out.length, String(err), code]).toEqual([200_000, "bad\n", 2]);
  });

  test("one that a signal ends is a failure with all three", async () => {
    const killed: unknown = await Promise.resolve(
      getProcessOutputAndValue("/bin/sh", shell("echo out; echo bad >&2; kill -TERM $$")),
    ).catch((reason: unknown) => reason);
    expect(killed).toBeInstanceOf(ProcessTerminated);
    expect(killed).toBeInstanceOf(ProcessKilled);
    const { out, err, signal, exitCode } = killed as ProcessKilled;
    expect([String(out), String(err), signal, exitCode]).toEqual(["out\n", "bad\n", 15, null]);
  });

  test("one that is not there is a failure", () => {
    for (const get of [getProcessOutput, getProcessValue, getProcessOutputAndValue]) {
      expect(failureResultOf(get("/no/such/program")).value).toMatchObject({ code: "ENOENT" });
    }
  });
});

describe("with programs of a test", () => {
  let reactor = new SimulatedReactor();
  beforeEach(() => {
    reactor = new SimulatedReactor();
  });

  test("cancelled it is killed, and what it still says is nobody's", async () => {
    reactor.programs.set("/bin/slow", () => {});
    for (const get of [getProcessOutput, getProcessValue, getProcessOutputAndValue]) {
      const result = get("/bin/slow", { reactor });
      result.cancel();
      const child = reactor.processes.at(-1)!;
      expect(child.signals).toEqual([9]);
      expect(failureResultOf(result).value).toBeInstanceOf(CancelledError);
      child.says("late", 2);
      child.exit(null, "KILL");
      await reactor.settle();
    }
  });

  test("the reactor, the arguments and the environment are those that are given", async () => {
    reactor.programs.set("/bin/greet", (child) => {
      child.says(`${child.args.join(" ")} ${JSON.stringify(child.options.env)}`);
      child.exit(0);
    });
    const output = getProcessOutput("/bin/greet", { args: ["ann"], env: { A: "1" }, reactor });
    await reactor.settle();
    expect(String(successResultOf(output))).toBe('/bin/greet ann {"A":"1"}');
  });
});
