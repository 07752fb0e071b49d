/** Terminals of the example unix-server, driven through tmux as a user sits at one, with every client that has a terminal. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { needed } from "../support/needed.js";
import { Tmux } from "../support/tmux.js";
import { startUnixPeers, type UnixPeers } from "../support/unix-peers.js";

let server: UnixPeers;
let terminal: Tmux | null = null;
beforeAll(async () => {
  for (const program of ["vim.tiny", "top", "htop", "tmux"]) needed(program);
  server = await startUnixPeers();
}, 30_000);
afterEach(() => {
  terminal?.close();
  terminal = null;
});
afterAll(() => server.stop());

type Shell = keyof UnixPeers["shells"];

/** Logs in at a terminal, to a shell whose prompt is `ready>`. */
async function login(shell: Shell, ...options: string[]): Promise<Tmux> {
  const [program = "", ...words] = server.shells[shell];
  const prefix = shell === "OpenSSH here" ? [] : server.there.prefix;
  // PuTTY in batch mode makes no terminal by itself.
  terminal = new Tmux([...prefix, program, ...options, ...words, ...(shell === "PuTTY" ? ["-t"] : []), server.host]);
  await terminal.until(/\$$/m);
  terminal.type("exec env PS1='ready> ' bash --norc --noprofile\n");
  await terminal.until(/^ready>$/m);
  return terminal;
}

/** Runs cat, which is there when it has given back a word that was not on the screen before. */
async function runCat(terminal: Tmux, word: string): Promise<void> {
  terminal.type(`clear; echo cat of ${word}; cat\n`);
  await terminal.until(new RegExp(`^cat of ${word}$`, "m"));
  terminal.type(`${word}\n`);
  await terminal.until(new RegExp(`^cat of ${word}\n${word}\n${word}$`, "m"));
}

for (const shell of ["OpenSSH 10", "OpenSSH here", "PuTTY", "Dropbear"] as const) {
  describe(shell, () => {
    test("has the window's size, and hears when it changes", async () => {
      const terminal = await login(shell);
      terminal.type("clear; stty size; echo $TERM\n");
      await terminal.until(/^24 80\n(screen|xterm)$/m);
      terminal.resize(100, 30);
      await terminal.until(/^ready>$/m);
      terminal.type("trap 'stty size' WINCH; clear; stty size\n");
      await terminal.until(/30 100$/m);
      terminal.resize(90, 20);
      await terminal.until(/20 90$/m);
    });

    test("Ctrl-C ends what runs, Ctrl-Z stops it, fg goes on with it, and exit ends the session", async () => {
      const terminal = await login(shell);
      await runCat(terminal, "first");
      terminal.press("C-c");
      await terminal.until(/^ready>$/m);
      terminal.type("echo status $?\n");
      await terminal.until(/^status 130$/m);
      await runCat(terminal, "second");
      terminal.press("C-z");
      await terminal.until(/Stopped[^]*^ready>$/m);
      terminal.type("clear; fg\n");
      await terminal.until(/^cat$/m);
      terminal.type("third\n");
      await terminal.until(/^third\nthird$/m);
      terminal.press("C-c");
      await terminal.until(/^ready>$/m);
      terminal.type("exit 9\n");
      expect(await terminal.ending()).toBe(9);
    });

    test("vim edits a file, and draws itself anew in a window of another size", async () => {
      const terminal = await login(shell);
      const file = join(server.account.home, `edited-${shell.replace(" ", "-")}`);
      terminal.type(`clear; vim.tiny -u NONE -N ${file}; echo left $?\n`);
      await terminal.until(/^~\n[^]*edited/m);
      terminal.type("ifirst line\nsecond line");
      await terminal.until(/first line\nsecond line\n[^]*-- INSERT --/);
      terminal.press("Escape");
      await terminal.until(/^(?![^]*INSERT)/);
      terminal.resize(70, 15);
      terminal.type(":!stty size\n");
      await terminal.until(/^15 70$/m);
      terminal.press("Enter");
      terminal.type(":wq\n");
      await terminal.until(/^left 0$/m);
      expect(readFileSync(file, "latin1")).toBe("first line\nsecond line\n");
    });
  });
}

