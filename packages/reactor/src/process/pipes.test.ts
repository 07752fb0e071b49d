import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ProcessDone, ProcessExitedAlready, ProcessTerminated } from "../error.js";
import { KeyError, NotImplementedError, OSError, ValueError } from "../exceptions.js";
import type { IPushProducer } from "../interfaces.js";
import { IChildProcess } from "../interfaces.js";
import { ProcessProtocol } from "../protocol.js";
import { captureLoggedErrors, flushLoggedErrors } from "../testing/logged.js";
import { NodeReactor } from "../reactor.js";
import { asUser } from "./command.js";
import { PATH, Recorder, run, shell } from "./fixtures.test.support.js";
import { PipedChild } from "./pipes.js";
import { spawnProcess } from "./spawn.js";

const folder = mkdtempSync(join(tmpdir(), "strombus-process-"));
afterAll(() => rmSync(folder, { recursive: true }));

const isRoot = process.getuid?.() === 0;

describe("events", () => {
  test("come in Twisted's order: made, data, each descriptor's end, exited without a pid, and ended last", async () => {
    const child = shell("echo out; echo err >&2; cat");
    expect(child.events).toEqual(["made"]);
    expect(child.transport.pid).toBeGreaterThan(1);
    child.transport.write("more\n");
    child.transport.closeStdin();
    const reason = await child.ended;
    expect(child.text).toBe("out\nmore\n");
    expect(child.errors).toBe("err\n");
    expect(reason.value).toBeInstanceOf(ProcessDone);
    expect(child.events[0]).toBe("made");
    expect(child.events.at(-1)).toBe("ended");
    expect(child.events.filter((event) => !event.startsWith("data")).toSorted()).toEqual(
      ["made", "lost 0", "lost 1", "lost 2", "exited pid null", "ended"].toSorted(),
    );
    expect(child.events.lastIndexOf("data 1")).toBeLessThan(child.events.indexOf("lost 1"));
    expect(child.events.lastIndexOf("data 2")).toBeLessThan(child.events.indexOf("lost 2"));
  });

  test("end with the exit code, or with the signal's number", async () => {
    expect((await shell("exit 7").ended).value).toMatchObject({ exitCode: 7, signal: null, status: 7 * 256 });
    const killed = (await shell("kill -USR1 $$").ended).value;
    expect(killed).toBeInstanceOf(ProcessTerminated);
    expect(killed).toMatchObject({ exitCode: null, signal: 10, status: 10 });
  });

  test("the last waits for what the child's own child still writes", async () => {
    const child = shell("(read line; echo $line) & exec 0</dev/null; exit 3", { childFDs: { 0: "w", 1: "r", 3: "w" } });
    await child.until(() => child.events.includes("exited pid null"));
    expect(child.events).not.toContain("ended");
    child.transport.loseConnection();
    expect((await child.ended).value).toMatchObject({ exitCode: 3 });
  });

  test("a protocol that fails is logged, and hears the rest", async () => {
    class Failing extends Recorder {
      override connectionMade(): void {
        throw new Error("made");
      }
      override childConnectionLost(fd: number): void {
        super.childConnectionLost(fd);
        throw new Error(`lost ${fd}`);
      }
      override processExited(): never {
        throw new Error("exited");
      }
    }
    captureLoggedErrors();
    const child = run(new Failing(), ["/bin/sh", "-c", "echo x"]);
    await child.ended;
    expect(child.text).toBe("x\n");
    const errors = flushLoggedErrors().map((failure) => (failure.value as Error).message);
    expect(errors.toSorted()).toEqual(["exited", "lost 0", "lost 1", "lost 2", "made"].toSorted());
  });
});

