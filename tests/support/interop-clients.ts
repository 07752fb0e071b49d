/** Other people's SSH clients: how each is asked what it has, and made to log in and run the command. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Key } from "@strombus/conch/ssh/keys";
import { root } from "./example.js";
import { alone, type Lists, type Row } from "./interop-algorithms.js";
import { PeerFolder } from "./interop-folder.js";
import { fingerprint, type Keys, privateFile, isNewer } from "./interop-keys.js";
import type { InteropServer } from "./interop-server.js";
import type { Outcome } from "./interop-table.js";
import { COMMAND, INPUT, LONG_INPUT, PASSWORD, PATIENCE, type Talk, USER } from "./interop-talk.js";
import { peers } from "./peers.js";
import { Program } from "./program.js";

export interface InteropClient {
  readonly name: string;
  /** What it has, by its own word. */
  readonly lists: Lists;
  /** Its users can have it begin a key exchange after so many bytes. */
  readonly rekeys: boolean;
  /** Logs in on a port whose server has the algorithms of this row only. */
  run(row: Row, port: number, talk?: Talk): Promise<Outcome>;
  /** Ends it, and leaves nothing behind. */
  stop(): void | Promise<void>;
}

/** What all clients are made from. */
interface Surroundings {
  /** The words that run a program where the client lives. */
  readonly prefix: readonly string[];
  readonly server: InteropServer;
  readonly userKeys: Keys;
}

/** How each is started. */
export const CLIENTS: Readonly<
  Record<string, (name: string, server: InteropServer, userKeys: Keys) => InteropClient | Promise<InteropClient>>
> = {
  "OpenSSH 10": (name, server, userKeys) => openSSHClient(name, { prefix: peers(), server, userKeys }),
  "OpenSSH here": (name, server, userKeys) => openSSHClient(name, { prefix: [], server, userKeys }),
  Dropbear: (name, server, userKeys) => dropbearClient(name, { prefix: peers(), server, userKeys }),
  PuTTY: (name, server, userKeys) => puttyClient(name, { prefix: peers(), server, userKeys }),
  AsyncSSH: (name, server, userKeys) => pythonClient(name, "asyncssh_client.py", { prefix: peers(), server, userKeys }),
  Paramiko: (name, server, userKeys) => pythonClient(name, "paramiko_client.py", { prefix: peers(), server, userKeys }),
  Twisted: (name, server, userKeys) => pythonClient(name, "twisted_client.py", { prefix: peers(), server, userKeys }),
};

/** What OpenSSH's own tests have for a security key: one in a file, touched all the time. */
export const SECURITY_KEY_PROVIDER = "/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so";

