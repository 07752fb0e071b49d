/** The program conch with a server of ours: commands, forwarded ports, and shells at a terminal. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { InMemorySSHKeyDB, SSHPublicKeyChecker } from "@strombus/conch/checkers";
import { allowForwarding } from "@strombus/conch/ssh/forwarding";
import { Key } from "@strombus/conch/ssh/keys";
import { type SessionIO, sessionProgram } from "@strombus/conch/streams";
import { Protocol } from "@strombus/reactor/protocol";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { needed } from "../support/needed.js";
import { atTerminal, Program } from "../support/program.js";
import { type Served, serve } from "../support/server.js";
import { digestOf, digestServer, exchange, type Target } from "../support/tcp.js";

const command = [process.execPath, join(root, "packages/conch/bin/conch.js")];
const [hostKey, key] = [Key.generate("ed25519"), Key.generate("ecdsa")];
const publicLine = (of: Key): string => of.public().toString("openssh").toString();

/** What runs on the server. */
async function served({ command: words, stdin, stdout, stderr, terminal }: SessionIO): Promise<number> {
  if (words === null && terminal !== null) {
    terminal.on("resize", () => terminal.write(`now ${terminal.columns}x${terminal.rows}\r\n`));
    terminal.setRawMode(true);
    terminal.write(`${terminal.columns}x${terminal.rows}\n`);
    for await (const data of terminal) {
      if (String(data).includes("q")) break;
      terminal.write(`<${String(data).replace("\r", "")}>`);
    }
    return 3;
  }
  if (words === "fail") stderr.write("it failed\n");
  else stdout.write(`${words ?? "shell"}: ${await text(stdin)}`);
  return words === "fail" ? 42 : 0;
}

class Shout extends Protocol {
  override dataReceived(data: Buffer): void {
    this.transport!.write(data.toString().toUpperCase());
  }
}

let home: string;
let server: Served;
let target: Target;
let words: string[];
beforeAll(async () => {
  target = await digestServer();
  server = serve(
    sessionProgram(served),
    (factory) => {
      factory.privateKeys = { "ssh-ed25519": hostKey };
      factory.publicKeys = { "ssh-ed25519": hostKey.public() };
      factory.portal!.registerChecker(
        new SSHPublicKeyChecker(new InMemorySSHKeyDB(new Map([["user", [key.public()]]]))),
      );
    },
    (user) => {
      allowForwarding(user, { connect: true, listen: true });
      user.subsystemLookup["shout"] = () => new Shout();
    },
  );
});
afterAll(async () => {
  await server.close();
  target.close();
});
beforeEach(() => {
  home = temporaryFolder();
  const put = (name: string, content: string): void => writeFileSync(join(home, name), content, { mode: 0o600 });
  put("identity", key.toString("openssh", { subtype: "PEM" }).toString());
  put("known", `[127.0.0.1]:${server.port} ${publicLine(hostKey)}\n`);
  words = ["-p", String(server.port), "-a", "--known-hosts", "known", "-i", "identity", "user@127.0.0.1"];
});

const surroundings = () => ({ cwd: home, env: { HOME: home, SSH_AUTH_SOCK: "" } });

/** Without a terminal. */
function start(...options: string[]): Program {
  return new Program([needed("setsid"), "--wait", ...command, ...options], surroundings());
}

/** With its input, to its end. */
async function ended(program: Program, input = "") {
  program.type(input);
  program.endInput();
  const { status } = await program.ending;
  return [status, program.stdout.text, program.stderr.text];
}

/** In a shell at a terminal, which tells its name, and its modes before and after. */
function shell(script: string): Program {
  const line = [...command, ...words].map((word) => `'${word}'`).join(" ");
  const run = `tty; stty -g; ${script.replaceAll("conch", line)}; stty -g`;
  return atTerminal(["bash", "-c", run], surroundings());
}

/** Whether its modes are what they were each time that it has told them. */
function isRestored(program: Program): boolean {
  const modes = program.stdout.lines.filter((line) => /^[0-9a-f]+(:[0-9a-f]+)+$/.test(line));
  return modes.length > 1 && new Set(modes).size === 1;
}

test("a command's output, errors and status come apart, and what is piped to it ends", async () => {
  expect(await ended(start(...words, "fail"))).toEqual([42, "", "it failed\n"]);
  expect(await ended(start("-v", "--logfile", "log", ...words, "say", "it"), "~.\n")).toEqual([0, "say it: ~.\n", ""]);
  expect(readFileSync(join(home, "log"), "utf8")).toContain("SSHClientFactory");
});

