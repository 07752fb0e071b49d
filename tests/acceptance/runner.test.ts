/** `strombus run`: an application as a process of the system. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import type { Program } from "../support/program.js";
import { freePort } from "../support/ports.js";
import { datagramsModule, EchoClient, echoModule, statusOf, strombus, visit, whoAnswers } from "../support/runner.js";

const isRoot = process.getuid?.() === 0;

interface Running {
  readonly program: Program;
  readonly port: number;
  readonly folder: string;
}

async function start(options: readonly string[] = [], { folder = temporaryFolder(), env = {} } = {}): Promise<Running> {
  const port = await freePort();
  const program = strombus(["run", ...options, echoModule, String(port)], { cwd: folder, env });
  await program.stdout.until(/runs? (as|under) process/);
  return { program, port, folder };
}

describe("one process", () => {
  test("serves, and ends with status 0 on SIGTERM", async () => {
    const { program, port } = await start();
    const client = new EchoClient(port);
    await client.greeting();
    await client.echo("hello");
    client.close();
    await client.ended;
    expect(await program.kill()).toEqual({ status: 0, signal: null });
    expect(program.stdout.text).toMatch(/\[stdout#info\] echoed 6 bytes/);
    expect(program.stderr.text).toBe("");
  });

  test("drains: told to stop it is not ready, accepts nobody, and lets connections end by themselves", async () => {
    const health = await freePort();
    const { program, port } = await start(["--health", String(health), "--drain", "60"]);
    expect([await statusOf(health, "/ready"), await statusOf(health, "/live")]).toEqual([200, 200]);
    expect([await statusOf(health, "/other"), await statusOf(health, "/ready", "POST")]).toEqual([404, 405]);
    const client = new EchoClient(port);
    await client.greeting();
    const ending = program.kill();
    await program.stdout.until("shutting down");
    await client.echo("still here");
    expect([await statusOf(health, "/ready"), await statusOf(health, "/live")]).toEqual([503, 200]);
    await expect(visit(port)).rejects.toThrow();
    client.close();
    expect(await ending).toEqual({ status: 0, signal: null });
  });

  test("goes on accepting for the drain delay, while it says that it is not ready", async () => {
    const health = await freePort();
    const { program, port } = await start(["--health", String(health), "--drain-delay", "60"]);
    const ending = program.kill();
    await program.stdout.until("shutting down");
    expect(await statusOf(health, "/ready")).toBe(503);
    await visit(port);
    void program.kill("SIGINT"); // the second signal means it
    expect(await ending).toEqual({ status: 130, signal: null });
  });

  test("closes what is left when the drain time is up", async () => {
    const { program, port } = await start(["--drain", "0.2"]);
    const client = new EchoClient(port);
    await client.greeting();
    expect(await program.kill()).toEqual({ status: 0, signal: null });
    await client.ended;
    expect(program.stdout.text).toMatch(/closing 1 connections after 0\.2 seconds/);
  });

  test("logs to a file, as JSON where that is asked for, from a level on", async () => {
    const { program, port, folder } = await start(["--json"]);
    await visit(port);
    await program.kill();
    const events = program.stdout.lines.map((line) => JSON.parse(line) as { log_namespace: string });
    expect(events.map(({ log_namespace }) => log_namespace)).toContain("strombus.runner");

    const second = strombus(["run", "--logfile", "log", "--log-level", "warn", echoModule, String(port)], {
      cwd: folder,
    });
    await expect.poll(() => visit(port).catch(() => null), { timeout: 15_000 }).not.toBe(null);
    await second.kill();
    expect(second.stdout.text).toBe("");
    expect(readFileSync(join(folder, "log"), "utf8")).toBe("");
  });
});

describe("a log file that was moved away", () => {
  /** How often each of the files tells of bytes that were echoed. */
  const echoes = (folder: string): number[] =>
    ["log.1", "log"].map((name) => readFileSync(join(folder, name), "utf8").split("echoed 4 bytes").length - 1);

  async function talk(port: number): Promise<number> {
    const client = new EchoClient(port);
    const { pid } = await client.greeting();
    await client.echo("one");
    client.close();
    await client.ended;
    return pid;
  }

  for (const processes of [[], ["--processes", "2"]]) {
    test(`is made anew on SIGUSR2 ${processes.join(" ")}, and no line is lost`, async () => {
      const [port, folder] = [await freePort(), temporaryFolder()];
      const options = ["--logfile", "log", "--pidfile", "pid", ...processes];
      const program = strombus(["run", ...options, echoModule, String(port)], { cwd: folder });
      const log = join(folder, "log");
      await expect
        .poll(() => existsSync(log) && readFileSync(log, "utf8"), { timeout: 15_000 })
        .toMatch(/runs? .*process/);
      for (let visits = 0; visits < 3; visits++) await talk(port);
      renameSync(log, join(folder, "log.1"));
      await talk(port);
      process.kill(Number(readFileSync(join(folder, "pid"), "utf8")), "SIGUSR2");
      await expect.poll(() => existsSync(log), { timeout: 15_000 }).toBe(true);
      // Each worker when it hears of it: at last all are in the new file.
      await expect
        .poll(
          async () => {
            const before = echoes(folder)[0];
            for (let visits = 0; visits < 8; visits++) await talk(port);
            return echoes(folder)[0] === before;
          },
          { timeout: 15_000 },
        )
        .toBe(true);
      expect(await program.kill()).toEqual({ status: 0, signal: null });
      const [old, current] = echoes(folder);
      expect(old).toBeGreaterThanOrEqual(4);
      expect((old! + current! - 4) % 8).toBe(0);
    });
  }

  test("and that cannot be made anew goes on, and tells why", async () => {
    const [port, folder] = [await freePort(), temporaryFolder()];
    mkdirSync(join(folder, "logs"));
    const program = strombus(["run", "--logfile", "logs/log", "--pidfile", "pid", echoModule, String(port)], {
      cwd: folder,
    });
    const log = (name: string): string => readFileSync(join(folder, name), "utf8");
    await expect
      .poll(() => existsSync(join(folder, "logs/log")) && log("logs/log"), { timeout: 15_000 })
      .toMatch(/runs/);
    renameSync(join(folder, "logs"), join(folder, "moved"));
    await talk(port);
    process.kill(Number(log("pid")), "SIGUSR2");
    await expect.poll(() => log("moved/log"), { timeout: 15_000 }).toMatch(/cannot open logs\/log anew[^]*ENOENT/);
    await talk(port);
    expect(await program.kill()).toEqual({ status: 0, signal: null });
    expect(log("moved/log").split("echoed").length).toBe(3);
  });
});