function openSSHClient(name: string, { prefix, server, userKeys }: Surroundings): InteropClient {
  const folder = new PeerFolder(prefix);
  const askpass = folder.put("askpass", `#!/bin/sh\necho ${PASSWORD}\n`, "700");
  const files = new Map([...putKeys(folder, userKeys), ...makeSecurityKeys(folder, server)]);
  const ask = (query: string) => words(folder.run("ssh", "-Q", query));
  const lists = {
    kex: ask("kex"),
    hostKey: ask("HostKeyAlgorithms"),
    cipher: ask("cipher"),
    mac: ask("mac"),
    compression: ask("compression"),
    login: logins(ask("PubkeyAcceptedAlgorithms"), files),
  };
  return {
    name,
    lists,
    rekeys: true,
    run(row, port, { input, rekeyBytes } = {}) {
      const { kex, hostKey, cipher, mac, login } = alone(row);
      const [method = ""] = login;
      const options = {
        StrictHostKeyChecking: "no",
        UserKnownHostsFile: "/dev/null",
        GlobalKnownHostsFile: "/dev/null",
        IdentitiesOnly: "yes",
        IdentityAgent: "none",
        KexAlgorithms: kex.filter((each) => lists.kex.includes(each)).join(","),
        HostKeyAlgorithms: hostKey.join(","),
        Ciphers: cipher.join(","),
        MACs: mac.join(","),
        ...(rekeyBytes !== undefined && { RekeyLimit: String(rekeyBytes) }),
        ...(method === "password"
          ? { PreferredAuthentications: "password", NumberOfPasswordPrompts: "1" }
          : {
              PreferredAuthentications: "publickey",
              PubkeyAcceptedAlgorithms: method,
              IdentityFile: files.get(method) ?? "none",
              SecurityKeyProvider: SECURITY_KEY_PROVIDER,
            }),
      };
      const settings = Object.entries(options).flatMap(([option, value]) => ["-o", `${option}=${value}`]);
      const command = ["ssh", "-T", "-F", "none", ...settings, "-p", String(port), `${USER}@127.0.0.1`, COMMAND];
      return runCommand([...prefix, ...command], { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force" }, input);
    },
    stop: () => folder.remove(),
  };
}

function dropbearClient(name: string, { prefix, userKeys }: Surroundings): InteropClient {
  const folder = new PeerFolder(prefix);
  const files = putKeys(folder, userKeys, (file) => {
    folder.run("dropbearconvert", "openssh", "dropbear", file, `${file}.dropbear`);
    return `${file}.dropbear`;
  });
  const ask = (query: string) => words(folder.run("sh", "-c", 'dbclient -Q "$0" 2>&1', query));
  const signatures = ask("sig");
  return {
    name,
    lists: {
      kex: ask("kex"),
      hostKey: signatures,
      cipher: ask("cipher"),
      mac: ask("mac"),
      compression: ask("compress"),
      login: logins(signatures, files),
    },
    rekeys: false,
    run(row, port, { input } = {}) {
      const [method = ""] = alone(row).login;
      const key = method === "password" ? [] : ["-i", files.get(method)!];
      const command = ["dbclient", "-y", "-y", "-T", ...key, "-p", String(port), `${USER}@127.0.0.1`, COMMAND];
      return runCommand([...prefix, ...command], method === "password" ? { DROPBEAR_PASSWORD: PASSWORD } : {}, input);
    },
    stop: () => folder.remove(),
  };
}

/** A session of PuTTY's in which nothing is so weak that it would ask first. */
const PUTTY_SESSION = `Protocol=ssh
KEX=ecdh,dh-gex-sha1,dh-group18-sha512,dh-group16-sha512,dh-group14-sha1,rsa,dh-group1-sha1,WARN
HostKey=ed25519,ed448,ecdsa,rsa,dsa,WARN
Cipher=aes,chacha20,aesgcm,3des,blowfish,des,arcfour,WARN
`;

async function puttyClient(name: string, { prefix, server, userKeys }: Surroundings): Promise<InteropClient> {
  const folder = new PeerFolder(prefix);
  folder.put("sessions/usual", PUTTY_SESSION);
  const files = putKeys(folder, userKeys, (file) => {
    folder.run("puttygen", file, "-O", "private", "-o", `${file}.ppk`);
    return `${file}.ppk`;
  });
  const hostKeys = [...server.hostKeys.values()].flatMap((key) => ["-hostkey", fingerprint(key)]);
  const run = (port: number, { input, rekeyBytes }: Talk, ...login: string[]) => {
    if (rekeyBytes !== undefined) folder.put("sessions/rekeying", `${PUTTY_SESSION}RekeyBytes=${rekeyBytes}\n`);
    const session = rekeyBytes === undefined ? "usual" : "rekeying";
    const fixed = ["plink", "-batch", "-noagent", "-load", session, "-ssh", "-T", ...hostKeys];
    const command = [...fixed, "-P", String(port), "-l", USER, ...login, "127.0.0.1", COMMAND];
    return runCommand([...prefix, ...command], { PUTTYDIR: folder.path }, input);
  };
  const offer = await server.offerOf((port) => run(port, {}, "-pw", PASSWORD));
  return {
    name,
    // it tells nowhere which user keys it takes: those that it knows of hosts
    lists: { ...offer, login: logins(offer.hostKey, files) },
    rekeys: true,
    run(row, port, talk = {}) {
      const [method = ""] = alone(row).login;
      return method === "password" ? run(port, talk, "-pw", PASSWORD) : run(port, talk, "-i", files.get(method)!);
    },
    stop: () => folder.remove(),
  };
}

/**
 * A client in Python: a program of `tests/interop/peers` that first prints its lists, then does a job for each line that
 * it reads; both are JSON.
 */
async function pythonClient(name: string, script: string, { prefix, userKeys }: Surroundings): Promise<InteropClient> {
  const folder = new PeerFolder(prefix);
  const source = readFileSync(join(root, "tests/interop/peers", script));
  const program = new Program([...prefix, "python3", "-W", "ignore", folder.put(script, source)]);
  const files = putKeys(folder, userKeys);
  const inputs = new Map([INPUT, LONG_INPUT].map((text) => [text, folder.put(`input-${text.length}`, text)]));
  const answer = async () => {
    const [, json = ""] = await program.stdout.until(/^(\{.*\})\n/, PATIENCE + 5);
    return JSON.parse(json) as unknown;
  };
  const lists = (await answer()) as Lists;
  return {
    name,
    lists: { ...lists, login: logins(lists.login, files) },
    rekeys: script !== "twisted_client.py",
    async run(row, port, { input = INPUT, rekeyBytes } = {}) {
      const [method = ""] = alone(row).login;
      const secret = method === "password" ? { password: PASSWORD } : { key: files.get(method), algorithm: method };
      const talk = { command: COMMAND, input: inputs.get(input), rekeyBytes, patience: PATIENCE };
      const job = { port, user: USER, ...talk, ...secret };
      program.type(`${JSON.stringify(job)}\n`);
      return (await answer()) as Outcome;
    },
    async stop() {
      await program.kill();
      folder.remove();
    },
  };
}

/** The files of user keys by the algorithms for which they are, each converted to what the client reads. */
function putKeys(folder: PeerFolder, keys: Keys, convert = (file: string) => file): Map<string, string> {
  const files = new Map<string, string>();
  for (const key of keys.values()) {
    const file = folder.put(`key-${key.sshType()}`, privateFile(key));
    try {
      const converted = convert(file);
      for (const algorithm of key.supportedSignatureAlgorithms()) files.set(algorithm, converted);
    } catch (error) {
      if (!isNewer(key.sshType())) throw error; // which its tool does not know
    }
  }
  return files;
}

/** Security keys that are none, where there is a provider of them; what they sign is. */
function makeSecurityKeys(folder: PeerFolder, server: InteropServer): Map<string, string> {
  const files = new Map<string, string>();
  if (folder.run("sh", "-c", 'ls "$0" 2>&1 || true', SECURITY_KEY_PROVIDER).trim() !== SECURITY_KEY_PROVIDER)
    return files;
  for (const type of ["ed25519-sk", "ecdsa-sk"]) {
    const file = `${folder.path}/key-${type}`;
    folder.run("ssh-keygen", "-q", "-t", type, "-w", SECURITY_KEY_PROVIDER, "-N", "", "-f", file);
    const key = Key.fromString(folder.run("cat", `${file}.pub`));
    server.authorize(key);
    files.set(key.sshType(), file);
  }
  return files;
}

/** A password, and those signatures for which there is a key. */
function logins(signatures: readonly string[], files: ReadonlyMap<string, string>): string[] {
  return ["password", ...signatures.filter((name) => files.has(name))];
}

async function runCommand(command: readonly string[], env: NodeJS.ProcessEnv, input = INPUT): Promise<Outcome> {
  const program = new Program(command, { env });
  program.type(input);
  program.endInput();
  const late = setTimeout(() => void program.kill("SIGKILL"), PATIENCE * 1000);
  const { status } = await program.ending;
  clearTimeout(late);
  return { output: program.stdout.text, status, log: program.stderr.text };
}

function words(output: string): string[] {
  return output.split(/\s+/).filter((word) => word !== "");
}
