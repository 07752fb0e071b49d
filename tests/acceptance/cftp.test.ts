/** The program cftp: with the example sftp-server, and with a server that takes keys. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InMemorySSHKeyDB, SSHPublicKeyChecker } from "@strombus/conch/checkers";
import { SFTPServerForFolder } from "@strombus/conch/sftp";
import { FileTransferServer } from "@strombus/conch/ssh/filetransfer";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHSession } from "@strombus/conch/ssh/session";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Example, exampleFolder, root, startExample } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { needed } from "../support/needed.js";
import { atTerminal, Program } from "../support/program.js";
import { type Served, serve } from "../support/server.js";

const command = [process.execPath, join(root, "packages/conch/bin/cftp.js")];
const [hostKey, key] = [Key.generate("ed25519"), Key.generate("ecdsa")];

/** The user's home, where the programs run, and what the server has. */
let home: string;
let served: string;
beforeEach(() => {
  home = temporaryFolder();
  served = temporaryFolder();
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
});

const surroundings = () => ({ cwd: home, env: { HOME: home, SSH_AUTH_SOCK: "" } });

/** Without a terminal. */
async function cftp(...words: string[]) {
  const program = new Program([needed("setsid"), "--wait", ...command, ...words], surroundings());
  program.endInput();
  const { status } = await program.ending;
  return { status, printed: program.stdout.text, errors: program.stderr.text };
}

function put(name: string, content: string): string {
  writeFileSync(join(home, name), content, { mode: 0o600 });
  return join(home, name);
}

const keyFile = (of: Key, passphrase: string | null = null): string =>
  of.toString("openssh", { subtype: "PEM", passphrase }).toString();
const publicLine = (of: Key): string => of.public().toString("openssh").toString();

describe("with a key", () => {
  let server: Served;
  let words: string[];
  beforeAll(() => {
    server = serve(
      SSHSession,
      (factory) => {
        factory.privateKeys = { "ssh-ed25519": hostKey };
        factory.publicKeys = { "ssh-ed25519": hostKey.public() };
        factory.portal!.registerChecker(
          new SSHPublicKeyChecker(new InMemorySSHKeyDB(new Map([["user", [key.public()]]]))),
        );
      },
      (user) =>
        (user.subsystemLookup["sftp"] = (data) =>
          new FileTransferServer(data, { avatar: new SFTPServerForFolder(served) })),
    );
  });
  afterAll(async () => server.close());
  beforeEach(() => {
    put("known", `[127.0.0.1]:${server.port} ${publicLine(hostKey)}\n`);
    words = ["-p", String(server.port), "--known-hosts", "known", "-i", "identity", "user@127.0.0.1"];
  });

  test("of a file and a known host a batch runs, and nothing is asked", async () => {
    put("identity", keyFile(key));
    put("identity.pub", publicLine(key));
    put("local", "content");
    put("batch", "put local there\nls\nget there back\nrm there\nls\n");
    const { status, printed, errors } = await cftp("-b", "batch", ...words);
    expect([status, errors]).toEqual([0, ""]);
    expect(printed).toContain("there\n");
    expect(readFileSync(join(home, "back"), "utf8")).toBe("content");
  });

  test("of its usual place one file is got, by a connection that is compressed and has the ciphers asked for", async () => {
    put(".ssh/id_ecdsa", keyFile(key));
    put(".ssh/known_hosts", readFileSync(join(home, "known"), "utf8"));
    writeFileSync(join(served, "report"), "rain");
    const options = ["-C", "-c", "aes256-ctr", "-m", "hmac-sha2-512-etm@openssh.com", "-v", "--logfile", "log"];
    const port = ["-p", String(server.port), "-l", "user"];
    expect(await cftp(...options, ...port, "127.0.0.1:report", "mine")).toMatchObject({ status: 0, errors: "" });
    expect(readFileSync(join(home, "mine"), "utf8")).toBe("rain");
    expect(readFileSync(join(home, "log"), "utf8")).not.toBe("");
  });

  test("that is encrypted its passphrase is asked for, up to three times", async () => {
    put("identity", keyFile(key, "secret"));
    put("identity.pub", publicLine(key));
    const program = atTerminal([...command, ...words], surroundings());
    const question = "Enter passphrase for key 'identity': ";
    for (const answer of ["wrong", "again", "secret"]) {
      await program.stdout.until(question);
      program.type(`${answer}\r`);
    }
    await program.stdout.until("cftp> ");
    program.type("pwd\r");
    await program.stdout.until("/\r\ncftp> ");
    program.type("quit\r");
    expect(await program.ending).toMatchObject({ status: 0 });
    expect(program.stdout.text).not.toContain("secret");
  });

  test("nobody logs in at a host that is not known, where nobody can be asked", async () => {
    put("identity", keyFile(key));
    put("known", "");
    const unknown = "cftp: the host is not known, and its key was not accepted\n";
    expect(await cftp(...words)).toEqual({ status: 1, printed: "", errors: unknown });
    put("known", `[127.0.0.1]:${server.port} ${publicLine(Key.generate("ed25519"))}\n`);
    const changed = "cftp: the host shows another key than line 1 of known has for it\n";
    expect(await cftp(...words)).toEqual({ status: 1, printed: "", errors: changed });
  });

  test("that the server does not take, and without a terminal, it ends", async () => {
    put("identity", keyFile(Key.generate("ecdsa")));
    const errors = "cftp: no more authentication methods available, 14\n";
    expect(await cftp(...words)).toEqual({ status: 1, printed: "", errors });
  });

  test.each([
    [["-m", "nonsense"], "Unknown mac type 'nonsense'\n"],
    [["-p", "0"], 'ERROR: "0" is no port\nUsage: cftp [options] [user@]host[:path [localfile]]\n'],
  ])("%j is told", async (options, errors) => {
    expect(await cftp(...options, "host")).toEqual({ status: 1, printed: "", errors });
  });
});

describe("with a password", () => {
  let example: Example;
  beforeAll(async () => {
    example = await startExample("sftp-server", { folder: exampleFolder() });
  });
  afterAll(async () => {
    await example.program.kill();
  });

  const session = () => atTerminal([...command, "-p", String(example.port), "user@127.0.0.1"], surroundings());

  test("a user is asked about the host once, and for the password, which is not shown", async () => {
    const first = session();
    await first.stdout.until("Are you sure you want to continue connecting (yes/no)? ");
    first.type("yes\r");
    await first.stdout.until("user@127.0.0.1's password: ");
    first.type("password\r");
    await first.stdout.until("cftp> ");
    first.type("mkdir made\rls\r");
    await first.stdout.until("made\r\ncftp> ");
    first.type("quit\r");
    expect(await first.ending).toMatchObject({ status: 0 });
    expect(first.stdout.text).not.toMatch(/password\r?\n/);

    const second = session();
    await second.stdout.until("user@127.0.0.1's password: ");
    expect(second.stdout.text).not.toContain("(yes/no)");
    second.type("\x03");
    expect(await second.ending).toMatchObject({ status: 1 });
    expect(second.stdout.text).toContain("cftp: cancelled by the user, 13");
  });

  test("a server that goes while it asks is told of at once", async () => {
    const own = await startExample("sftp-server", { folder: exampleFolder() });
    const program = atTerminal([...command, "-p", String(own.port), "user@127.0.0.1"], surroundings());
    await program.stdout.until("(yes/no)? ");
    program.type("yes\r");
    await program.stdout.until("password: ");
    await own.program.kill("SIGKILL");
    expect(await program.ending).toMatchObject({ status: 1 });
    expect(program.stdout.text).toMatch(/cftp: [^\n]+\r\n/);
  });
});
