/** Host certificates: OpenSSH's client trusts an authority (`@cert-authority`) and has never heard of the host's key. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { Key } from "@strombus/conch/ssh/keys";
import { Certificate } from "@strombus/conch/keys/certificate";
import { describe, expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../support/folder.js";
import { openSSH, ssh } from "../support/openssh.js";
import type { Program } from "../support/program.js";
import { serve, type Served } from "../support/server.js";
import { rsaKey } from "../support/rsa.js";

class Hello extends SSHChannel {
  override name = "session";

  request_exec() {
    this.write("hello");
    this.conn?.sendRequest(this, "exit-status", Buffer.alloc(4));
    this.loseConnection();
    return true;
  }
}

const openssh = openSSH();
const folder = temporaryFolder();
const authority = Key.generate("ed25519");

/** By `ssh-keygen -s` of this machine. */
function certifiedBySSHKeygen(key: Key): Certificate {
  const [ca, file] = [join(folder, "ca"), join(folder, `host-${key.sshType()}`)];
  writeFileSync(ca, authority.toString("openssh", { subtype: "v1" }), { mode: 0o600 });
  writeFileSync(`${file}.pub`, key.public().toString("openssh"));
  execFileSync("ssh-keygen", ["-q", "-s", ca, "-h", "-I", "a host", "-n", "somewhere,elsewhere", `${file}.pub`]);
  return Certificate.fromString(readFileSync(`${file}-cert.pub`));
}

function serveWith(key: Key, certificate: Certificate): Served {
  const server = serve(Hello, (factory) => {
    factory.privateKeys = { [key.sshType()]: key };
    factory.publicKeys = { [key.sshType()]: key.public() };
    factory.hostCertificates = [certificate];
  });
  onTestFinished(() => server.close());
  return server;
}

/** A strict client that knows the authority alone. */
function strictly(server: Served, host: string, ...more: string[]): Program {
  const knownHosts = `${dirname(openssh.askpass)}/certified_hosts`;
  const line = `@cert-authority * ${authority.public().toString("openssh").toString()}`;
  const words = [...openssh.prefix, "sh", "-c", `echo '${line}' >${knownHosts}`];
  execFileSync(words[0]!, words.slice(1));
  const options = ["StrictHostKeyChecking=yes", `UserKnownHostsFile=${knownHosts}`, `HostKeyAlias=${host}`, ...more];
  return ssh(openssh, { port: server.port, first: options.flatMap((each) => ["-o", each]), command: "x" });
}

const KEYS = {
  "ssh-ed25519-cert-v01@openssh.com": Key.generate("ed25519"),
  "ecdsa-sha2-nistp256-cert-v01@openssh.com": Key.generate("ecdsa", 256),
  "ecdsa-sha2-nistp384-cert-v01@openssh.com": Key.generate("ecdsa", 384),
  "ecdsa-sha2-nistp521-cert-v01@openssh.com": Key.generate("ecdsa", 521),
  "rsa-sha2-256-cert-v01@openssh.com": rsaKey(),
  "rsa-sha2-512-cert-v01@openssh.com": rsaKey(),
};

describe.each(Object.entries(KEYS))("%s", (algorithm, key) => {
  test("that ssh-keygen made is what the client trusts", async () => {
    const session = strictly(
      serveWith(key, certifiedBySSHKeygen(key)),
      "elsewhere",
      `HostKeyAlgorithms=${algorithm}`,
      "LogLevel=DEBUG1",
    );
    expect(await session.ending, session.stderr.text).toEqual({ status: 0, signal: null });
    expect(session.stdout.text).toBe("hello");
    expect(session.stderr.text).toContain("is known and matches");
  });

  test("that we made is what the client trusts, for its principals and its time alone", async () => {
    const issue = (validBefore: number) =>
      Certificate.issue(authority, {
        key: key.public(),
        kind: "host",
        keyId: "a host",
        principals: ["somewhere"],
        validBefore,
      });
    const server = serveWith(key, await issue(Infinity));
    const algorithms = `HostKeyAlgorithms=${algorithm}`;
    expect((await strictly(server, "somewhere", algorithms).ending).status).toBe(0);

    const elsewhere = strictly(server, "elsewhere", algorithms);
    expect((await elsewhere.ending).status).toBe(255);
    expect(elsewhere.stderr.text).toMatch(/name is not a listed principal|[Nn]ame does not match|principal/);

    const expired = strictly(serveWith(key, await issue(1)), "somewhere", algorithms);
    expect((await expired.ending).status).toBe(255);
    expect(expired.stderr.text).toContain("Certificate invalid: expired");
  });
});

test("a client that knows no certificates gets the plain key", async () => {
  const key = KEYS["ssh-ed25519-cert-v01@openssh.com"];
  const options = ["-v", "-o", "HostKeyAlgorithms=ssh-ed25519"];
  const session = ssh(openssh, { port: serveWith(key, certifiedBySSHKeygen(key)).port, options, command: "x" });
  await session.ending;
  expect(session.stdout.text).toBe("hello");
  expect(session.stderr.text).toMatch(/kex: host key algorithm: ssh-ed25519\s/);
});
