/** Programs that run others through the example unix-server: rsync, git, scp and sftp, with every client that they can use. */
import { randomBytes } from "node:crypto";
import { chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PeerFolder } from "../support/interop-folder.js";
import { needed } from "../support/needed.js";
import { runIn, startUnixPeers, type UnixPeers } from "../support/unix-peers.js";

/** Some files, one of them large. */
const FILES: Readonly<Record<string, Buffer | string>> = {
  "one.txt": "one\n",
  "with a space/two": "two\n",
  "deep/er/large": randomBytes(5 * 2 ** 20),
};

/** What tells two trees of files apart. */
const DIGEST = 'cd "$0" && find . -type f -not -path "*/.git/*" | LC_ALL=C sort | xargs -d "\\n" sha256sum';

let server: UnixPeers;
let digest: string;
beforeAll(async () => {
  for (const program of ["rsync", "git"]) needed(program);
  server = await startUnixPeers();
  for (const folder of [server.there, server.here]) {
    for (const [name, content] of Object.entries(FILES)) folder.put(`files/${name}`, content);
  }
  digest = server.here.run("sh", "-c", DIGEST, `${server.here.path}/files`);
}, 30_000);
afterAll(() => server.stop());

type Shell = keyof UnixPeers["shells"];
const SHELLS: readonly Shell[] = ["OpenSSH 10", "OpenSSH here", "PuTTY", "Dropbear"];
const folderOf = (shell: Shell): PeerFolder => (shell === "OpenSSH here" ? server.here : server.there);

/** The digest of a folder of the account's. */
const digestThere = (name: string) => server.here.run("sh", "-c", DIGEST, join(server.account.home, name));

async function succeeds(folder: PeerFolder, words: readonly string[], env: NodeJS.ProcessEnv = {}, input = "") {
  const outcome = await runIn(folder, words, { env, input });
  expect(outcome.status, `${words.join(" ")}\n${outcome.stderr}`).toBe(0);
  return outcome.stdout;
}

for (const shell of SHELLS) {
  describe(shell, () => {
    test("rsync copies there and back, and the second time nothing", async () => {
      const folder = folderOf(shell);
      const remote = `${server.host}:rsync-${SHELLS.indexOf(shell)}`;
      const rsync = (...words: string[]) =>
        succeeds(folder, ["rsync", "-a", "--stats", "-e", server.shells[shell].join(" "), ...words]);
      await rsync(`${folder.path}/files/`, `${remote}/`);
      expect(digestThere(`rsync-${SHELLS.indexOf(shell)}`)).toBe(digest);
      await rsync(`${remote}/`, `${folder.path}/rsync-back/`);
      expect(folder.run("sh", "-c", DIGEST, `${folder.path}/rsync-back`)).toBe(digest);
      expect(await rsync(`${folder.path}/files/`, `${remote}/`)).toMatch(/files transferred: 0\n/);
      folder.run("rm", "-r", `${folder.path}/rsync-back`);
    });

    test("git pushes and clones", async () => {
      const folder = folderOf(shell);
      const env = {
        GIT_SSH_COMMAND: server.shells[shell].join(" "),
        GIT_SSH_VARIANT: "simple", // all options are in the command
        GIT_CONFIG_GLOBAL: "/dev/null",
      };
      const url = `${server.host}:git-${SHELLS.indexOf(shell)}.git`;
      const git = (...words: string[]) => succeeds(folder, ["git", ...words], env);
      const [here, back] = [`${folder.path}/work`, `${folder.path}/clone`];
      await succeeds(folder, [
        ...server.shells[shell],
        server.host,
        `git init -q --bare git-${SHELLS.indexOf(shell)}.git`,
      ]);
      folder.run("cp", "-r", `${folder.path}/files`, here);
      await git("-C", here, "init", "-q", "-b", "main");
      await git("-C", here, "add", ".");
      const author = ["-c", "user.name=x", "-c", "user.email=x@example.com"];
      await git("-C", here, ...author, "commit", "-q", "-m", "files");
      await git("-C", here, "push", "-q", url, "main");
      await git("clone", "-q", "-b", "main", url, back);
      expect(folder.run("sh", "-c", DIGEST, back)).toBe(digest);
      folder.run("rm", "-rf", here, back);
    });
  });
}

