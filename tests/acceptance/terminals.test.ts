/** Node's readline and repl, and Ink, in sessions of the example, driven by OpenSSH at a terminal. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Example, startExample } from "../support/example.js";
import { openSSH, ssh, sshAtTerminal } from "../support/openssh.js";

const openssh = openSSH();
let example: Example;
beforeAll(async () => {
  // Ink asks the process, not the terminal, whether a continuous integration looks on, and then draws a last frame only.
  example = await startExample("terminals", { env: { CI: "false" } });
});
afterAll(() => example.program.kill());

test("readline: a line is edited with the arrow keys, and the terminal's width is known", async () => {
  const session = sshAtTerminal(openssh, { port: example.port });
  await session.stdout.until("Your name? ");
  session.type("Adda\x1b[D\x7f\r"); // one to the left, then the second d erased
  await session.stdout.until("Hello Ada, your terminal has 100 columns.");
  expect((await session.ending).status).toBe(0);
});

test("readline: Ctrl-C ends the question and its session", async () => {
  const session = sshAtTerminal(openssh, { port: example.port });
  await session.stdout.until("Your name? ");
  session.type("\x03");
  expect((await session.ending).status).not.toBe(0);
});

test("repl: evaluates, recalls history and ends", async () => {
  const session = sshAtTerminal(openssh, { port: example.port, options: ["-t"], command: "repl" });
  await session.stdout.until("> ");
  session.type("6 * 7\r");
  await session.stdout.until(/\n(\x1b\[\d*m)?42/);
  session.type("\x1b[A\r"); // the line before once more
  await session.stdout.until(/\n(\x1b\[\d*m)?42/);
  session.type("columns()\r");
  await session.stdout.until(/\n(\x1b\[\d*m)?100/);
  session.type(".exit\r");
  expect((await session.ending).status).toBe(0);
});

test("Ink: draws, and draws anew for each key", async () => {
  const session = sshAtTerminal(openssh, { port: example.port, options: ["-t"], command: "ink" });
  await session.stdout.until("counted to 0");
  session.type("+");
  await session.stdout.until("counted to 1");
  session.type("+");
  await session.stdout.until("counted to 2");
  session.type("q");
  expect((await session.ending).status).toBe(0);
});

test("without a terminal each says what it needs", async () => {
  const session = ssh(openssh, { port: example.port, command: "repl" });
  expect((await session.ending).status).toBe(1);
  expect(session.stderr.text).toContain("each in a terminal");
});