test("told to stop while a service takes its time to start, it stops", async () => {
  const folder = temporaryFolder();
  const source = "export const application = { startService: () => new Promise(() => console.log('starting')) };";
  const members = "setName setServiceParent disownServiceParent privilegedStartService stopService".split(" ");
  const rest = members.map((name) => `application.${name} = () => {};`).join("\n");
  writeFileSync(join(folder, "app.mjs"), `${source}\n${rest}\n`);
  const program = strombus(["run", "--pidfile", "pid", "app.mjs"], { cwd: folder });
  await program.stdout.until("starting\n");
  expect(await program.kill()).toEqual({ status: 0, signal: null });
  expect(existsSync(join(folder, "pid"))).toBe(false);
});

describe("the pid file", () => {
  test("holds the process id while it runs, and keeps a second one from running", async () => {
    const { program, port, folder } = await start(["--pidfile", "pid"]);
    const { pid } = await visit(port);
    expect(readFileSync(join(folder, "pid"), "utf8")).toBe(`${pid}\n`);
    const second = strombus(["run", "--pidfile", "pid", echoModule, String(port)], { cwd: folder });
    expect(await second.ending).toEqual({ status: 1, signal: null });
    expect(second.stderr.text).toBe(`strombus: process ${pid} runs already, says pid\n`);
    await program.kill();
    expect(existsSync(join(folder, "pid"))).toBe(false);
  });

  test("of a process that is gone is replaced", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "pid"), "4194304\n"); // above every process id
    const { program, port } = await start(["--pidfile", "pid"], { folder });
    expect(readFileSync(join(folder, "pid"), "utf8")).toBe(`${(await visit(port)).pid}\n`);
    await program.kill();
  });

  test("that is something else stays as it is", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "pid"), "not a number\n");
    const program = strombus(["run", "--pidfile", "pid", echoModule, "0"], { cwd: folder });
    expect((await program.ending).status).toBe(1);
    expect(program.stderr.text).toMatch(/pid is no pid file/);
    expect(readFileSync(join(folder, "pid"), "utf8")).toBe("not a number\n");
  });
});

