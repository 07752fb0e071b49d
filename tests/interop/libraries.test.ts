/** SSH of other languages, as Debian has it: each runs a command, and takes a file there and back. */
import { randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SFTPServerForFolder } from "@strombus/conch/sftp";
import { getNS } from "@strombus/conch/ssh/common";
import { FileTransferServer } from "@strombus/conch/ssh/filetransfer";
import { SSHSession } from "@strombus/conch/ssh/session";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { needed } from "../support/needed.js";
import { Program } from "../support/program.js";
import { serve, type Served } from "../support/server.js";

const folder = temporaryFolder();
const file = join(folder, "file");
const served = temporaryFolder();
const content = randomBytes(3_000_001);
const here = (name: string) => join(root, "tests/interop/peers", name);

/** Says which command it was to run, and that it ended with status 3. */
class Session extends SSHSession {
  override request_exec(data: Buffer) {
    const [command] = getNS(data);
    this.write(Buffer.concat([Buffer.from("ran "), command, Buffer.from("\n")]));
    void this.conn!.sendRequest(this, "exit-status", Buffer.of(0, 0, 0, 3));
    this.loseConnection();
    return true;
  }
}

const servers: Served[] = [];
let port: string;
let compat: string;

beforeAll(() => {
  writeFileSync(file, content);
  const files = new SFTPServerForFolder(served);
  const serveBy = (profile: "default" | "compat") => {
    const server = serve(
      Session,
      (factory) => (factory.algorithms = profile),
      (user) => (user.subsystemLookup["sftp"] = (data) => new FileTransferServer(data, { avatar: files })),
    );
    servers.push(server);
    return String(server.port);
  };
  [port, compat] = [serveBy("default"), serveBy("compat")];
});
afterAll(async () => {
  for (const each of servers) await each.close();
});

async function run(...command: string[]): Promise<string> {
  const program = new Program(command, { env: { HOME: folder } });
  program.endInput();
  const { status } = await program.ending;
  expect(program.stderr.text).toBe("");
  expect(status).toBe(0);
  return program.stdout.text;
}

function cameBack(): boolean {
  return readFileSync(`${file}.back`).equals(content);
}

describe("under the default algorithms", () => {
  test("libssh", async () => {
    const program = join(folder, "libssh");
    execFileSync(needed("cc"), [here("libssh.c"), "-o", program, "-lssh"]);
    expect(await run(program, port, file)).toBe("3 ran a command\n");
    expect(cameBack()).toBe(true);
  });

  test("Erlang's ssh", async () => {
    expect(await run(needed("escript"), here("erlang_ssh.escript"), port, file)).toBe("3 ran a command\n");
    expect(cameBack()).toBe(true);
  });

  test("rclone, which is Go's", async () => {
    const rclone = needed("rclone");
    const password = (await run(rclone, "obscure", "password")).trim();
    const there = `:sftp,host=127.0.0.1,port=${port},user=user,pass=${password},shell_type=none:taken`;
    const options = ["--config", join(folder, "none"), "--retries", "1", "--log-level", "ERROR"];
    await run(rclone, "copyto", ...options, file, there);
    await run(rclone, "copyto", ...options, there, `${file}.back`);
    await run(rclone, "deletefile", ...options, there);
    expect(cameBack()).toBe(true);
  });
});

describe("under the profile compat", () => {
  test("net-ssh and net-sftp of Ruby", async () => {
    expect(await run(needed("ruby"), "-W0", here("net_ssh.rb"), compat, file)).toBe("3 ran a command\n");
    expect(cameBack()).toBe(true);
  });

  test("curl, with libssh2", async () => {
    const curl = [needed("curl"), "--silent", "--show-error", "--insecure", "--user", "user:password"];
    const there = `sftp://127.0.0.1:${compat}/taken`;
    await run(...curl, "--upload-file", file, there);
    await run(...curl, "--output", `${file}.back`, there);
    expect(cameBack()).toBe(true);
  });
});