describe("full-screen programs", () => {
  test("top shows processes, takes keys, and leaves the screen", async () => {
    const terminal = await login("OpenSSH 10");
    terminal.type("clear; top -d 1; echo left $?\n");
    await terminal.until(/load average[^]*PID USER[^]*\n +\d+ root/);
    terminal.type("h");
    await terminal.until(/Help for Interactive Commands/);
    terminal.press("Escape");
    await terminal.until(/load average[^]*PID USER[^]*\n +\d+ root/);
    terminal.type("q");
    await terminal.until(/^left 0\nready>$/m);
  });

  test("htop draws its bars and colours, takes function keys, and leaves the screen", async () => {
    const terminal = await login("OpenSSH 10");
    terminal.type("clear; htop; echo left $?\n");
    await terminal.until(/Load average[^]*F1Help/);
    terminal.press("F1");
    await terminal.until(/htop \d.*Hisham|Released under/);
    terminal.press("Escape");
    await terminal.until(/F10Quit/);
    terminal.press("F10");
    await terminal.until(/^left 0$/m);
  });

  test("tmux splits its window, and outlives a session that it is detached from", async () => {
    const first = await login("OpenSSH 10");
    first.type("clear; tmux -L test -f /dev/null\n");
    await first.until(/\[0\] 0:bash/);
    first.type("PS1='in> '; clear\n");
    await first.until(/^in>$/m);
    first.press("C-b", "%");
    await first.until(/^in> +[│x]/m); // x where the session has no UTF-8
    first.type("PS1='right> '; clear; echo marked\n");
    await first.until(/[│x]marked/);
    first.press("C-b", "d");
    await first.until(/\[detached/);
    first.close();

    const second = await login("OpenSSH here");
    second.type("clear; tmux -L test attach\n");
    await second.until(/[│x]marked/);
    second.type("tmux -L test kill-server\n");
    await second.until(/\[(server exited|exited|lost server)/);
  });
});

describe("the escapes of OpenSSH's client", () => {
  for (const shell of ["OpenSSH 10", "OpenSSH here"] as const) {
    test(`~? ~# ~B and ~R of ${shell} do what they do with sshd, and ~. ends the connection`, async () => {
      const folder = shell === "OpenSSH here" ? server.here : server.there;
      const log = folder.put("log", "");
      const readLog = () => folder.run("cat", log);
      const terminal = await login(shell, "-E", log, "-o", "LogLevel=DEBUG2");
      const again = async (line: string, shown: RegExp) => {
        terminal.type(`clear; ${line}\n`);
        await terminal.until(shown);
      };
      terminal.press("Enter");
      terminal.type("~?");
      await terminal.until(/Supported escape sequences:/);
      await again("echo one", /^one\nready>$/m);
      terminal.press("Enter");
      terminal.type("~#");
      await terminal.until(/The following connections are open:\s+#0 client-session/);
      await again("echo two", /^two\nready>$/m);
      terminal.press("Enter");
      terminal.type("~B");
      await expect.poll(readLog).toMatch(/channel 0: request break/);
      await again("echo three", /^three\nready>$/m);
      const exchanges = () => readLog().match(/SSH2_MSG_NEWKEYS received/g)!.length;
      const before = exchanges();
      terminal.press("Enter");
      terminal.type("~R");
      await expect.poll(exchanges, { timeout: 15_000 }).toBe(before + 1);
      await again("echo four", /^four\nready>$/m);
      terminal.press("Enter");
      terminal.type("~.");
      expect(await terminal.ending()).toBe(255);
      await expect.poll(() => server.account.processes, { timeout: 15_000 }).toEqual([]); // S4
    });
  }
});