describe("a child gets", () => {
  test("its arguments unchanged, its own name first", async () => {
    const odd = ["a b", "$(echo no)", "*", "'", '"', "\\", "\n", "", "ü€"];
    const child = shell('printf "%s|" "$@"', {}, ...odd);
    await child.ended;
    expect(child.text).toBe(odd.map((arg) => `${arg}|`).join(""));
    const login = new Recorder();
    spawnProcess(login, "/bin/sh", ["-sh", "-c", "echo $0"]);
    await login.ended;
    expect(login.text).toBe("-sh\n");
  });

  // PIN
  test("its interpreter, if it is a script with a line that names one", async () => {
    const script = join(folder, "script");
    writeFileSync(script, '#!/bin/sh -u\necho "$- $#: $1"\n', { mode: 0o755 });
    const child = run(new Recorder(), [script, "two words"]);
    await child.ended;
    expect(child.text).toMatch(/^\w*u\w* 1: two words\n$/);
  });

  test("no environment unless one is given, ours for null", async () => {
    const none = run(new Recorder(), ["/usr/bin/env"], { env: {} });
    await none.ended;
    expect(none.text).toBe("");
    const given = run(new Recorder(), ["/usr/bin/env"], { env: { A: "1", __proto__x: "2" } });
    await given.ended;
    expect(given.text.split("\n").toSorted()).toEqual(["", "A=1", "__proto__x=2"]);
    process.env["STROMBUS_TEST"] = "inherited";
    const inherited = run(new Recorder(), ["env"], { env: null });
    await inherited.ended;
    delete process.env["STROMBUS_TEST"];
    expect(inherited.text).toContain("STROMBUS_TEST=inherited\n");
  });

  test("its working directory", async () => {
    const child = shell("pwd -P", { path: "/usr" });
    await child.ended;
    expect(child.text).toBe("/usr\n");
  });

  test("the descriptors that are named, and no others of ours", async () => {
    const fd = openSync("/dev/null", "r");
    const child = shell("cat <&4 >&3; ls /proc/self/fd", { childFDs: { 1: "r", 3: "r", 4: "w" } });
    child.transport.writeToChild(4, "through three and four\n");
    child.transport.closeChildFD(4);
    await child.ended;
    expect(child.text).toContain("through three and four\n");
    expect(child.text.split("\n")).not.toContain(String(fd));
    expect(child.events).toEqual(expect.arrayContaining(["lost 1", "lost 3", "lost 4"]));
    expect(child.events).not.toContain("lost 0");
  });

  test("a descriptor of ours where a number says so", async () => {
    const file = join(folder, "out");
    writeFileSync(file, "");
    await shell("echo into the file", { childFDs: { 1: openSync(file, "w") } }).ended;
    expect(readFileSync(file, "utf8")).toBe("into the file\n");
  });

  test("signals at their defaults, whatever we do about them", async () => {
    process.on("SIGHUP", nothing);
    expect((await shell("kill -HUP $$").ended).value).toMatchObject({ signal: 1 });
    process.off("SIGHUP", nothing);
  });
});

describe("starting", () => {
  test.each([
    ["is not there", "/no/such/program", "ENOENT"],
    ["is nowhere in PATH", "no-such-program", "ENOENT"],
    ["cannot be executed", "/etc/passwd", "EACCES"],
    ["is a folder", "/usr", "EACCES"],
  ])("what %s throws at once", (_, program, code) => {
    const recorder = new Recorder();
    expect(() => run(recorder, [program])).toThrow(expect.objectContaining({ code }) as OSError);
    expect(recorder.events).toEqual([]);
  });

  test("in a folder that is not there, or with what no process can take, throws at once", () => {
    expect(() => shell("", { path: "/no/such/folder" })).toThrow(OSError);
    expect(() => shell("", { path: "/etc/passwd" })).toThrow(OSError);
    expect(() => shell("", {}, "a\0b")).toThrow(ValueError);
    expect(() => shell("", { env: { A: "\0" } })).toThrow(ValueError);
    expect(() => shell("", { usePTY: true, childFDs: {} })).toThrow(ValueError);
  });

  test("the reactor does it, and the result is an IChildProcess", async () => {
    const reactor = new NodeReactor();
    const recorder = new Recorder();
    expect(reactor.spawnProcess(recorder, "true", ["true"], { env: { PATH } })).toBeInstanceOf(IChildProcess as never);
    await recorder.ended;
  });
});