test("a subsystem, and a shell that has no terminal", async () => {
  const subsystem = start("-s", ...words, "shout");
  subsystem.type("hello");
  await subsystem.stdout.until("HELLO");
  expect(await ended(subsystem)).toEqual([0, "HELLO", ""]);
  expect(await ended(start(...words), "in")).toEqual([0, "shell: in", ""]);
});

test("ports lead on from here and from the server, until a signal ends it", async () => {
  const to = `0:127.0.0.1:${target.port}`;
  const program = start("-N", "-L", to, "-R", to, ...words);
  const ports = [
    await program.stderr.until(/conch: port (\d+) is forwarded\n/),
    await program.stderr
      .whole((text) => text.includes("the server's port"), "the other")
      .then((text) => /the server's port (\d+) is forwarded\n/.exec(text)!),
  ];
  const content = Buffer.alloc(300_000, "echo");
  for (const [, port] of ports) {
    expect(await exchange({ port: Number(port) }, content)).toBe(digestOf(content));
  }
  expect(await program.kill()).toEqual({ status: 143, signal: null });
});

test("a shell at a terminal: keys and lines go through as they are, the window's size follows, and it is left as it was", async () => {
  const program = shell("conch; echo status $?");
  const [, tty] = await program.stdout.until(/(\/dev\/pts\/\d+)\r\n/);
  await program.stdout.until("100x30");
  const modes = execFileSync("stty", ["-F", tty!, "-a"], { encoding: "utf8" });
  expect(modes.split(/[\s;]+/)).toEqual(
    expect.arrayContaining(["-icanon", "-echo", "-isig", "-ixon", "-icrnl", "-opost"]),
  );
  execFileSync("stty", ["-F", tty!, "rows", "40", "cols", "120"]);
  await program.stdout.until("now 120x40");
  program.type("\x03");
  await program.stdout.until("<\x03>");
  program.type("q");
  await program.stdout.until(/Connection to 127\.0\.0\.1 closed\.\r\nstatus 3\r\n/);
  await program.ending;
  expect(isRestored(program)).toBe(true);
});

test("escapes", async () => {
  const program = shell("conch; echo status $?");
  await program.stdout.until("100x30");
  program.type("a\r~~b");
  await program.stdout.until(/~b>/);
  program.type("\r~#");
  await program.stdout.until("The following connections are open:\r\n  #0 session\r\n");
  program.type("~?");
  await program.stdout.until("~?   shows this\r\n");
  program.type("~Rc");
  await program.stdout.until("<c>");
  program.type("\r~.");
  await program.stdout.until(/Connection to 127\.0\.0\.1 closed\.\r\nstatus 255\r\n/);
  await program.ending;
  expect(isRestored(program)).toBe(true);
});

test("it is suspended with the terminal as it was, and goes on", async () => {
  const program = shell("set -m; conch; stty -g; echo stopped; fg; echo status $?");
  await program.stdout.until("100x30");
  program.type("~\x1a");
  await program.stdout.until("stopped");
  expect(isRestored(program)).toBe(true);
  program.type("x");
  await program.stdout.until("<x>");
  program.type("q");
  await program.stdout.until("status 3");
  await program.ending;
  expect(isRestored(program)).toBe(true);
});

test.each([
  ["SIGTERM", 143],
  ["SIGUSR2", 1], // an exception, which is put there
] as const)("%s at a terminal leaves that as it was", async (signal, status) => {
  const odd = join(home, "odd.mjs");
  writeFileSync(odd, `process.on("SIGUSR2", () => { throw new Error("odd"); });`);
  const program = shell(`(echo pid $BASHPID; export NODE_OPTIONS=--import=${odd}; exec conch); echo status $?`);
  const [, pid] = await program.stdout.until(/pid (\d+)\r\n/);
  await program.stdout.until("100x30");
  process.kill(Number(pid), signal);
  await program.stdout.until(`status ${status}`);
  await program.ending;
  expect(isRestored(program)).toBe(true);
});

test.each([
  [["host", "-L", "80:host"], 1, /^ERROR: "80:host" is not port:host:hostport\nUsage: conch /],
  [["-p", "1", "127.0.0.1"], 1, /^conch: exiting with error [^\n]+\n$/],
])("%j is told", async (options, status, errors) => {
  expect(await ended(start(...options))).toEqual([status, "", expect.stringMatching(errors)]);
});
