/** The example manhole, with OpenSSH at a terminal. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Example, startExample } from "../support/example.js";
import { openSSH, ssh, sshAtTerminal } from "../support/openssh.js";

const openssh = openSSH();
let example: Example;
beforeAll(async () => {
  example = await startExample("manhole");
});
afterAll(() => example.program.kill());

test("evaluates, in colours, recalls history and ends with status 0", async () => {
  const session = sshAtTerminal(openssh, { port: example.port });
  await session.stdout.until(">>> ");
  session.type("6 * 7\r");
  await session.stdout.until(/\n\x1b\[33m42\x1b\[39m\r\n>>> /);
  session.type("\x1b[A\r"); // the line before once more
  await session.stdout.until(/\n\x1b\[33m42\x1b\[39m\r\n>>> /);
  session.type("foo\r");
  await session.stdout.until(/\n\x1b\[32m'bar'\x1b\[39m\r\n>>> /);
  session.type("await 1\x03");
  await session.stdout.until("KeyboardInterrupt\r\n>>> ");
  session.type("throw new Error('no')\r");
  await session.stdout.until("Uncaught Error: no\r\n>>> ");
  session.type("new Promise((resolve) => setTimeout(resolve, 1, 'later'))\r");
  await session.stdout.until("Deferred #0 called back");
  session.type("\x04");
  expect((await session.ending).status).toBe(0);
});

test("takes lines from a pipe, and runs no commands", async () => {
  const piped = ssh(openssh, { port: example.port });
  await piped.stdout.until(">>> ");
  piped.type("1 + 1\n");
  await piped.stdout.until(/\n\x1b\[33m2\x1b\[39m\r\n>>> /);
  piped.endInput();
  expect((await piped.ending).status).toBe(0);
  const command = ssh(openssh, { port: example.port, command: "ls" });
  expect((await command.ending).status).not.toBe(0);
});