describe("its transport", () => {
  test("signals by number or name, until the process is gone", async () => {
    for (const signal of ["TERM", "SIGTERM", 15]) {
      const child = shell("read x");
      child.transport.signalProcess(signal);
      expect((await child.ended).value).toMatchObject({ signal: 15 });
      expect(() => child.transport.signalProcess("KILL")).toThrow(ProcessExitedAlready);
    }
    const child = shell("read x");
    for (const none of ["NOSUCH", "constructor", 1000, -1, 1.5]) {
      expect(() => child.transport.signalProcess(none)).toThrow(ValueError);
    }
    child.transport.loseConnection();
    await child.ended;
  });

  test("reaches a whole process group when it has a session of its own", async () => {
    const child = shell("sleep 3600 & echo $!; wait", { newSession: true });
    await child.until(() => child.text.endsWith("\n"));
    child.transport.signalGroup("TERM");
    await child.ended; // which waits for all that hold its output
    expect(existsSync(`/proc/${child.text.trim()}/exe`)).toBe(false);
    const ours = shell("read x");
    expect(() => ours.transport.signalGroup("TERM")).toThrow(NotImplementedError);
    ours.transport.loseConnection();
    await ours.ended;
  });

  test("has no address", async () => {
    const child = shell("true");
    expect(() => child.transport.getPeer()).toThrow(NotImplementedError);
    expect(() => child.transport.getHost()).toThrow(NotImplementedError);
    await child.ended;
  });

  test("writes to open descriptors only, and drops input that has nowhere to go", async () => {
    const child = shell("read x", { childFDs: { 0: "w" } });
    expect(() => child.transport.writeToChild(1, "x")).toThrow(KeyError);
    child.transport.closeChildFD(99);
    child.transport.closeStdin();
    expect(() => child.transport.writeToChild(0, "x")).toThrow(KeyError);
    child.transport.write("x");
    await child.ended;
    const deaf = shell("true", { childFDs: {} });
    deaf.transport.write("x");
    let stopped = 0;
    deaf.transport.registerProducer(
      idle(() => (stopped += 1)),
      true,
    );
    expect(stopped).toBe(1);
    await deaf.ended;
  });

  test("closing an output breaks the pipe of a child that writes on", async () => {
    for (const [close, script] of [
      ["closeStdout", "exec yes"],
      ["closeStderr", "exec yes >&2"],
      ["loseConnection", "exec yes"],
    ] as const) {
      const child = shell(script);
      await child.until(() => child.bytes > 0);
      child.transport[close]();
      child.transport.closeStdin();
      expect((await child.ended).value).toBeInstanceOf(ProcessTerminated);
    }
  });
});

describe("who is slow holds the other back", () => {
  test("output that is not wanted stays with the child", async () => {
    const child = new Recorder();
    child.keep = false;
    run(child, ["/bin/sh", "-c", "head -c 20000000 /dev/zero; echo done >&2"]);
    await child.until(() => child.bytes > 0);
    child.transport.pauseProducing();
    const before = child.bytes;
    await shell("sleep 0.3").ended; // time in which it would have written everything
    expect(child.bytes - before).toBeLessThan(300_000);
    expect(child.errors).toBe("");
    child.transport.resumeProducing();
    await child.ended;
    expect(child.bytes).toBe(20_000_000 + "done\n".length);
  });

  test("a pause outlives the child, as far as its own children write on", async () => {
    const child = shell("(trap '' TERM; head -c 20000000 /dev/zero) & kill -TERM $$");
    child.keep = false;
    child.transport.pauseProducing();
    await child.until(() => child.events.includes("exited pid null"));
    await shell("sleep 0.3").ended;
    expect(child.bytes).toBe(0);
    child.transport.resumeProducing();
    await child.until(() => child.bytes > 0);
    child.transport.pauseProducing();
    const before = child.bytes;
    await shell("sleep 0.3").ended;
    expect(child.bytes - before).toBeLessThan(300_000);
    child.transport.resumeProducing();
    await child.ended;
    expect(child.bytes).toBe(20_000_000);
  });

  test("what a child that is gone has said waits until it is wanted, and so does the end", async () => {
    const child = shell("echo out; echo err >&2");
    child.transport.pauseProducing();
    await child.until(() => child.events.includes("exited pid null"));
    await shell("sleep 0.1").ended;
    expect([child.text, child.errors]).toEqual(["", ""]);
    expect(child.events).not.toContain("ended");
    child.transport.resumeProducing();
    await child.ended;
    expect([child.text, child.errors]).toEqual(["out\n", "err\n"]);
  });

  test("a producer is told to wait until the child has read all, and its last bytes come before the end", async () => {
    const child = shell("read go; wc -c", {});
    const calls: string[] = [];
    child.transport.registerProducer(
      {
        pauseProducing: () => calls.push("pause"),
        resumeProducing: () => {
          calls.push("resume");
          child.transport.unregisterProducer();
          child.transport.write("the end");
          child.transport.closeStdin();
        },
        stopProducing: () => calls.push("stop"),
      },
      true,
    );
    expect(() => child.transport.registerProducer(idle(), true)).toThrow("already");
    const chunk = Buffer.alloc(65536, "x");
    let sent = 0;
    while (!calls.includes("pause")) {
      child.transport.write(sent === 0 ? "go\n" : chunk);
      sent += sent === 0 ? 3 : chunk.length;
    }
    await child.ended;
    expect(calls).toEqual(["pause", "resume"]);
    expect(Number(child.text)).toBe(sent - 3 + "the end".length);
  });

  test("a pull producer is asked for more whenever the child has taken all", async () => {
    const child = shell("wc -c");
    let left = 50;
    child.transport.registerProducer(
      {
        resumeProducing: () => {
          if (left-- > 0) child.transport.write(Buffer.alloc(1000));
          else child.transport.unregisterProducer();
        },
        stopProducing: () => undefined,
      },
      false,
    );
    child.transport.closeStdin(); // waits for the producer
    await child.ended;
    expect(Number(child.text)).toBe(50_000);
  });

  test("a producer is stopped when the child takes nothing more", async () => {
    const child = shell("exit 0");
    const stopped = new Promise<void>((resolve) => child.transport.registerProducer(idle(resolve), true));
    await child.ended;
    await stopped;
  });
});