describe("privileges", () => {
  test.runIf(isRoot)("are given up for a user and that user's groups", async () => {
    const { program, port } = await start(["--uid", "nobody"]);
    const { uid, gid, groups } = await visit(port);
    expect([uid === 65534, gid === 65534, groups.includes(0)]).toEqual([true, true, false]);
    await program.kill();
  });

  test.runIf(isRoot)("are given up for numbers, too", async () => {
    const { program, port } = await start(["--uid", "12345", "--gid", "23456"]);
    const { uid, gid, groups } = await visit(port);
    expect([uid, gid, groups]).toEqual([12345, 23456, [23456]]);
    await program.kill();
  });

  test("that cannot be given up keep the application from starting", async () => {
    const program = strombus(["run", "--uid", "no-such-user", echoModule, "0"]);
    expect((await program.ending).status).toBe(1);
    expect(program.stderr.text).toMatch(/^strombus: cannot become no-such-user: /);
  });
});

describe("a module", () => {
  const source = join(root, "tests/support/runner-echo.ts");

  test.runIf(Boolean((process.features as { typescript?: unknown }).typescript))("may be TypeScript", async () => {
    const port = await freePort();
    const program = strombus(["run", source, String(port)]);
    await program.stdout.until("runs as process");
    await visit(port);
    await program.kill();
  });

  test.skipIf(Boolean((process.features as { typescript?: unknown }).typescript))(
    "in TypeScript is refused, with what to do, where Node.js cannot load it",
    async () => {
      const program = strombus(["run", source, "0"]);
      expect((await program.ending).status).toBe(1);
      expect(program.stderr.text).toMatch(
        /cannot load TypeScript: compile .* and run the JavaScript, or use Node.js 22\.18/,
      );
    },
  );

  for (const [what, text, message] of [
    ["without a service", "export const other = 1;", /exports no service/],
    ["with something else", "export const application = 1;", /exports no service/],
    ["that throws", 'throw new Error("at once");', /cannot load app\.mjs: Error: at once/],
    ["that cannot be parsed", "export const = 1;", /cannot load app\.mjs: SyntaxError/],
  ] as const) {
    test(`${what} is an error for its user`, async () => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, "app.mjs"), text);
      const program = strombus(["run", "app.mjs"], { cwd: folder });
      expect(await program.ending).toEqual({ status: 1, signal: null });
      expect(program.stderr.text).toMatch(message);
    });
  }

  test.each([
    ["no-such.js", /^strombus: cannot load no-such\.js: there is no file \S+\/no-such\.js\n$/],
    [
      "@strombus/conch/no-such",
      /there is no file \S+, nor a package that exports it in the node_modules of this folder\n$/,
    ],
  ])("that is not there is an error in one line: %s", async (path, message) => {
    const program = strombus(["run", path], { cwd: temporaryFolder() });
    expect(await program.ending).toEqual({ status: 1, signal: null });
    expect(program.stderr.text).toMatch(message);
  });

  test("with Options is shown with them by --help, and a wrong one leads there", async () => {
    const tap = join(root, "packages/conch/lib/tap.js");
    const help = strombus(["run", tap, "--help"]);
    expect(await help.ending).toEqual({ status: 0, signal: null });
    expect(help.stdout.lines[0]).toBe(`Usage: strombus run [options of strombus] ${tap} [options]`);
    const wrong = strombus(["run", tap, "--wrong"]);
    expect(await wrong.ending).toEqual({ status: 1, signal: null });
    expect(wrong.stderr.text).toBe(`strombus: option --wrong not recognized: see strombus run ${tap} --help\n`);
  });

  test("whose port is taken is an error for its user", async () => {
    const { program, port } = await start();
    const second = strombus(["run", echoModule, String(port)]);
    expect(await second.ending).toEqual({ status: 1, signal: null });
    expect(second.stderr.text).toMatch(/^strombus: the privileged services did not start: .*EADDRINUSE/);
    await program.kill();
  });
});

