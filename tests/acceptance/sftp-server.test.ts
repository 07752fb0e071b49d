/** The example sftp-server, with OpenSSH's sftp and scp, and with ssh2's client. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type Client, type SFTPWrapper } from "ssh2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Example, exampleFolder, startExample } from "../support/example.js";
import { PeerFolder } from "../support/interop-folder.js";
import { openSSH } from "../support/openssh.js";
import { Program } from "../support/program.js";
import { ssh2Client } from "../support/ssh2.js";
import { digestOf } from "../support/tcp.js";

const { prefix, askpass } = openSSH();
const base = exampleFolder();
const served = join(base, "files/user");
const large = randomBytes(5 * 2 ** 20 + 1);

let example: Example;
let local: PeerFolder;
beforeAll(async () => {
  local = new PeerFolder(prefix);
  example = await startExample("sftp-server", { folder: base });
});
afterAll(async () => {
  expect(await example.program.kill("SIGINT")).toEqual({ status: 0, signal: null });
  local.remove();
});

/** Starts one of OpenSSH's programs. Variables are sent, as Debian's configuration does by itself. */
function start(program: "sftp" | "scp", words: readonly string[], options: readonly string[] = []): Program {
  const settings = [
    "BatchMode=no", // or nobody would ask for the password
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "LogLevel=ERROR",
    "PreferredAuthentications=password",
    "SendEnv=LANG LC_ALL",
  ].flatMap((setting) => ["-o", setting]);
  const env = {
    SSH_ASKPASS: askpass,
    SSH_ASKPASS_REQUIRE: "force",
    STROMBUS_TEST_PASSWORD: "password",
    LANG: "C.UTF-8",
  };
  return new Program(
    [...prefix, program, "-F", "none", ...settings, ...options, "-P", String(example.port), ...words],
    { env },
  );
}

/** What `sftp -b` prints for these lines, its own prompts left out; and how it ends. */
async function sftp(...lines: string[]): Promise<{ status: number | null; printed: string[]; errors: string }> {
  const program = start("sftp", ["user@127.0.0.1"], ["-b", "-"]);
  program.type(`${lines.join("\n")}\n`);
  program.endInput();
  const { status } = await program.ending;
  const printed = program.stdout.text.split("\n").filter((line) => line !== "" && !line.startsWith("sftp> "));
  return { status, printed, errors: program.stderr.text };
}