describe.runIf(isRoot)("as another user", () => {
  test("a child has the user's ids, and the groups of the user alone", async () => {
    const child = shell("id -u; id -g; id -G", { uid: 65534, gid: 65534 });
    await child.ended;
    expect(child.text).toBe("65534\n65534\n65534\n");
    expect(process.getgroups!()).toEqual(expect.arrayContaining([process.getegid!()]));
    expect(process.geteuid!()).toBe(0);
  });

  test("a child keeps all groups, its name and its arguments", async () => {
    const args = ["-name", "-c", 'echo $0; printf "%s|" "$@"; id -u; id -g; id -G', "$0", "a b"] as const;
    const command = asUser(
      { file: "/bin/bash", executable: "/bin/bash", args },
      { uid: 65534, gid: 65534, groups: [65534, 4, 20] },
    );
    const child = new Recorder();
    PipedChild.start(child, command!, {
      env: { PATH },
      folder: "/",
      ids: null,
      childFDs: { 1: "r", 2: "r" },
      newSession: false,
    }).begin();
    await child.ended;
    expect(child.errors).toBe("");
    const [zero, ids, gid, groups] = child.text.split("\n");
    expect([zero, ids, gid]).toEqual(["$0", "a b|65534", "65534"]);
    expect(
      groups!
        .split(" ")
        .map(Number)
        .toSorted((a, b) => a - b),
    ).toEqual([4, 20, 65534]);
  });

  /** Whether any user may enter all folders on the way: a Node of root's own, say, is for root alone. */
  const isOpenToAll = (path: string): boolean =>
    path === dirname(path) || ((statSync(path).mode & 1) === 1 && isOpenToAll(dirname(path)));
  const reachable = isOpenToAll(process.execPath) && isOpenToAll(import.meta.dirname);

  test.runIf(reachable)("nobody but root can do so", async () => {
    const child = new Recorder();
    const script = `
      import { reactor } from "@strombus/reactor";
      import { ProcessProtocol } from "@strombus/reactor/protocol";
      try { reactor.spawnProcess(new ProcessProtocol(), "true", [], { uid: 1 }); } catch (error) { console.log(error.code); }
      reactor.spawnProcess(new ProcessProtocol(), "/bin/true", [], { uid: 65534, gid: 65534 });`;
    spawnProcess(child, process.execPath, ["node", "--input-type=module", "-e", script], {
      env: { PATH },
      uid: 65534,
      gid: 65534,
      path: import.meta.dirname,
    });
    await child.ended;
    expect(child.text + child.errors).toBe("EPERM\n");
  });
});

function idle(stopProducing: () => void = nothing): IPushProducer {
  return { pauseProducing: nothing, resumeProducing: nothing, stopProducing };
}

function nothing(): void {}

test("a ProcessProtocol that does nothing will do", async () => {
  const ended = new Promise<void>((resolve) => {
    const quiet = new (class extends ProcessProtocol {
      override processEnded(): void {
        resolve();
      }
    })();
    spawnProcess(quiet, "/bin/echo", ["echo"]);
  });
  await ended;
});
