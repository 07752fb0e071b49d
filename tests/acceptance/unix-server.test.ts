/** The example unix-server, with this machine's OpenSSH client: real shells and real programs of a real account. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Program } from "../support/program.js";
import { eventually, isAlive, startUnixServer, type UnixServer } from "../support/unix.js";

/** What is typed does not look like what it says when it runs. */
const WAITS = "sh -c 'echo run''ning; exec sleep 1000'\n";

let server: UnixServer;
beforeAll(async () => {
  server = await startUnixServer();
});
afterAll(async () => {
  expect(await server.example.program.kill("SIGINT")).toEqual({ status: 0, signal: null });
});

describe("a command", () => {
  test("keeps its outputs apart and gives its exit status", async () => {
    for (const status of [0, 3, 255]) {
      const command = server.run(`echo out; echo err >&2; exit ${status}`);
      expect(await command.ending).toEqual({ status, signal: null });
      expect([command.stdout.text, command.stderr.text]).toEqual(["out\n", "err\n"]);
    }
  });

  test("that dies by a signal gives the signal", async () => {
    const command = server.run("kill -TERM $$", ["-o", "LogLevel=DEBUG"]);
    expect((await command.ending).status).toBe(255);
    expect(command.stderr.text).toContain("rtype exit-signal");
  });

  test("runs as the account, at home, with what a login sets", async () => {
    const command = server.run("cd; pwd; id -un; echo $USER $LOGNAME; echo $SSH_CONNECTION; echo ${SSH_TTY-none}");
    await command.ending;
    const { username } = userInfo();
    expect(command.stdout.lines.slice(0, 3)).toEqual([homedir(), username, `${username} ${username}`]);
    expect(command.stdout.lines[3]).toMatch(
      new RegExp(`^127\\.0\\.0\\.1 \\d+ 127\\.0\\.0\\.1 ${server.example.port}$`),
    );
    expect(command.stdout.lines[4]).toBe("none");
  });

  test("takes 16 MiB and gives them back, byte for byte", async () => {
    const data = randomBytes(16 * 1024 * 1024);
    const command = server.run("cat");
    command.type(data);
    command.endInput();
    expect((await command.ending).status).toBe(0);
    expect(sha256(Buffer.from(command.stdout.text, "latin1"))).toBe(sha256(data));
  });

  test("S1: gets LC_* from the client, and nothing that is not on the list", async () => {
    const options = ["-o", "SendEnv=LC_ALL EVIL"];
    const command = server.run("echo $LC_ALL-${EVIL-none}", options, { env: { LC_ALL: "C.UTF-8", EVIL: "yes" } });
    await command.ending;
    expect(command.stdout.text).toBe("C.UTF-8-none\n");
  });

  test("S4: is hung up with its children when the connection is lost", async () => {
    const command = server.run("sleep 1000 & echo $!; wait");
    const [, sleeper] = await command.stdout.until(/(\d+)\n/);
    expect(isAlive(Number(sleeper))).toBe(true);
    await command.kill("SIGKILL");
    await eventually(() => !isAlive(Number(sleeper)), "the command's child is gone");
  });

  test("goes on by itself when it has left the session behind", async () => {
    const command = server.run("setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!");
    expect((await command.ending).status).toBe(0);
    const sleeper = Number(command.stdout.text);
    expect(isAlive(sleeper)).toBe(true);
    process.kill(sleeper, "SIGKILL");
  });
});

describe("a shell", () => {
  test("without a terminal reads its commands from the client, as a login shell", async () => {
    const shell = server.run(null, ["-T"]);
    shell.type("case $0 in -*) echo login;; esac; tty; exit 5\n");
    expect((await shell.ending).status).toBe(5);
    expect(shell.stdout.text).toContain("login\nnot a tty\n");
  });

  test("has a terminal with the client's size and modes", async () => {
    const shell = server.atTerminal("stty size; tty; echo $SSH_TTY $TERM; cat", ["-tt"]);
    await shell.stdout.until("30 100\r\n");
    const [, tty] = await shell.stdout.until(/(\/dev\/\S+)\r\n/);
    await shell.stdout.until(`${tty} xterm\r\n`);
    shell.type("typed\n");
    await shell.stdout.until("typed\r\ntyped\r\n");
    shell.type("\x04");
    expect((await shell.ending).status).toBe(0);
  });

  test("Ctrl-C ends what runs, Ctrl-Z stops it, and the shell goes on", async () => {
    const shell = server.atTerminal("exec env PS1='ready> ' bash --norc --noprofile -i", ["-tt"]);
    await shell.stdout.until("ready> ");
    shell.type(WAITS);
    await shell.stdout.until("running\r\n");
    shell.type("\x03");
    await shell.stdout.until("ready> ");
    shell.type("echo $?\n");
    await shell.stdout.until("130\r\n");
    shell.type(WAITS);
    await shell.stdout.until("running\r\n");
    shell.type("\x1a");
    await shell.stdout.until("Stopped");
    await shell.stdout.until("ready> ");
    shell.type("kill -KILL %1; exec sh -c 'exit 9'\n");
    expect((await shell.ending).status).toBe(9);
  });

  test("S4: is hung up with its jobs when the client is gone", async () => {
    const shell = server.atTerminal("exec bash --norc --noprofile -i", ["-tt"]);
    shell.type("sleep 1000 & echo pid $!\n");
    const [, job] = await shell.stdout.until(/pid (\d+)\r\n/);
    await shell.kill("SIGKILL");
    await eventually(() => !isAlive(Number(job)), "the shell's job is gone");
  });
});

describe("agent forwarding", () => {
  test("gives a session the client's agent, in a folder of its own, for as long as the session lasts", async () => {
    const script = 'eval "$(ssh-agent -s)" >/dev/null; ssh-add -q "$0"; "$@"; ssh-agent -k >/dev/null';
    const remote = 'ssh-add -l; stat -c %a "$(dirname "$SSH_AUTH_SOCK")"; echo "$SSH_AUTH_SOCK"';
    const command = new Program(["sh", "-c", script, server.key, ...server.words("ssh"), "-A", server.host, remote]);
    await command.ending;
    const [key, mode, path] = command.stdout.lines;
    expect(key).toMatch(/^256 SHA256:\S+ .*\(ED25519\)$/);
    expect(mode).toBe("700");
    await eventually(() => !existsSync(dirname(path!)), "the agent's folder is gone");
  });
});

function sha256(data: Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}
