/** OpenSSH's server for whoever runs the tests, who logs in by one key: this machine's, or that of the peers. */
import { Key } from "@strombus/conch/ssh/keys";
import { PeerFolder } from "./interop-folder.js";
import { privateFile, publicLine } from "./interop-keys.js";
import type { Account } from "./login.js";
import { Program } from "./program.js";
import { freePort } from "./ports.js";

export interface SSHD extends Account {
  readonly secret: Key;
  readonly hostKey: Key;
  /** Where it may make files, as it sees them. */
  readonly folder: PeerFolder;
  readonly program: Program;
  readonly stop: () => Promise<void>;
}

/**
 * @param prefix the words that run a program where the server lives: none for this machine
 * @param settings lines of its configuration, which win over ours
 * @param secret the key that logs in
 */
export async function startSSHD(
  prefix: readonly string[],
  settings: readonly string[] = [],
  secret = Key.generate("ed25519"),
): Promise<SSHD> {
  const folder = new PeerFolder(prefix);
  const hostKey = Key.generate("ed25519");
  const port = await freePort();
  const lines = [
    ...settings,
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${folder.put("host-key", privateFile(hostKey))}`,
    `AuthorizedKeysFile ${folder.put("authorized_keys", publicLine(secret))}`,
    "PidFile none",
    "UsePAM no",
    "StrictModes no",
    "PermitRootLogin yes",
    "LogLevel VERBOSE",
  ];
  const file = folder.put("sshd_config", `${lines.join("\n")}\n`);
  const program = new Program([...prefix, "sh", "-c", 'mkdir -p /run/sshd && exec /usr/sbin/sshd -D -e -f "$0"', file]);
  await program.stderr.until(`Server listening on 127.0.0.1 port ${port}.`);
  return {
    port,
    user: folder.run("id", "-un").trim(),
    secret,
    hostKey,
    folder,
    program,
    async stop() {
      await program.kill();
      folder.remove();
    },
  };
}
