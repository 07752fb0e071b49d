import { PassThrough } from "node:stream";
import { Deferred } from "@strombus/reactor/defer";
import { ProcessDone } from "@strombus/reactor/error";
import { RuntimeError, ValueError } from "@strombus/reactor/exceptions";
import type { Failure } from "@strombus/reactor/failure";
import { globalLogBeginner } from "@strombus/reactor/logger";
import { Protocol } from "@strombus/reactor/protocol";
import { captureLoggedErrors, FakeProcess, flushLoggedErrors } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { TerminalProtocol } from "./insults/insults.js";
import { type Call, RecordingProtocol } from "./insults/recorder.test.support.js";
import { main, runWithProtocol, TerminalProcessProtocol, UnexpectedOutputError } from "./stdio.js";

globalLogBeginner.beginLoggingTo([], { redirectStandardIO: false, discardBuffer: true }); // not to stderr

describe("on the terminal of the process", () => {
  /** A terminal of 100 columns and 30 rows, and a reactor that runs until it is stopped. */
  function local() {
    const modes: boolean[] = [];
    const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (mode: boolean) => modes.push(mode) });
    const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 100, rows: 30 });
    const stopped = new Deferred<void>();
    const reactor = {
      openTransports: new Set<never>(),
      callWhenRunning: (call: () => unknown) => (call(), null),
      run: () => Promise.resolve(stopped),
      stop: () => (stopped.called ? undefined : stopped.callback()),
    };
    return { modes, stdin, stdout, reactor, written: () => String(stdout.read() ?? "") };
  }

  function listeners(): number {
    return ["exit", "SIGHUP", "SIGQUIT"].reduce((sum, name) => sum + process.listenerCount(name), 0);
  }

  test("it has raw mode, the size and its changes, and the keys; then the mode is as it was", async () => {
    const { modes, stdin, stdout, reactor, written } = local();
    const before = listeners();
    const protocol = new RecordingProtocol();
    const running = runWithProtocol(() => protocol, { stdin, stdout, reactor });
    expect(modes).toEqual([true]);
    stdin.write("a\x03");
    await new Promise(setImmediate);
    Object.assign(stdout, { columns: 90 });
    stdout.emit("resize");
    const calls: Call[] = [
      ["connectionMade"],
      ["size", 100, 30],
      ["key", "a", null],
      ["key", "\x03", null],
      ["size", 90, 30],
    ];
    expect(protocol.calls).toEqual(calls);
    protocol.terminal.loseConnection();
    await running;
    expect(protocol.calls.at(-1)?.[0]).toBe("lost");
    expect([modes, written(), stdin.destroyed, listeners()]).toEqual([[true, false], "\x1bc", false, before]);
  });

  class Failing extends TerminalProtocol {
    override keystrokeReceived(): never {
      throw new Error("no key");
    }
  }

  class FailingLater extends TerminalProtocol {
    override terminalSize(): Promise<never> {
      return Promise.reject(new Error("no size"));
    }
  }

  class Unmade extends TerminalProtocol {
    constructor() {
      super();
      throw new Error("no protocol");
    }
  }

  test.each([Failing, FailingLater, Unmade].map((klass) => [klass.name, klass] as const))(
    "the mode is as it was when it is %s",
    async (_, klass) => {
      captureLoggedErrors();
      const { modes, stdin, stdout, reactor } = local();
      const running = runWithProtocol(klass, { stdin, stdout, reactor });
      stdin.write("a");
      await running;
      expect(flushLoggedErrors().length).toBe(1);
      expect(modes).toEqual([true, false]);
    },
  );

  test("the mode is as it was when the terminal hangs up, or the reactor cannot run", async () => {
    for (const hangUp of [
      (stdin: PassThrough) => stdin.end(),
      (stdin: PassThrough) => stdin.emit("error", new Error("EIO")),
    ]) {
      const { modes, stdin, stdout, reactor } = local();
      const running = runWithProtocol(TerminalProtocol, { stdin, stdout, reactor });
      hangUp(stdin);
      await running;
      expect(modes).toEqual([true, false]);
    }
    const { modes, stdin, stdout, reactor, written } = local();
    const fails = { ...reactor, run: () => Promise.reject(new Error("it runs already")) };
    await expect(runWithProtocol(TerminalProtocol, { stdin, stdout, reactor: fails })).rejects.toThrow("runs already");
    expect([modes, written()]).toEqual([[true, false], "\r\x1bc\r"]);
  });

  test("no terminal is a clear error", async () => {
    const { stdin, stdout, reactor } = local();
    for (const wrong of [{ stdin: new PassThrough() }, { stdout: new PassThrough() }]) {
      const running = runWithProtocol(TerminalProtocol, { stdin, stdout, reactor, ...wrong });
      await expect(running).rejects.toThrow(RuntimeError);
    }
  });

  test.each(["nowhere", "nowhere:Editor", "./nowhere.js:Editor", "node:fs:readFileSync", "node:fs:__proto__"])(
    "%s is no class",
    async (name) => {
      await expect(main([name])).rejects.toThrow(ValueError);
    },
  );
});

describe("on a child", () => {
  class Recorder extends Protocol {
    readonly events: unknown[] = [];
    override connectionMade(): void {
      this.events.push("made");
    }
    override dataReceived(data: Buffer): void {
      this.events.push(data.toString());
    }
    childConnectionLost(childFD: number): void {
      this.events.push(childFD);
    }
    override connectionLost(reason: Failure): void {
      this.events.push(reason.value);
    }
  }

  function started() {
    const proto = new Recorder();
    const protocol = new TerminalProcessProtocol(proto);
    const connected: unknown[] = [];
    protocol.onConnection!.addCallback(() => connected.push([...proto.events]));
    const child = new FakeProcess(protocol, "/bin/editor", [], {});
    child.begin();
    return { proto, protocol, child, connected };
  }

  test("it is connected, then onConnection fires and is gone", () => {
    const { protocol, connected } = started();
    expect([connected, protocol.onConnection]).toEqual([[["made"]], null]);
  });

  test("what it writes goes to the child, what that writes comes to it, and its end is told once", () => {
    const { proto, child } = started();
    proto.transport!.write("in");
    proto.transport!.writeSequence(["put", "!"]);
    expect(child.input).toBe("input!");
    child.says("output");
    child.exit(0);
    expect(proto.events).toEqual(["made", "output", 0, 1, 2, expect.any(ProcessDone)]);
  });

  test("error output is the end, and is in the error", () => {
    const { proto, child } = started();
    child.says("oh\x1b no", 2);
    expect(child.disconnecting).toBe(true);
    child.says("more", 2);
    child.says("output");
    child.exit(1);
    const [, error, ...rest] = proto.events as [string, UnexpectedOutputError];
    expect([error, rest]).toEqual([expect.any(UnexpectedOutputError), []]);
    expect([error.data.toString(), error.message]).toEqual(["oh\x1b no", "unexpected output: oh\\x1b no"]);
  });
});
