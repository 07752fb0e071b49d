/** Other people's SSH servers, each with all the algorithms that it has. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./example.js";
import type { Host } from "./interop-client.js";
import { PeerFolder } from "./interop-folder.js";
import { type Keys, makeKeys, privateFile, publicLine } from "./interop-keys.js";
import { PASSWORD, USER } from "./interop-talk.js";
import { freePort } from "./ports.js";
import { Program } from "./program.js";

export interface InteropServer extends Host {
  /** Ends it, and leaves nothing behind. */
  stop(): Promise<void>;
}

/** What all servers are made from. */
export interface Surroundings {
  /** The words that run a program where the server lives. */
  readonly prefix: readonly string[];
  readonly userKeys: Keys;
  /** It begins a key exchange after so many bytes, if it can be told that. */
  readonly rekeyBytes?: number;
}

/**
 * OpenSSH's sshd. The user is whoever runs the peers, whose password nobody knows.
 *
 * @param first settings that win over those here, as sshd believes what comes first
 */
export async function openSSHServer(
  { prefix, userKeys, rekeyBytes }: Surroundings,
  first: readonly string[] = [],
): Promise<InteropServer & { readonly log: () => string }> {
  const { folder, hostKeys, hostKeyFiles } = prepare(prefix, asOpenSSH);
  const all = (query: string) => folder.run("ssh", "-Q", query).trim().replaceAll("\n", ",");
  const port = await freePort();
  const settings = [
    ...first,
    ...hostKeyFiles.map((file) => `HostKey ${file}`),
    `ListenAddress 127.0.0.1:${port}`,
    "PidFile none",
    "UsePAM no",
    "StrictModes no",
    "PermitRootLogin yes",
    "PerSourcePenalties no",
    `AuthorizedKeysFile ${folder.put("authorized_keys", authorizedKeys(userKeys))}`,
    `KexAlgorithms ${all("kex")}`,
    `HostKeyAlgorithms ${all("HostKeyAlgorithms")}`,
    `PubkeyAcceptedAlgorithms ${all("PubkeyAcceptedAlgorithms")}`,
    `Ciphers ${all("cipher")}`,
    `MACs ${all("mac")}`,
    "Compression yes",
    ...(rekeyBytes === undefined ? [] : [`RekeyLimit ${rekeyBytes}`]),
  ];
  const file = folder.put("sshd_config", `${settings.join("\n")}\n`);
  const program = new Program([...prefix, "sh", "-c", 'mkdir -p /run/sshd && exec /usr/sbin/sshd -D -e -f "$0"', file]);
  await program.stderr.until(`Server listening on 127.0.0.1 port ${port}.`);
  const user = folder.run("id", "-un").trim();
  return { port, user, hostKeys, log: () => program.stderr.text, stop: () => stop(program, folder) };
}

/** Dropbear's server. The user is whoever runs the peers, whose password nobody knows. */
export async function dropbearServer({ prefix, userKeys }: Surroundings): Promise<InteropServer> {
  const { folder, hostKeys, hostKeyFiles } = prepare(prefix, () => [], "~");
  const keys = hostKeyFiles.flatMap((file) => {
    folder.run("dropbearconvert", "openssh", "dropbear", file, `${file}.dropbear`);
    return ["-r", `${file}.dropbear`];
  });
  folder.put("authorized_keys", authorizedKeys(userKeys));
  const port = await freePort();
  const command = ["dropbear", "-F", "-E", "-m", "-s", "-P", "", "-p", `127.0.0.1:${port}`, "-D", folder.path, ...keys];
  const program = new Program([...prefix, ...command]);
  await program.stderr.until("Not backgrounding");
  return { port, user: folder.run("id", "-un").trim(), hostKeys, stop: () => stop(program, folder) };
}

/** A server in Python: a program of `tests/interop/peers` that prints the port on which it listens. */
async function pythonServer(
  script: string,
  newer: readonly string[],
  { prefix, userKeys, rekeyBytes }: Surroundings,
): Promise<InteropServer> {
  const { folder, hostKeys, hostKeyFiles } = prepare(prefix, () => newer);
  const source = readFileSync(join(root, "tests/interop/peers", script));
  const authorized = folder.put(
    "authorized_keys",
    authorizedKeys(new Map([...userKeys].filter(([type]) => hostKeys.has(type)))),
  );
  const args = [USER, PASSWORD, authorized, ...hostKeyFiles];
  const env = rekeyBytes === undefined ? {} : { REKEY_BYTES: String(rekeyBytes) };
  const program = new Program([...prefix, "python3", "-W", "ignore", folder.put(script, source), ...args], { env });
  const [, port] = await program.stdout.until(/^port (\d+)\n/);
  return { port: Number(port), user: USER, hostKeys, stop: () => stop(program, folder) };
}

/** How each is started. */
export const SERVERS: Readonly<Record<string, (surroundings: Surroundings) => Promise<InteropServer>>> = {
  "OpenSSH 10": openSSHServer,
  Dropbear: dropbearServer,
  AsyncSSH: (surroundings) => pythonServer("asyncssh_server.py", ["ssh-ed448"], surroundings),
  Twisted: (surroundings) => pythonServer("twisted_server.py", [], surroundings),
};

async function stop(program: Program, folder: PeerFolder): Promise<void> {
  await program.kill();
  folder.remove();
}

/** Types of keys that OpenSSH has there. */
function asOpenSSH(folder: PeerFolder): string[] {
  return folder.run("ssh", "-Q", "key").split("\n");
}

/** @param newer which of the newer types of keys it takes */
function prepare(prefix: readonly string[], newer: (folder: PeerFolder) => readonly string[], where?: "~") {
  const folder = new PeerFolder(prefix, where);
  const hostKeys = makeKeys("host", newer(folder));
  const hostKeyFiles = [...hostKeys].map(([format, key]) => folder.put(`host-${format}`, privateFile(key)));
  return { folder, hostKeys, hostKeyFiles };
}

function authorizedKeys(keys: Keys): string {
  return [...keys.values()].map(publicLine).join("");
}
