import { readlinkSync, readdirSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { ProcessExitedAlready } from "../error.js";
import { NotImplementedError } from "../exceptions.js";
import { ITerminalProcess, type TerminalOptions } from "../interfaces.js";
import { PATH, Recorder, run, shell } from "./fixtures.test.support.js";
import { openMasters, TerminalChild } from "./terminal.js";

class Terminal extends Recorder {
  declare transport: ITerminalProcess;
}

function onTerminal(script: string, usePTY: true | TerminalOptions = true, ...args: string[]): Terminal {
  return run(new Terminal(), ["/bin/sh", "-c", script, "sh", ...args], { usePTY });
}

const isRoot = process.getuid?.() === 0;

describe("a child on a terminal", () => {
  test("has one, of the size, with the modes and in the variable that were asked for", async () => {
    const child = onTerminal("tty; echo $NAME; stty -a", {
      rows: 31,
      columns: 99,
      modes: ["-echo", "intr", "^X", "erase", "undef"],
      nameVariable: "NAME",
    });
    const { terminalName } = child.transport;
    await child.ended;
    expect(terminalName).toMatch(/^\/dev\//);
    expect(child.text.startsWith(`${terminalName}\r\n${terminalName}\r\n`)).toBe(true);
    expect(child.text).toMatch(/rows 31; columns 99/);
    expect(child.text).toMatch(/intr = \^X/);
    expect(child.text).toMatch(/erase = <undef>/);
    expect(child.text).toMatch(/ -echo /);
    expect(child.transport).toBeInstanceOf(ITerminalProcess as never);
  });

  test("hears of both outputs as one, and of the end alone", async () => {
    const child = onTerminal("echo out; echo err >&2; exit 5");
    expect((await child.ended).value).toMatchObject({ exitCode: 5 });
    expect(child.text).toBe("out\r\nerr\r\n");
    // Its output may come after its end, but not after the last event.
    expect(child.events.filter((event) => event !== "data 1")).toEqual(["made", "exited pid null", "ended"]);
    expect(child.events.at(-1)).toBe("ended");
  });

  test("reads what is typed, and control characters act", async () => {
    const child = onTerminal("cat; echo rest; exec sleep 3600");
    child.transport.write("line\n");
    await child.until(() => child.text.includes("line\r\nline\r\n"));
    child.transport.write("\x04");
    await child.until(() => child.text.includes("rest"));
    child.transport.write("\x03");
    expect((await child.ended).value).toMatchObject({ signal: 2 });
  });

  test("is told of a new size, however odd", async () => {
    const child = onTerminal("trap 'stty size' WINCH; echo ready; while :; do read x && break; done");
    await child.until(() => child.text.includes("ready"));
    for (const [rows, columns, size] of [
      [50, 120, "50 120"],
      [2 ** 31, 0, "65535 0"],
    ] as const) {
      child.transport.setWindowSize(rows, columns, 500, 600);
      await child.until(() => child.text.includes(`${size}\r\n`));
    }
    child.transport.write("x\n");
    await child.ended;
    child.transport.setWindowSize(1, 1);
  });

  test("gets a name of its own, and its arguments as they are", async () => {
    const child = run(new Terminal(), ["/bin/bash", "-c", "true"], {});
    await child.ended;
    const named = new Terminal();
    const { spawnProcess } = await import("./spawn.js");
    spawnProcess(
      named,
      "/bin/bash",
      ["-bash", "-c", 'echo "$0"; shopt login_shell; printf "%s|" "$@"', "-x y", "$(no)", "*"],
      {
        env: { PATH },
        usePTY: { modes: ["-echo"] },
      },
    );
    await named.ended;
    expect(named.text).toContain("$(no)|*|");
    expect(named.text).toMatch(/login_shell\s+on/);
  });

  test("has neither descriptors nor addresses", async () => {
    const child = onTerminal("true");
    expect(() => child.transport.writeToChild(0, "")).toThrow(NotImplementedError);
    expect(() => child.transport.closeChildFD(0)).toThrow(NotImplementedError);
    child.transport.closeStdin();
    child.transport.closeStdout();
    child.transport.closeStderr();
    await child.ended;
    expect(() => child.transport.signalGroup("HUP")).toThrow(ProcessExitedAlready);
  });

  test("may close its terminal and go on: nobody hangs it up, and it ends by itself", async () => {
    const child = onTerminal("echo bye; exec <&- >&- 2>&-; sleep 0.2; exit 3");
    expect((await child.ended).value).toMatchObject({ exitCode: 3, signal: null });
    expect(child.text).toBe("bye\r\n");
  });

  test("is hung up when the connection to it is lost, with all that runs there", async () => {
    const child = onTerminal("sleep 3600 & echo $!; wait");
    await child.until(() => child.text.includes("\n"));
    const before = openMasters.size;
    child.transport.loseConnection();
    expect((await child.ended).value).toMatchObject({ signal: 1 });
    expect(openMasters.size).toBe(before - 1);
    child.transport.write("nobody reads it");
    child.transport.resumeProducing();
  });

  test("ends with its leader, whatever runs on in the background", async () => {
    const child = onTerminal("trap '' HUP; sleep 3600 & echo $!; exit 0");
    await child.ended;
    process.kill(Number(child.text), "SIGKILL");
    const noisy = onTerminal("trap '' HUP; yes & echo $!; exit 0");
    await noisy.ended;
    process.kill(Number(/\d+/.exec(noisy.text)![0]), "SIGKILL");
  });
});

describe("who is slow holds the other back", () => {
  test("output that is not wanted stays with the child, and what it wrote last is kept past its end", async () => {
    const child = onTerminal("seq 200000; echo the end");
    child.transport.pauseProducing();
    await shell("sleep 0.3").ended;
    expect(child.bytes).toBe(0);
    expect(child.events).toEqual(["made"]);
    child.transport.resumeProducing();
    await child.ended;
    expect(child.text.endsWith("199999\r\n200000\r\nthe end\r\n")).toBe(true);
    expect(child.text.split("\r\n")).toHaveLength(200_002);

    const short = onTerminal("echo short");
    short.transport.pauseProducing();
    await short.until(() => short.events.includes("exited pid null"));
    await shell("sleep 0.5").ended;
    expect(short.events).not.toContain("ended");
    short.transport.resumeProducing();
    await short.ended;
    expect(short.text).toBe("short\r\n");
  });

  test("a program that does not read makes who types wait, and then gets every byte", async () => {
    const child = onTerminal(
      "stty raw -echo; trap go=yes USR1; echo ready; until [ $go ]; do sleep 0.01; done; head -c 300000 | cksum",
    );
    await child.until(() => child.text.includes("ready"));
    const calls: string[] = [];
    child.transport.registerProducer(
      {
        pauseProducing: () => calls.push("pause"),
        resumeProducing: () => calls.push("resume"),
        stopProducing: () => calls.push("stop"),
      },
      true,
    );
    child.transport.write(Buffer.alloc(300_000, "x"));
    expect(calls).toEqual(["pause"]);
    child.transport.signalProcess("USR1");
    await child.ended;
    expect(calls).toEqual(["pause", "resume", "stop"]);
    const expected = shell("head -c 300000 /dev/zero | tr '\\0' x | cksum");
    await expected.ended;
    expect(child.text).toContain(expected.text.trim());
  });
});

test("no child has the terminals of others", async () => {
  const other = onTerminal("read x");
  const [master] = [...openMasters];
  expect(readlinkSync(`/proc/self/fd/${master}`)).toMatch(/ptmx/);
  expect(readdirSync("/proc/self/fd")).toContain(String(master));
  for (const child of [
    shell("ls -l /proc/self/fd"),
    shell("ls -l /proc/self/fd", { childFDs: { 1: "r" } }),
    onTerminal("ls -l /proc/self/fd"),
    ...(isRoot ? [shell("ls -l /proc/self/fd", { uid: 65534, gid: 65534 })] : []),
  ]) {
    await child.ended;
    expect(child.text).toContain(" 1 -> ");
    expect(child.text).not.toContain("ptmx");
  }
  other.transport.loseConnection();
  await other.ended;
});

test.runIf(isRoot)(
  "as another user a child has all groups of the user and owns its terminal, and we have our own",
  async () => {
    const ours = process.getgroups!();
    const child = new Terminal();
    // It may run before the terminal is handed over, which is done right behind its start.
    const script = 'id -u; id -g; id -G; until test -O "$(tty)"; do sleep 0.01; done; echo opened >"$(tty)"';
    const command = { file: "/bin/sh", executable: "/bin/sh", args: ["/bin/sh", "-c", script] } as const;
    const identity = { uid: 65534, gid: 65534, groups: [65534, 4, 20] };
    TerminalChild.start(child, command, { env: { PATH }, folder: "/", identity }).begin();
    expect(process.getgroups!()).toEqual(ours);
    await child.ended;
    const [uid, gid, groups, opened] = child.text.trim().split("\r\n");
    expect([uid, gid, opened]).toEqual(["65534", "65534", "opened"]);
    expect(
      groups!
        .split(" ")
        .map(Number)
        .toSorted((a, b) => a - b),
    ).toEqual([4, 20, 65534]);
  },
);

test("without node-pty the error says what to install", async () => {
  vi.resetModules();
  vi.doMock("node:module", () => ({
    createRequire: () => () => {
      throw Object.assign(new Error("Cannot find module"), { code: "MODULE_NOT_FOUND" });
    },
  }));
  const { spawnProcess } = await import("./spawn.js");
  expect(() => spawnProcess(new Recorder(), "/bin/sh", [], { usePTY: true })).toThrow(/npm install node-pty@/);
  vi.doUnmock("node:module");
});
