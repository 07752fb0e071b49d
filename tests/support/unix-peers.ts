/** The example unix-server with an account made for the test, and other people's clients that log in there by a key. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Key } from "@strombus/conch/ssh/keys";
import { Account } from "./account.js";
import { type Example, exampleFolder, root, startExample } from "./example.js";
import { PeerFolder } from "./interop-folder.js";
import { fingerprint, privateFile, publicLine } from "./interop-keys.js";
import { peers } from "./peers.js";
import { Program, type Surroundings } from "./program.js";

export interface UnixPeers {
  readonly example: Example;
  readonly account: Account;
  /** user@host */
  readonly host: string;
  /** Where the peers' programs live, and this machine's; both have the key in a file `key`. */
  readonly there: PeerFolder;
  readonly here: PeerFolder;
  /** The words of a program with its options, before the host: for rsync and git, too. */
  readonly shells: Readonly<Record<"OpenSSH 10" | "OpenSSH here" | "PuTTY" | "Dropbear", readonly string[]>>;
  /** Options of OpenSSH's and of PuTTY's other programs, without the port. */
  readonly openSSHOptions: (folder: PeerFolder) => readonly string[];
  readonly puttyOptions: readonly string[];
  /** A program of tests/interop/peers in Python, for the server, the account and its key. */
  python(script: string, ...args: string[]): readonly string[];
  stop(): Promise<void>;
}

/** @param groups those that the account is in besides its own */
export async function startUnixPeers(groups: readonly string[] = []): Promise<UnixPeers> {
  const [there, here] = [new PeerFolder(peers()), new PeerFolder([])];
  const key = Key.generate("ed25519");
  for (const folder of [there, here]) folder.put("key", privateFile(key));
  there.run("puttygen", `${there.path}/key`, "-O", "private", "-o", `${there.path}/key.ppk`);
  there.run("dropbearconvert", "openssh", "dropbear", `${there.path}/key`, `${there.path}/key.dropbear`);
  const folder = exampleFolder();
  const example = await startExample("unix-server", { folder });
  const account = new Account(publicLine(key), groups); // nobody removes it where the example does not start
  const hostKey = fingerprint(Key.fromFile(join(folder, "id_rsa.pub")));
  const port = String(example.port);

  const settings = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "BatchMode=yes"];
  const openSSHOptions = ({ path }: PeerFolder) => [
    ...["-F", "none", "-i", `${path}/key`],
    ...settings.flatMap((setting) => ["-o", setting]),
  ];
  const puttyOptions = ["-batch", "-noagent", "-hostkey", hostKey, "-i", `${there.path}/key.ppk`];
  return {
    example,
    account,
    host: `${account.name}@127.0.0.1`,
    there,
    here,
    openSSHOptions,
    puttyOptions,
    shells: {
      "OpenSSH 10": ["ssh", ...openSSHOptions(there), "-p", port],
      "OpenSSH here": ["ssh", ...openSSHOptions(here), "-p", port],
      PuTTY: ["plink", "-ssh", ...puttyOptions, "-P", port],
      Dropbear: ["dbclient", "-y", "-y", "-i", `${there.path}/key.dropbear`, "-p", port],
    },
    python(script, ...args) {
      const file = there.put(script, readFileSync(join(root, "tests/interop/peers", script)));
      return ["python3", "-W", "ignore", file, port, account.name, `${there.path}/key`, ...args];
    },
    async stop() {
      await example.program.kill("SIGINT");
      account.remove();
      for (const each of [there, here]) each.remove();
    },
  };
}

/** Runs a program where its folder is, gives it all of the input, and waits for its end. */
export async function runIn(
  folder: PeerFolder,
  words: readonly string[],
  { input = "", ...surroundings }: Surroundings & { input?: string | Uint8Array } = {},
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const program = new Program([...folder.prefix, ...words], surroundings);
  program.type(input);
  program.endInput();
  const { status } = await program.ending;
  return { status, stdout: program.stdout.text, stderr: program.stderr.text };
}
