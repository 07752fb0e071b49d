/** The telnet of GNU inetutils, at a terminal that tmux keeps, in a manhole of `@strombus/conch/manhole_tap`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { needed } from "../support/needed.js";
import { freePort } from "../support/ports.js";
import type { Program } from "../support/program.js";
import { strombus } from "../support/runner.js";
import { Tmux } from "../support/tmux.js";

const telnet = needed("inetutils-telnet");
let port = 0;
let server: Program;
let terminal: Tmux | null = null;

beforeAll(async () => {
  const passwd = join(temporaryFolder(), "passwords");
  writeFileSync(passwd, "ada:secret\n");
  port = await freePort();
  const where = `tcp:${port}:interface=127.0.0.1`;
  server = strombus(["run", "@strombus/conch/manhole_tap", "--telnetPort", where, "--passwd", passwd], { cwd: root });
  await server.stdout.until("@strombus/conch/manhole_tap runs as process");
});
afterEach(() => {
  terminal?.close();
  terminal = null;
});
afterAll(() => server.kill());

test("logs in, hides the password, edits lines, interrupts, speaks UTF-8, hears of another width and ends", async () => {
  terminal = new Tmux([telnet, "127.0.0.1", String(port)]);
  await terminal.until(/^Username:$/m);
  terminal.type("ada\n");
  await terminal.until(/^Password:$/m);
  terminal.type("wrong\n");
  const failed = await terminal.until(/Authentication failed\nUsername:$/m);
  expect(failed.input).toContain("Username: ada\n");
  expect(failed.input).not.toContain("wrong");
  terminal.type("ada\n");
  await terminal.until(/failed\nUsername: ada\nPassword:$/m);
  terminal.type("secret\n");
  await terminal.until(/^>>>$/m);
  terminal.type("6 * 78");
  terminal.press("BSpace", "Enter");
  await terminal.until(/^>>> 6 \* 7\n42\n>>>$/m);
  terminal.press("Up", "Enter");
  await terminal.until(/^>>> 6 \* 7\n42\n>>> 6 \* 7\n42\n>>>$/m);
  terminal.type("half a line");
  terminal.press("C-c");
  await terminal.until(/^>>> half a line\nKeyboardInterrupt\n>>>$/m);
  terminal.type("'\u00e9\u65e5'.length");
  terminal.press("Enter");
  await terminal.until(/^2\n>>>$/m);
  terminal.resize(90, 20);
  await terminal.until(/^>>>\n*$/);
  terminal.type("1 + 1\n");
  await terminal.until(/^>>> 1 \+ 1\n2\n>>>$/m);
  terminal.press("C-d");
  await terminal.until(/Connection closed by foreign host\.$/m);
});
