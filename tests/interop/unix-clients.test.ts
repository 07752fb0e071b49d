/** Other people's clients at the example unix-server, which serves an account that is not its own: commands. */
import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runIn, startUnixPeers, type UnixPeers } from "../support/unix-peers.js";

const content = randomBytes(3 * 2 ** 20);
const digest = createHash("sha256").update(content).digest("hex");

let server: UnixPeers;
beforeAll(async () => {
  server = await startUnixPeers(["users", "games"]);
});
afterAll(() => server.stop());

type Run = (command: string, input?: string | Uint8Array) => ReturnType<typeof runIn>;

const inShell =
  (name: keyof UnixPeers["shells"]): Run =>
  (command, input = "") => {
    const folder = name === "OpenSSH here" ? server.here : server.there;
    return runIn(folder, [...server.shells[name], server.host, command], { input });
  };
const inPython =
  (script: string): Run =>
  (command, input = "") =>
    runIn(server.there, server.python(script, command), { input });

/** What each makes of a program that a signal has ended: its own exit status, and what it says. */
const CLIENTS: Readonly<Record<string, { run: Run; killed: { status: number; says?: RegExp } }>> = {
  "OpenSSH 10": { run: inShell("OpenSSH 10"), killed: { status: 255 } },
  "OpenSSH here": { run: inShell("OpenSSH here"), killed: { status: 255 } },
  "PuTTY's plink": { run: inShell("PuTTY"), killed: { status: 128 } },
  "Dropbear's dbclient": { run: inShell("Dropbear"), killed: { status: 0 } }, // as with sshd
  AsyncSSH: { run: inPython("asyncssh_command.py"), killed: { status: 1, says: /signal TERM/ } },
  Paramiko: { run: inPython("paramiko_command.py"), killed: { status: 1, says: /killed/ } },
};

for (const [name, { run, killed }] of Object.entries(CLIENTS)) {
  describe(name, () => {
    test("runs a command with its input, its outputs apart, and its exit status", async () => {
      const { status, stdout, stderr } = await run("sha256sum; echo wrong >&2; exit 7", content);
      expect({ status, stdout }).toEqual({ status: 7, stdout: `${digest}  -\n` });
      expect(stderr).toContain("wrong\n");
    });

    test("gets all of the output, and then the status", async () => {
      const { status, stdout } = await run("head -c 3145728 /dev/zero | tr '\\0' x; exit 3");
      expect({ status, length: stdout.length }).toEqual({ status: 3, length: content.length });
    });

    test("gets the exit status of a command that has ended its output before, and leaves it to end", async () => {
      expect((await run("exec >&- 2>&-; sleep 0.5; exit 7")).status).toBe(7);
    });

    test("is told of the signal that has ended a command", async () => {
      const { status, stderr } = await run("kill -TERM $$");
      expect(status).toBe(killed.status);
      expect(stderr).toMatch(killed.says ?? /^/);
    });
  });
}

test("signals, a break, sizes and variables of AsyncSSH's do what they say", async () => {
  const { status, stdout, stderr } = await runIn(server.there, server.python("asyncssh_session.py"));
  expect(stderr).toBe("");
  expect(stdout.trim().split(/\s*\n/)).toEqual([
    ...["INT INT", "TERM TERM", "USR1 USR1", "KILL KILL"], // what ended it
    "INT 5 caught",
    "INFO TERM", // a signal that Linux has not does nothing
    ...["size 31 91", "size 40 100"],
    "after a break yes--vt100 0", // S1: no variable but those on the list
  ]);
  expect(status).toBe(0);
});

describe("an account that is not the server's", () => {
  const run = inShell("OpenSSH here");

  test("has its own ids, all its groups, its home and its shell, and owns what it makes", async () => {
    const { account } = server;
    const { stdout } = await run(
      "id -u; id -g; id -Gn; pwd; echo $HOME $USER $LOGNAME $SHELL; touch made; stat -c %U made",
    );
    const [uid, gid, groups, folder, variables, owner] = stdout.split("\n");
    expect([uid, gid]).toEqual([String(account.uid), String(account.gid)]);
    expect(groups!.split(" ").toSorted()).toEqual(["games", account.name, "users"]);
    expect(folder).toBe(account.home);
    expect(variables).toBe(`${account.home} ${account.name} ${account.name} /bin/bash`);
    expect(owner).toBe(account.name);
  });

  test("cannot read what is the server's own", async () => {
    const { status, stderr } = await run("cat /etc/shadow");
    expect(status).toBe(1);
    expect(stderr).toContain("Permission denied");
  });

  test("has a login shell, which reads its profile", async () => {
    server.account.put(".bash_profile", "echo this is the profile\n");
    const words = [...server.shells["OpenSSH here"], "-T", server.host];
    const { stdout } = await runIn(server.here, words, { input: "shopt login_shell; exit\n" });
    expect(stdout).toMatch(/^this is the profile\nlogin_shell\s+on\n$/);
  });

  test("has the terminal as its own, under its name too", async () => {
    const command = 'stat -c %U "$SSH_TTY"; echo by name >"$SSH_TTY"; id -u';
    const words = [...server.shells["OpenSSH here"], "-tt", server.host, command];
    const { stdout } = await runIn(server.here, words);
    expect(stdout).toBe(`${server.account.name}\r\nby name\r\n${server.account.uid}\r\n`);
  });

  test("has no process left when its clients have gone", async () => {
    await expect.poll(() => server.account.processes, { timeout: 15_000 }).toEqual([]);
  });
});
