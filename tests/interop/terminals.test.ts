/** The example terminals, at a terminal that tmux keeps: readline, node:repl and Ink. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Example, startExample } from "../support/example.js";
import { openSSH } from "../support/openssh.js";
import { Tmux } from "../support/tmux.js";

const { prefix, askpass } = openSSH();
let example: Example;
let terminal: Tmux | null = null;
beforeAll(async () => {
  example = await startExample("terminals", { env: { CI: "false" } }); // Ink draws nothing for a continuous integration
});
afterEach(() => {
  terminal?.close();
  terminal = null;
});
afterAll(() => example.program.kill());

function login(...command: string[]): Tmux {
  const settings = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"];
  const options = settings.flatMap((setting) => ["-o", setting]);
  const secrets = [`SSH_ASKPASS=${askpass}`, "SSH_ASKPASS_REQUIRE=force", "STROMBUS_TEST_PASSWORD=password"];
  const ssh = ["env", ...secrets, "ssh", "-F", "none", ...options, "-t", "-p", String(example.port)];
  terminal = new Tmux([...prefix, ...ssh, "user@127.0.0.1", ...command]);
  return terminal;
}

test("readline edits a line, and knows the window's width", async () => {
  const terminal = login();
  await terminal.until(/^Your name\?$/m);
  terminal.type("Adda");
  terminal.press("Left", "BSpace");
  await terminal.until(/^Your name\? Ada$/m);
  terminal.press("Enter");
  await terminal.until(/^Hello Ada, your terminal has 80 columns\.$/m);
  expect(await terminal.ending()).toBe(0);
});

test("node:repl evaluates, recalls what was typed, and hears of another width", async () => {
  const terminal = login("repl");
  await terminal.until(/^>$/m);
  terminal.type("6 * 7\n");
  await terminal.until(/^42$/m);
  terminal.press("Up", "BSpace");
  terminal.type("8\n");
  await terminal.until(/^> 6 \* 8\n48$/m);
  terminal.type("columns()\n");
  await terminal.until(/^80$/m);
  terminal.resize(90, 20);
  const columns = () => {
    terminal.type("columns()\n");
    return terminal.screen;
  };
  await expect.poll(columns, { timeout: 15_000, interval: 200 }).toMatch(/^90$/m);
  terminal.press("C-d");
  expect(await terminal.ending()).toBe(0);
});

test("Ink draws its box, for each key anew", async () => {
  const terminal = login("ink");
  await terminal.until(/^╭─+╮\n│ counted to 0 +│\n╰─+╯$/m);
  terminal.type("++");
  await terminal.until(/│ counted to 2 +│/);
  terminal.type("q");
  expect(await terminal.ending()).toBe(0);
});
