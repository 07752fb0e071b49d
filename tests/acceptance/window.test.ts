/** The example window, with OpenSSH at a terminal. */
import { StringTransport } from "@strombus/reactor/testing";
import { TerminalBuffer } from "@strombus/conch/insults/helper";
import { ClientProtocol } from "@strombus/conch/insults/insults";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Example, startExample } from "../support/example.js";
import { openSSH, sshAtTerminal } from "../support/openssh.js";

const openssh = openSSH();
let example: Example;
beforeAll(async () => {
  example = await startExample("window");
});
afterAll(() => example.program.kill());

/** What the terminal, of 30 rows and 100 columns, shows. */
function screenOf(output: string): string[] {
  const screen = Object.assign(new TerminalBuffer(), { width: 100, height: 30 });
  const client = new ClientProtocol(() => screen);
  void client.makeConnection(new StringTransport());
  void client.dataReceived(Buffer.from(output.replaceAll("\r\n", "\n")));
  return screen.toString().split("\n");
}

test("a form is filled in, field by field, drawn at the size of the terminal, and left with status 0", async () => {
  const session = sshAtTerminal(openssh, { port: example.port });
  await session.stdout.until("Ctrl-D leaves.");
  session.type("\t\t\t\r"); // to the first button, with nothing filled in
  await session.stdout.until("A name, please");
  session.type("\t\tAdda\x1b[D\x7f\r"); // one to the left, then the second d erased
  session.type("long enough\r\x1b[B\x1b[B\r\r");
  await session.stdout.until("Welcome Ada, you are yellow.");
  const screen = screenOf(session.stdout.text);
  expect(screen.slice(0, 3)).toEqual([
    `Name      Ada${"_".repeat(17)} `,
    `Password  ${"*".repeat(11)}${"_".repeat(9)} `,
    "Color     lqqqqqqk",
  ]);
  expect(screen.slice(7, 11).map((row) => row.trimEnd())).toEqual([
    "lqqqqqqqqqklqqqqqqqk",
    "x Sign up xx Leave x",
    "mqqqqqqqqqjmqqqqqqqj",
    "Welcome Ada, you are yellow.",
  ]);
  session.type("\t\r");
  expect((await session.ending).status).toBe(0);
});
