/** The examples auth-option, expired-password and hostbased. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHClientTransport } from "@strombus/conch/ssh/transport";
import { SSHUserAuthClient } from "@strombus/conch/ssh/userauth";
import { reactor } from "@strombus/reactor";
import { connectProtocol, TCP4ClientEndpoint } from "@strombus/reactor/endpoints";
import { describe, expect, onTestFinished, test } from "vitest";
import { exampleCommand, exampleFolder, startExample } from "../support/example.js";
import { PeerFolder } from "../support/interop-folder.js";
import { publicLine } from "../support/interop-keys.js";
import { openSSH, ssh } from "../support/openssh.js";
import { Program } from "../support/program.js";

const openssh = openSSH();

async function shown(port: number, user: string, password: string): Promise<string> {
  const session = ssh(openssh, { port, user, password, options: ["-o", "NumberOfPasswordPrompts=1"] });
  await session.ending;
  return session.stdout.text;
}

describe("auth-option", () => {
  const folder = exampleFolder();

  /** Runs it with these words, until it is listening or has ended. */
  async function start(...words: string[]) {
    const [node = "", main = ""] = exampleCommand("auth-option", {});
    const program = new Program([node, main, "--folder", folder, "--port", "0", ...words]);
    onTestFinished(() => void program.kill("SIGKILL"));
    const listening = program.stdout.until(/listens on port (\d+)\./).then(([, port]) => Number(port));
    const port = await Promise.race([listening.catch(() => null), program.ending.then(() => null)]);
    return { program, port };
  }

  test("lets in by the file that is named on the command line, and by no other", async () => {
    const { port } = await start("--auth", "file:ssh-passwords");
    expect(await shown(port!, "user", "password")).toBe("Welcome, user!\r\n");
    expect(await shown(port!, "user", "passwore")).toBe("");
  });

  test("lets in by what several checkers check", async () => {
    const { port } = await start("--auth", "memory:ann:secret", "--auth", "anonymous");
    const anybody = ssh(openssh, { port: port!, user: "anybody", options: ["-o", "BatchMode=yes"] });
    await anybody.ending;
    expect(anybody.stdout.text).toMatch(/^Welcome, .*!\r\n$/);
    const { port: other } = await start("--auth", "memory:ann:secret");
    expect(await shown(other!, "ann", "secret")).toBe("Welcome, ann!\r\n");
  });

  test("lists what there is, and says what is wrong", async () => {
    const help = await start("--help-auth");
    expect((await help.program.ending).status).toBe(0);
    expect(help.program.stdout.text).toMatch(/ {2}file +\tLocation of a FilePasswordDB-formatted file\.\n/);
    for (const type of ["anonymous", "memory", "sshkey", "unix"]) expect(help.program.stdout.text).toContain(type);
    const wrong = await start("--auth", "nothing:x");
    expect((await wrong.program.ending).status).toBe(2);
    expect(wrong.program.stderr.text).toBe("Auth plugin not recognized: nothing: see --help-auth\n");
  });
});

test("expired-password: a first password is good for choosing another", async () => {
  const { port, program } = await startExample("expired-password", { folder: exampleFolder() });
  onTestFinished(() => void program.kill("SIGKILL"));
  const folder = new PeerFolder(openssh.prefix);
  onTestFinished(() => folder.remove());
  const changing = async (chosen: string) => {
    const script = `#!/bin/sh\ncase "$1" in *ew*|*etype*) echo '${chosen}';; *) echo password;; esac\n`;
    const askpass = folder.put("askpass", script, "700");
    const session = ssh({ ...openssh, askpass }, { port, options: ["-o", "NumberOfPasswordPrompts=1"] });
    await session.ending;
    return session.stdout.text;
  };
  expect(await changing("short")).toBe("");
  expect(await changing("correct horse")).toBe("Welcome, user!\r\n");
  expect(await shown(port, "user", "password")).toBe("");
  expect(await shown(port, "user", "correct horse")).toBe("Welcome, user!\r\n");
  expect(await shown(port, "nobody", "the password of nobody")).toBe("");
});

test("hostbased: a host that is trusted speaks for its users, under their own names", async () => {
  const host = Key.generate("ed25519");
  const folder = exampleFolder();
  writeFileSync(join(folder, "trusted_hosts"), `localhost ${publicLine(host)}`);
  const { port, program } = await startExample("hostbased", { folder });
  onTestFinished(() => void program.kill("SIGKILL"));

  /** Whether our client is let in, whose host has this key and says this of itself and its user. */
  const isIn = async (user: string, key: Key, hostname: string, username: string): Promise<boolean> =>
    new Promise((resolve) => {
      const connection = new SSHConnection();
      const client = new SSHUserAuthClient(user, connection);
      client.getHostBasedIdentity = () => ({ key, hostname, username });
      class Transport extends SSHClientTransport {
        override verifyHostKey() {}
        override connectionSecure() {
          this.requestService(client);
        }
        override connectionLost(...reason: Parameters<SSHClientTransport["connectionLost"]>) {
          super.connectionLost(...reason);
          resolve(false);
        }
      }
      connection.serviceStarted = () => {
        resolve(true);
        connection.transport!.loseConnection();
      };
      void connectProtocol(new TCP4ClientEndpoint(reactor, "127.0.0.1", port), new Transport());
    });

  expect(await isIn("ann", host, "localhost.", "ann")).toBe(true);
  expect(await isIn("bob", host, "localhost.", "ann")).toBe(false);
  expect(await isIn("ann", host, "elsewhere.example.", "ann")).toBe(false);
  expect(await isIn("ann", Key.generate("ed25519"), "localhost.", "ann")).toBe(false);
});
