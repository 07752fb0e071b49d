/** Each example of the series through a real client; simple-session has a file of its own. */
import { expect, test } from "vitest";
import { type Example, startExample } from "../support/example.js";
import { openSSH, ssh, sshAtTerminal } from "../support/openssh.js";

const openssh = openSSH();

async function withExample(name: string, use: (example: Example) => Promise<void>): Promise<void> {
  const example = await startExample(name);
  await use(example);
  expect(await example.program.kill("SIGINT")).toEqual({ status: 0, signal: null });
}

test("introduction: nobody can log in", async () => {
  await withExample("introduction", async ({ port }) => {
    const login = ssh(openssh, { port });
    expect((await login.ending).status).toBe(255);
    expect(login.stderr.text).toContain("user@127.0.0.1: Permission denied ().");
  });
});

test("password-auth: one can log in, and no session opens", async () => {
  await withExample("password-auth", async ({ port }) => {
    const login = ssh(openssh, { port, options: ["-v"] });
    expect((await login.ending).status).toBe(255);
    expect(login.stderr.text).toContain(`Authenticated to 127.0.0.1 ([127.0.0.1]:${port}) using "password".`);
    expect(login.stderr.text).toContain("open failed: unknown channel type: unknown channel");
  });
});

test("trivial-channel: says its sentence and closes", async () => {
  await withExample("trivial-channel", async ({ port }) => {
    for (const options of [["-tt"], ["-T"]]) {
      const session = ssh(openssh, { port, options });
      await session.ending;
      expect(session.stdout.text).toBe("This session is very simple.  Goodbye!\r\n");
    }
  });
});

test("pty-requests: tells the terminal's type and size", async () => {
  await withExample("pty-requests", async ({ port }) => {
    const terminal = sshAtTerminal(openssh, { port });
    await terminal.stdout.until("Your terminal name is 'xterm'.\r\n");
    await terminal.stdout.until("Your terminal is 100 columns wide and 30 rows tall.\r\n");
    await terminal.ending;
  });
});

test("accepting-input: each key comes back", async () => {
  await withExample("accepting-input", async ({ port }) => {
    const terminal = sshAtTerminal(openssh, { port });
    for (const [typed, shown] of [
      ["x", "'x'"],
      ["\x1b[B", String.raw`'\x1b[B'`],
    ] as const) {
      terminal.type(typed);
      await terminal.stdout.until(`echo: ${shown}\r\n`);
    }
    terminal.type("\r~.");
    await terminal.ending;
  });
});

test("protocols: an ordinary Protocol is connected, receives data and loses its connection", async () => {
  await withExample("protocols", async ({ port, program }) => {
    const terminal = sshAtTerminal(openssh, { port });
    await terminal.stdout.until("Welcome to the echo protocol.\r\n");
    terminal.type("x");
    await terminal.stdout.until("echo: 'x'\r\n");
    terminal.type("\r");
    await terminal.stdout.until(String.raw`echo: '\r'`);
    terminal.type("~.");
    await terminal.ending;
    await program.stdout.until("connection lost\n");
  });
});

test("hassh: tells the client's version and what it offers", async () => {
  await withExample("hassh", async ({ program, port }) => {
    const session = ssh(openssh, { port });
    await session.ending;
    expect(session.stdout.text).toMatch(/^You are 'SSH-2\.0-OpenSSH_[^']+', and your HASSH is [0-9a-f]{32}\.\r\n$/);
    const [, told] = /HASSH is ([0-9a-f]+)/.exec(session.stdout.text)!;
    expect(program.stdout.text).toContain(`HASSH ${told}\n`);
  });
});