describe("the command line", () => {
  for (const [args, message] of [
    [[], /There is only "run"/],
    [["run"], /no module was named/],
    [["run", "--what", "x.js"], /Unknown option '--what'/],
    [["run", "--drain", "soon", "x.js"], /--drain takes seconds, not "soon"/],
    [["run", "--processes", "0", "x.js"], /--processes is a number from 1/],
    [["run", "--health", "everywhere", "x.js"], /--health takes a port/],
    [["run", "--log-level", "loud", "x.js"], /--log-level is debug/],
  ] as const) {
    test(`${args.join(" ") || "(nothing)"} is refused`, async () => {
      const program = strombus(args);
      expect((await program.ending).status).toBe(1);
      expect(program.stderr.text).toMatch(message);
    });
  }

  test("--help explains it", async () => {
    const program = strombus(["--help"]);
    expect((await program.ending).status).toBe(0);
    expect(program.stdout.text).toMatch(/^usage: strombus run/);
  });
});

/** A `systemd-notify` that writes down what it was given. */
function notifier(): { env: NodeJS.ProcessEnv; messages: () => string[] } {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/systemd-notify"), `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> ${folder}/messages\n`);
  chmodSync(join(folder, "bin/systemd-notify"), 0o755);
  return {
    env: { PATH: `${folder}/bin:${process.env["PATH"] ?? ""}`, NOTIFY_SOCKET: "/run/there" },
    messages: () => {
      const path = join(folder, "messages");
      return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
    },
  };
}

describe("systemd", () => {
  test("hears that it is ready, that it lives, and that it stops; the application knows nothing of it", async () => {
    const { env, messages } = notifier();
    const { program, port } = await start([], { env: { ...env, WATCHDOG_USEC: "100000" } });
    expect((await visit(port)).told).toBe(null);
    await expect.poll(messages, { timeout: 15_000 }).toContain("/run/there WATCHDOG=1");
    expect(messages()[0]).toBe("/run/there READY=1");
    expect(messages()).not.toContain("/run/there STOPPING=1");
    await program.kill();
    expect(messages()).toContain("/run/there STOPPING=1");
  });

  test("whose program is missing is no reason not to run", async () => {
    const { program, port } = await start([], { env: { PATH: "/nowhere", NOTIFY_SOCKET: "/run/there" } });
    await visit(port);
    await program.kill();
    expect(program.stdout.text).toMatch(/systemd was not told READY=1/);
  });
});

