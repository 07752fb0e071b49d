/** What only a whole process can show, on the built package: signals, keeping alive, running out of descriptors. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { type Interface, createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";

const here = fileURLToPath(new URL("..", import.meta.url));

class Program {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #lines: Interface;
  readonly #seen: string[] = [];
  readonly exit: Promise<[code: number | null, signal: string | null]>;
  stderr = "";

  constructor(script: string, [command, ...args]: [string, ...string[]] = [process.execPath]) {
    const start = `import { Factory, Protocol, reactor } from "@strombus/reactor"; const say = (line) => console.log(line);`;
    this.#child = spawn(command, [...args, "--input-type=module", "-e", `${start}\n${script}`], {
      cwd: here,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.#lines = createInterface(this.#child.stdout);
    this.#lines.on("line", (line) => this.#seen.push(line));
    this.exit = once(this.#child, "close") as Promise<[number | null, string | null]>;
  }

  get lines(): readonly string[] {
    return this.#seen;
  }

  /** The text after this word, when the program has said it. */
  async said(word: string): Promise<string> {
    const find = (): string | undefined => this.#seen.find((line) => line.startsWith(word));
    while (find() === undefined) await Promise.race([once(this.#lines, "line"), this.#ended()]);
    return find()!.slice(word.length + 1);
  }

  async #ended(): Promise<never> {
    await this.exit;
    throw new Error(`the program has ended: ${this.stderr}`);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

let program: Program | null = null;
afterEach(() => program?.kill("SIGKILL"));

const PATIENT = `
  reactor.addSystemEventTrigger("before", "shutdown", () => {
    const goOn = new Promise((resolve) => process.once("SIGUSR2", resolve));
    say("stopping");
    return goOn;
  });
  reactor.addSystemEventTrigger("after", "shutdown", say, "after");
  reactor.callWhenRunning(say, "running");
  reactor.callLater(3600, say, "never");
  await reactor.run();
  say("finished " + reactor._exitSignal);`;

describe.each([
  ["SIGTERM", 15],
  ["SIGINT", 2],
] as const)("%s", (signal, number) => {
  test("the first runs the shutdown triggers, and the process ends by itself with its own exit code", async () => {
    program = new Program(`process.exitCode = 3; ${PATIENT}`);
    await program.said("running");
    program.kill(signal);
    await program.said("stopping");
    program.kill("SIGUSR2");
    expect(await program.exit).toEqual([3, null]);
    expect(program.lines).toEqual(["running", "stopping", "after", `finished ${number}`]);
  });

  test("the second ends the process at once, with the conventional status", async () => {
    program = new Program(PATIENT);
    await program.said("running");
    program.kill(signal);
    await program.said("stopping");
    program.kill(signal);
    expect(await program.exit).toEqual([128 + number, null]);
    expect(program.lines).toEqual(["running", "stopping"]);
  });
});

test("SIGINT is left to those who listen for it already", async () => {
  program = new Program(`process.on("SIGINT", () => { say("mine"); reactor.stop(); }); ${PATIENT}`);
  await program.said("running");
  program.kill("SIGINT");
  await program.said("stopping");
  program.kill("SIGUSR2");
  await program.exit;
  expect(program.lines).toEqual(["running", "mine", "stopping", "after", "finished null"]);
});

test("without signal handlers the first signal is the system's", async () => {
  program = new Program(
    `reactor.callWhenRunning(say, "running"); await reactor.run({ installSignalHandlers: false });`,
  );
  await program.said("running");
  program.kill("SIGTERM");
  expect(await program.exit).toEqual([null, "SIGTERM"]);
});

test("a port holds the process without run, and a delayed call does so too", async () => {
  program = new Program(`
    const port = reactor.listenTCP(0, new Factory());
    setImmediate(async () => { await port.stopListening(); reactor.callLater(0.01, say, "called"); });`);
  expect(await program.exit).toEqual([0, null]);
  expect(program.lines).toEqual(["called"]);
});

test("R10: a port that has run out of descriptors serves again when some are free", async () => {
  program = new Program(
    `
    const { openSync, closeSync } = await import("node:fs");
    class Greeter extends Protocol { connectionMade() { this.transport.write("hello"); this.transport.loseConnection(); } }
    const port = reactor.listenTCP(0, Factory.forProtocol(Greeter), { interface: "127.0.0.1" });
    const held = [];
    try { for (;;) held.push(openSync("/dev/null")); } catch (error) { say("full " + error.code); }
    process.on("SIGUSR2", () => { for (const fd of held) closeSync(fd); say("free"); });
    say("port " + port.getHost().port);
    await reactor.run();`,
    ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", process.execPath],
  );
  const port = Number(await program.said("port"));
  expect(program.lines[0]).toBe("full EMFILE");
  expect(await greeting(port)).toBe("");
  program.kill("SIGUSR2");
  await program.said("free");
  expect(await greeting(port)).toBe("hello");
});

/** What a server says until it closes or resets. */
async function greeting(port: number): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.on("data", (data) => (text += data.toString()));
  socket.on("error", () => {});
  await once(socket, "close");
  return text;
}
