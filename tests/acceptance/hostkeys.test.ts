/** OpenSSH's UpdateHostKeys: a client that trusts one host key learns the others, and so survives the change of keys. */
import { execFileSync } from "node:child_process";
import { dirname } from "node:path";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHServerTransport } from "@strombus/conch/ssh/transport";
import { expect, onTestFinished, test } from "vitest";
import { openSSH } from "../support/openssh.js";
import { Program } from "../support/program.js";
import { serve, type Served } from "../support/server.js";
import { rsaKey } from "../support/rsa.js";

/** Ends when its input does. */
class Patient extends SSHChannel {
  override name = "session";

  request_exec() {
    this.write("there");
    return true;
  }

  override eofReceived() {
    this.conn?.sendRequest(this, "exit-status", Buffer.alloc(4));
    this.loseConnection();
  }
}

const openssh = openSSH();
const knownHosts = `${dirname(openssh.askpass)}/known_hosts`;

function serveWith(...keys: Key[]): Served {
  const server = serve(Patient, (factory) => {
    factory.privateKeys = Object.fromEntries(keys.map((key) => [key.sshType(), key]));
    factory.publicKeys = Object.fromEntries(keys.map((key) => [key.sshType(), key.public()]));
    factory.protocol = SSHServerTransport;
  });
  onTestFinished(() => server.close());
  return server;
}

/** Where the client lives. */
function shell(script: string): string {
  const words = [...openssh.prefix, "sh", "-c", script];
  return execFileSync(words[0]!, words.slice(1)).toString();
}

/** A strict client, to which all servers are one host. */
function strictly(port: number, ...options: string[]): Program {
  const settings = [
    "StrictHostKeyChecking=yes",
    `UserKnownHostsFile=${knownHosts}`,
    "HostKeyAlias=rotating",
    "UpdateHostKeys=yes",
    "PubkeyAuthentication=no",
    ...options,
  ].flatMap((setting) => ["-o", setting]);
  const command = [
    ...openssh.prefix,
    "ssh",
    "-v",
    "-F",
    "none",
    ...settings,
    "-p",
    `${port}`,
    "user@127.0.0.1",
    "wait",
  ];
  return new Program(command, {
    env: { SSH_ASKPASS: openssh.askpass, SSH_ASKPASS_REQUIRE: "force", STROMBUS_TEST_PASSWORD: "password" },
  });
}

const ALGORITHMS = ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-256", "rsa-sha2-512"];

for (const algorithm of ["ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512"]) {
  test(`a client that came by ${algorithm} learns all other keys, and trusts them later`, async () => {
    const [ed25519, rsa, ecdsa] = [Key.generate("ed25519"), rsaKey(), Key.generate("ecdsa", 256)];
    const known = algorithm === "ssh-ed25519" ? ed25519 : rsa;
    shell(`echo 'rotating ${known.public().toString("openssh").toString().trim()}' >${knownHosts}`);

    const first = strictly(
      serveWith(ed25519, rsa, ecdsa).port,
      `HostKeyAlgorithms=${[algorithm, ...ALGORITHMS].join()}`,
    );
    await first.stderr.until(/(?:Learned new hostkey[^]*){2}/);
    first.endInput();
    expect(await first.ending).toEqual({ status: 0, signal: null });
    const lines = shell(`cat ${knownHosts}`);
    for (const key of [ed25519, rsa, ecdsa]) expect(lines).toContain(key.blob().toString("base64"));

    const later = strictly(serveWith(ecdsa).port);
    await later.stdout.until(/there/);
    later.endInput();
    expect(await later.ending).toEqual({ status: 0, signal: null });
  });
}