function put(name: string, content: string | Uint8Array): string {
  const path = join(served, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

describe("OpenSSH's sftp", () => {
  test("is at the root, which is the user's folder, and cannot leave it", async () => {
    put("here/file", "x");
    symlinkSync(base, join(served, "out"));
    const { status, printed, errors } = await sftp(
      "pwd",
      "cd ../../..",
      "pwd",
      "ls -1 here",
      "-ls /etc",
      "-ls out/ssh-passwords",
      "-get ../../ssh-passwords",
      `-get ${base}/ssh-passwords`,
    );
    const at = "Remote working directory: /";
    expect([status, printed]).toEqual([0, [at, at, "here/file"]]);
    expect(errors.match(/not found|No such file/g)).toHaveLength(4);
  });

  test("puts, gets, lists, renames, links, changes and removes", async () => {
    const source = local.put("large", large);
    const { status, printed, errors } = await sftp(
      "mkdir dir",
      `put ${source} dir/large`,
      "rename dir/large dir/renamed",
      "symlink renamed dir/link",
      `get dir/link ${local.path}/back`,
      "chmod 4750 dir/renamed",
      "ls -l dir",
      "-rmdir dir",
      "rm dir/link",
      "rm dir/renamed",
      "rmdir dir",
      "-ls dir",
    );
    expect([status, errors.split("\n").filter(Boolean).length]).toEqual([0, 2]);
    expect(digestOf(local.read(`${local.path}/back`))).toBe(digestOf(large));
    expect(printed).toEqual([
      expect.stringMatching(/^lrwxrwxrwx .* link$/),
      expect.stringMatching(/^-rwxr-x--- .* 5242881 .* renamed$/),
    ]);
    expect(existsSync(join(served, "dir"))).toBe(false);
  });

  test("copies whole trees there and back, and goes on with what was cut off", async () => {
    const names = ["tree/a", "tree/deep/er/b", "tree/Grüße", "tree/with space"];
    for (const name of names) local.put(name, `content of ${name}`);
    put("cut", large.subarray(0, 100_000));
    const source = local.put("large", large);
    const { status, errors } = await sftp(
      `put -r ${local.path}/tree copy`,
      `put -r ${local.path}/tree copy`,
      `get -r copy ${local.path}/tree-back`,
      `reput ${source} cut`,
    );
    expect([status, errors]).toEqual([0, ""]);
    for (const name of names) {
      const back = local.read(`${local.path}/${name.replace("tree/", "tree-back/")}`);
      expect(back.toString()).toBe(`content of ${name}`);
    }
    expect(digestOf(readFileSync(join(served, "cut")))).toBe(digestOf(large));
  });

  test("lists a directory of a thousand names", async () => {
    for (let n = 0; n < 1000; n++) put(`many/n${n}`, "");
    const { printed } = await sftp("ls -1 many");
    expect(new Set(printed)).toEqual(new Set(Array.from({ length: 1000 }, (_, n) => `many/n${n}`)));
  });
});

describe("OpenSSH's scp", () => {
  test("copies by SFTP there and back, with times and modes, and exits with status 0", async () => {
    const source = local.put("scp-source", large, "640");
    local.run("touch", "-d", "2001-02-03 04:05:06 UTC", source);
    for (const words of [
      ["-s", "-p", source, "user@127.0.0.1:scp-copy"],
      ["-s", "-p", "user@127.0.0.1:scp-copy", `${local.path}/scp-back`],
    ]) {
      const program = start("scp", words);
      expect([await program.ending, program.stderr.text]).toEqual([{ status: 0, signal: null }, ""]);
    }
    expect(digestOf(local.read(`${local.path}/scp-back`))).toBe(digestOf(large));
    expect(local.run("stat", "-c", "%a %Y", `${local.path}/scp-back`)).toBe("640 981173106\n");
  });

  test("says what is not there, and fails", async () => {
    const program = start("scp", ["-s", "user@127.0.0.1:nothing", local.path]);
    expect((await program.ending).status).toBe(1);
    expect(program.stderr.text).toMatch(/nothing: No such file/i);
  });
});

describe("ssh2's client", () => {
  let client: Client;
  let files: SFTPWrapper;
  beforeAll(async () => {
    client = await ssh2Client(example.port);
    files = await new Promise((resolve, reject) => {
      client.sftp((error, made) => (error === undefined ? resolve(made) : reject(error)));
    });
  });
  afterAll(() => client.end());

  test("writes and reads by streams, looks, links and renames", async () => {
    const done = new Promise((resolve) => files.createWriteStream("/ssh2").on("close", resolve).end(large));
    await done;
    const chunks: Buffer[] = [];
    for await (const chunk of files.createReadStream("/ssh2")) chunks.push(chunk as Buffer);
    expect(digestOf(Buffer.concat(chunks))).toBe(digestOf(large));
    const stat = await promisify(files.stat.bind(files))("/ssh2");
    expect([stat.size, stat.isFile()]).toEqual([large.length, true]);
    await promisify<string, string>(files.symlink.bind(files))("ssh2", "/ssh2-link");
    expect(await promisify(files.readlink.bind(files))("/ssh2-link")).toBe("ssh2");
    await promisify(files.mkdir.bind(files))("/ssh2-dir");
    await promisify<string, string>(files.rename.bind(files))("/ssh2", "/ssh2-dir/moved");
    const listed = await promisify(files.readdir.bind(files))("/ssh2-dir");
    expect(listed.map(({ filename }) => filename)).toEqual(["moved"]);
    await expect(promisify(files.stat.bind(files))("/ssh2")).rejects.toMatchObject({ code: 2 });
    expect(await promisify(files.realpath.bind(files))("..")).toBe("/");
  });
});
