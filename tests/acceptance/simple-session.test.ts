/** What a user of simple-session sees, through an OpenSSH client. */
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { echoed } from "../support/echo.js";
import { type Example, startExample } from "../support/example.js";
import { openSSH, ssh, sshAtTerminal } from "../support/openssh.js";
import { proxyTo } from "../support/proxy.js";

// what is typed, in latin1, and how it comes back
const KEYS = [
  ["x", "'x'"],
  [" ", "' '"],
  ["'", `"'"`],
  ["\\", String.raw`'\\'`],
  ["\t", String.raw`'\t'`],
  ["\r", String.raw`'\r'`],
  ["\x03", String.raw`'\x03'`],
  ["\x04", String.raw`'\x04'`],
  ["\x7f", String.raw`'\x7f'`],
  ["\xc3\xa9", String.raw`'\xc3\xa9'`],
  ["\x1b[A", String.raw`'\x1b[A'`],
  ["\x1bOD", String.raw`'\x1bOD'`],
] as const;

const client = openSSH();
let server: Example;
let read = 0;

beforeAll(async () => {
  server = await startExample("simple-session");
  read = server.program.stdout.lines.length;
});

afterAll(() => server.program.kill("SIGKILL"));

/** The lines the server has printed since the last call; whatever it still had to do is done. */
async function printed(): Promise<string[]> {
  await askForVersion(server.port);
  const { lines } = server.program.stdout;
  return lines.slice(read, (read = lines.length));
}

/** A session without a terminal that has proved to work. */
async function openSession(port = server.port) {
  const session = ssh(client, { port, options: ["-tt"] });
  session.type("x");
  await session.stdout.until("echo: 'x'\r\n");
  return session;
}

test("each key typed comes back quoted and escaped as Python does, pasted text too, and ~. ends the session", async () => {
  const terminal = sshAtTerminal(client, { port: server.port });
  for (const [typed, shown] of KEYS) {
    terminal.type(Buffer.from(typed, "latin1"));
    await terminal.stdout.until(`echo: ${shown}\r\n`);
  }
  const before = terminal.stdout.text.length;
  const pasted = "a line, pasted\rand 'another', \"quoted\" one".repeat(20);
  terminal.type(pasted);
  await terminal.stdout.whole((text) => echoed(text.slice(before)) === pasted, "the pasted text");
  expect(await printed()).toEqual([]);

  terminal.type("\r");
  await terminal.stdout.until(String.raw`echo: '\r'`);
  terminal.type("~.");
  expect(await terminal.ending).toEqual({ status: 255, signal: null });
  await server.program.stdout.until("closed\n");
  expect(await printed()).toEqual(["closed"]);
});

test("a file as input is echoed whole, its end is told once, and the session lives until the client goes", async () => {
  const file = Array.from({ length: 4000 }, (_, number) => `line ${number}, "it's" \xe9\x00\xff\t\r\n`).join("");
  const session = ssh(client, { port: server.port });
  session.type(Buffer.from(file, "latin1"));
  session.endInput();
  await session.stdout.whole((text) => echoed(text) === file, "the whole file");
  await server.program.stdout.until("connection lost\n");
  expect(await printed()).toEqual(["connection lost"]);

  await session.kill();
  await server.program.stdout.until("closed\n");
  expect(await printed()).toEqual(["closed"]);
});

for (const signal of ["SIGKILL", "SIGHUP"] as const) {
  test(`a client ended by ${signal} closes its session once, without an end of input`, async () => {
    const session = await openSession();
    await session.kill(signal);
    await server.program.stdout.until("closed\n");
    expect(await printed()).toEqual(["closed"]);
  });
}

test("a connection that is cut closes its session once, without an end of input", async () => {
  const network = await proxyTo(server.port);
  const session = await openSession(network.port);
  network.cut();
  await server.program.stdout.until("closed\n");
  expect(await printed()).toEqual(["closed"]);
  expect((await session.ending).status).toBe(255);
  network.close();
});

test("a channel of another type is refused: unknown channel", async () => {
  const forwarding = ssh(client, { port: server.port, options: ["-W", "127.0.0.1:9"] });
  expect((await forwarding.ending).status).toBe(255);
  // OpenSSH's words for reason 3, then our text
  expect(forwarding.stderr.text).toContain("open failed: unknown channel type: unknown channel");
  expect(await printed()).toEqual([]);
});

test("a request that nobody handles is refused", async () => {
  const command = ssh(client, { port: server.port, command: "true" });
  await command.stderr.until("exec request failed on channel 0");
  await command.kill();
  await server.program.stdout.until("closed\n");
  expect((await printed()).at(-1)).toBe("closed");
});

test("a wrong password is refused", async () => {
  const options = ["-o", "NumberOfPasswordPrompts=1"];
  const login = ssh(client, { port: server.port, password: "wrong", options });
  expect((await login.ending).status).toBe(255);
  expect(login.stderr.text).toContain("user@127.0.0.1: Permission denied (password).");
});

test("after six wrong passwords the connection is closed", async () => {
  const options = ["-o", "NumberOfPasswordPrompts=20"];
  const login = ssh(client, { port: server.port, password: "wrong", options });
  expect((await login.ending).status).toBe(255);
  expect(login.stderr.text.match(/Permission denied, please try again\./g)).toHaveLength(6);
  expect(login.stderr.text).toMatch(/Received disconnect from 127\.0\.0\.1 port \d+:14: /);
});

test("an unknown user cannot be told from a wrong password", async () => {
  const options = ["-v", "-o", "NumberOfPasswordPrompts=2"];
  const talk = async (user: string) => {
    const login = ssh(client, { port: server.port, user, password: "wrong", options });
    await login.ending;
    return login.stderr.text.replaceAll(user, "NAME");
  };
  const [known, unknown] = await Promise.all([talk("user"), talk("mallory")]);
  expect(known).toContain("Permission denied");
  expect(unknown).toBe(known);
});

test("SIGTERM stops the server, which closes the sessions it has", async () => {
  const session = await openSession();
  expect(await server.program.kill("SIGTERM")).toEqual({ status: 0, signal: null });
  expect(server.program.stdout.lines.slice(read)).toEqual(["closed"]);
  expect((await session.ending).status).toBe(255);
});

/** A server has one event loop: once it greets a new connection, it has done what came before. */
async function askForVersion(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "data");
  socket.destroy();
  await once(socket, "close");
}