describe("several processes", () => {
  test("share a port, and one that dies is replaced", async () => {
    const { program, port } = await start(["--processes", "2", "--drain", "5"]);
    const pids = new Set<number>();
    const clients: EchoClient[] = [];
    // Connections that are held go to whoever is free: with many, that is each.
    await expect
      .poll(
        async () => {
          const client = new EchoClient(port);
          clients.push(client);
          return pids.add((await client.greeting()).pid).size;
        },
        { timeout: 15_000, interval: 1 },
      )
      .toBe(2);
    for (const client of clients) client.close();
    const [victim, other] = [...pids];
    process.kill(victim!, "SIGKILL");
    await program.stdout.until(`process ${victim} ended by itself (SIGKILL)`);
    await program.stdout.until("runs as process");
    await expect.poll(async () => (await visit(port)).pid, { timeout: 15_000, interval: 1 }).not.toBe(other);
    expect(await program.kill()).toEqual({ status: 0, signal: null });
  });

  test("are restarted without refusing a connection, or losing one", async () => {
    const { program, port } = await start(["--processes", "2", "--drain", "30"]);
    const old = new EchoClient(port);
    const before = await old.greeting();
    let restarted = false;
    const pids = new Set<number>();
    const visitor = async (): Promise<number> => {
      let visits = 0;
      for (; !restarted; visits++) pids.add((await visit(port)).pid);
      return visits;
    };
    const visitors = Array.from({ length: 4 }, visitor);
    for (let restart = 0; restart < 3; restart++) {
      process.kill(await supervisorOf(program), "SIGHUP");
      await program.stdout.until("the processes were replaced");
    }
    restarted = true;
    const visits = (await Promise.all(visitors)).reduce((sum, each) => sum + each, 0); // a refused one would have thrown
    expect(visits).toBeGreaterThan(20);
    expect(pids.size).toBeGreaterThan(2);
    await old.echo("an old connection lives on");
    expect((await visit(port)).pid).not.toBe(before.pid);
    old.close();
    expect(await program.kill()).toEqual({ status: 0, signal: null });
  });

  test("share a UDP port, also over a restart", async () => {
    const port = await freePort();
    const program = strombus(["run", "--processes", "2", datagramsModule, String(port)]);
    await program.stdout.until("processes run under process");
    const pids = new Set<string>();
    const ask = async (): Promise<number> => pids.add(await whoAnswers(port)).size;
    await ask();
    process.kill(await supervisorOf(program), "SIGHUP");
    await program.stdout.until("the processes were replaced");
    await expect.poll(ask, { timeout: 15_000, interval: 1 }).toBeGreaterThan(1);
    expect(await program.kill()).toEqual({ status: 0, signal: null });
  });

  test("cannot share a UNIX socket, and say so", async () => {
    const path = join(temporaryFolder(), "socket");
    const program = strombus(["run", "--processes", "2", datagramsModule, path]);
    expect(await program.ending).toEqual({ status: 1, signal: null });
    expect(program.stdout.text + program.stderr.text).toContain("several processes cannot share a UNIX socket");
  });

  test("go on when a new version does not start", async () => {
    const { program, port, folder } = await start(["--processes", "1"]);
    const { pid } = await visit(port);
    writeFileSync(join(folder, "broken"), "");
    process.kill(await supervisorOf(program), "SIGHUP");
    await program.stdout.until("the new process did not start; those that run go on");
    expect((await visit(port)).pid).toBe(pid);
    await program.kill();
  });

  test("do not begin where the first does not", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "broken"), "");
    const program = strombus(["run", "--processes", "3", echoModule, "0"], { cwd: folder });
    expect(await program.ending).toEqual({ status: 1, signal: null });
    expect(program.stderr.text).toMatch(/this version does not start[^]*strombus: the application did not start\n$/);
  });

  test("end with the one that watches over them", async () => {
    const { program, port } = await start(["--processes", "1"]);
    await visit(port);
    await program.kill("SIGKILL");
    await expect.poll(() => visit(port).catch(() => "gone"), { timeout: 15_000 }).toBe("gone");
  });

  test.runIf(existsSync("/proc/self/fd"))("leave the shared sockets to no child of theirs", async () => {
    const { program, port } = await start(["--processes", "2"]);
    await program.stdout.until("processes run under process");
    for (const pid of [1, 2]) {
      const client = new EchoClient(port);
      expect((await client.greeting()).pid).toBeGreaterThan(pid);
      client.send("fds\n");
      expect(await client.hear(/total 0\n[^]* 1 -> .*\n[^]* \d+ -> \/proc\/\d+\/fd\n/)).not.toMatch(/[3-9] -> socket/);
      client.close();
    }
    await program.kill();
  });

  test("have one pid file, one readiness, and systemd's watchdog ends one that is stuck", async () => {
    const { env, messages } = notifier();
    const health = await freePort();
    const options = ["--processes", "2", "--pidfile", "pid", "--health", String(health)];
    const { program, port, folder } = await start(options, { env: { ...env, WATCHDOG_USEC: "2000000" } });
    await expect.poll(() => statusOf(health, "/ready"), { timeout: 15_000 }).toBe(200);
    const client = new EchoClient(port);
    const { pid, told } = await client.greeting();
    expect([told, Number(readFileSync(join(folder, "pid"), "utf8"))]).toEqual([null, await supervisorOf(program)]);
    client.send("stick\n");
    await program.stdout.until(`process ${pid} is stuck and is killed`);
    await client.ended;
    await program.kill();
    expect(messages()[0]).toBe("/run/there READY=1");
    expect(messages()).toContain("/run/there STOPPING=1");
    expect(existsSync(join(folder, "pid"))).toBe(false);
  });
});

async function supervisorOf(program: Program): Promise<number> {
  const text = await program.stdout.whole((each) => /run under process \d+/.test(each), "the supervisor's line");
  return Number(/run under process (\d+)/.exec(text)![1]);
}