describe("copies of a file", () => {
  /** The words before the two places, with the port. */
  const copiers: Readonly<Record<string, () => readonly [folder: PeerFolder, words: readonly string[]]>> = {
    "scp -O of OpenSSH 10": () => [server.there, ["scp", "-O", "-r", ...openSSH(server.there)]],
    "scp -O of OpenSSH here": () => [server.here, ["scp", "-O", "-r", ...openSSH(server.here)]],
    "scp by SFTP of OpenSSH 10": () => [server.there, ["scp", "-s", "-r", ...openSSH(server.there)]],
    "scp by SFTP of OpenSSH here": () => [server.here, ["scp", "-s", "-r", ...openSSH(server.here)]],
    "pscp -scp": () => [server.there, ["pscp", "-q", "-r", "-scp", ...putty()]],
    "pscp -sftp": () => [server.there, ["pscp", "-q", "-r", "-sftp", ...putty()]],
  };
  const openSSH = (folder: PeerFolder) => [...server.openSSHOptions(folder), "-P", String(server.example.port)];
  const putty = () => [...server.puttyOptions, "-P", String(server.example.port)];

  for (const [name, of] of Object.entries(copiers)) {
    test(`go there and back by ${name}`, async () => {
      const [folder, words] = of();
      const copy = `copy-${Object.keys(copiers).indexOf(name)}`;
      mkdirSync(join(server.account.home, copy));
      chownSync(join(server.account.home, copy), server.account.uid, server.account.gid);
      await succeeds(folder, [...words, `${folder.path}/files`, `${server.host}:${copy}`]);
      expect(digestThere(`${copy}/files`)).toBe(digest);
      folder.run("mkdir", `${folder.path}/${copy}`);
      await succeeds(folder, [...words, `${server.host}:${copy}/files`, `${folder.path}/${copy}`]);
      expect(folder.run("sh", "-c", DIGEST, `${folder.path}/${copy}/files`)).toBe(digest);
    });
  }

  test("sftp of OpenSSH lists, copies and renames", async () => {
    for (const folder of [server.there, server.here]) {
      const batch = `mkdir sftp\nput ${folder.path}/files/deep/er/large sftp/large\nrename sftp/large sftp/renamed\nls -1 sftp\n`;
      const clean = `get sftp/renamed ${folder.path}/renamed\nrm sftp/renamed\nrmdir sftp\n`;
      const words = [
        "sftp",
        "-b",
        "-",
        ...server.openSSHOptions(folder),
        "-P",
        String(server.example.port),
        server.host,
      ];
      expect(await succeeds(folder, words, {}, `${batch}${clean}`)).toContain("sftp/renamed\n");
      folder.run("cmp", `${folder.path}/renamed`, `${folder.path}/files/deep/er/large`);
    }
  });

  test("psftp lists and copies", async () => {
    const folder = server.there;
    const batch = `put ${folder.path}/files/one.txt psftp.txt\nls\nget psftp.txt ${folder.path}/psftp.txt\n`;
    const words = ["psftp", ...putty(), "-b", folder.put("batch", batch), server.host];
    expect(await succeeds(folder, words)).toContain(" psftp.txt");
    folder.run("cmp", `${folder.path}/psftp.txt`, `${folder.path}/files/one.txt`);
  });

  for (const script of ["asyncssh_sftp.py", "paramiko_sftp.py"]) {
    test(`go there and back by ${script.replace("_sftp.py", "")}'s SFTP`, async () => {
      const folder = server.there;
      const large = `${folder.path}/files/deep/er/large`;
      await succeeds(folder, server.python(script, large, script, `${folder.path}/${script}.back`));
      folder.run("cmp", large, `${folder.path}/${script}.back`);
    });
  }
});
