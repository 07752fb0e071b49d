/** simple-session with other people's clients: each logs in, opens a shell, sends a line and reads its echo. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Example, exampleFolder, startExample } from "../support/example.js";
import { peers } from "../support/peers.js";
import { Program } from "../support/program.js";

const ASYNCSSH = `
import asyncssh, asyncio, sys
async def main(port):
    async with asyncssh.connect("127.0.0.1", port, username="user", password="password", known_hosts=None, config=None) as connection:
        async with connection.create_process(term_type="xterm") as process:
            process.stdin.write("hello\\n")
            print(await process.stdout.readline(), end="")
            process.stdin.write_eof()
            process.close()
            connection.abort()
asyncio.run(main(int(sys.argv[1])))
`;

const PARAMIKO = `
import paramiko, sys
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect("127.0.0.1", int(sys.argv[1]), "user", "password", allow_agent=False, look_for_keys=False)
channel = client.invoke_shell()
channel.sendall("hello\\n")
print(channel.makefile("r").readline(), end="")
channel.shutdown_write()
client.close()
`;

describe("simple-session", () => {
  const peer = peers();
  const folder = exampleFolder();
  let server: Example;

  beforeAll(async () => {
    server = await startExample("simple-session", { folder });
  });
  afterAll(() => server.program.kill("SIGKILL"));

  /** PuTTY in batch mode wants to be told the host key. */
  const fingerprint = () => {
    const [, blob = ""] = readFileSync(join(folder, "id_rsa.pub"), "utf8").split(" ");
    const digest = createHash("sha256").update(Buffer.from(blob, "base64")).digest("base64");
    return `SHA256:${digest.replace(/=+$/, "")}`;
  };

  const CLIENTS: Readonly<Record<string, (port: string) => string[]>> = {
    "PuTTY's plink": (port) => [
      "plink",
      "-ssh",
      "-batch",
      "-hostkey",
      fingerprint(),
      "-P",
      port,
      "-pw",
      "password",
      "user@127.0.0.1",
    ],
    "Dropbear's dbclient": (port) => [
      "env",
      "DROPBEAR_PASSWORD=password",
      "dbclient",
      "-y",
      "-y",
      "-p",
      port,
      "user@127.0.0.1",
    ],
    AsyncSSH: (port) => ["python3", "-c", ASYNCSSH, port],
    Paramiko: (port) => ["python3", "-c", PARAMIKO, port],
  };

  for (const [name, command] of Object.entries(CLIENTS)) {
    test(`echoes what ${name} sends and tells how it ends`, async () => {
      const { stdout } = server.program;
      const before = stdout.lines.length;
      const client = new Program([...peer, ...command(String(server.port))], { env: { TERM: "xterm" } });
      client.type("hello\n");
      await client.stdout.until(/echo: 'hello(\\n|\\r)'/);
      client.endInput();
      await stdout.until("connection lost\n");
      await client.kill();
      await stdout.until("closed\n");
      const ending = stdout.lines.slice(before).filter((line) => line !== "closeReceived"); // some close first
      expect(ending).toEqual(["connection lost", "closed"]);
    });
  }
});
