/** The reactor's examples with netcat and socat, and the runner with systemd's own messenger and with logrotate. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { TestAuthority } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { coreExample, startCoreExample } from "../support/core-example.js";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { needed } from "../support/needed.js";
import { Program } from "../support/program.js";
import { freePort } from "../support/ports.js";
import { EchoClient, echoModule, strombus, visit } from "../support/runner.js";

const netcat = needed("nc");
const socat = needed("socat");

// Of Debian's essential programs the one that receives datagrams. Descriptors that come along are closed, as systemd does.
const RECEIVER = `
  $| = 1;
  my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die;
  print "receiving\\n";
  print "$message\\n" while defined $socket->recv($message, 4096);
`;

for (const [name, command] of [
  ["netcat", (port: number) => [netcat, "127.0.0.1", String(port)]],
  ["netcat over IPv6", (port: number) => [netcat, "-6", "::1", String(port)]],
  ["socat", (port: number) => [socat, "-", `TCP:127.0.0.1:${port}`]],
] as const) {
  test(`${name} talks to the echo server`, async () => {
    const { program, port } = await startCoreExample("echo/tcp-server", ["0"]);
    const peer = new Program(command(port));
    peer.type("hello\n");
    await peer.stdout.until("hello\n");
    await peer.kill();
    await program.kill();
  });

  test(`${name} chats`, async () => {
    const { program, port } = await startCoreExample("chat/main", ["0"]);
    const [ann, bob] = [new Program(command(port)), new Program(command(port))];
    ann.type("ann\n");
    await ann.stdout.until("Welcome, ann!");
    bob.type("bob\n");
    await bob.stdout.until("Here are: ann.");
    ann.type("how do you do\n");
    await bob.stdout.until("ann: how do you do\n");
    await ann.kill();
    await bob.stdout.until("ann has left");
    await bob.kill();
    await program.kill();
  });

  test(`${name} logs in`, async () => {
    const { program, port } = await startCoreExample("line-login/main", ["0"]);
    const peer = new Program(command(port));
    peer.type("USER bob\r\nPASS hidden\r\n");
    await peer.stdout.until("welcome\r\n");
    peer.type("QUIT\r\n");
    await program.stdout.until("bob has left");
    await peer.kill();
    await program.kill();
  });

  test(`${name} goes through the port forwarder, a million bytes each way`, async () => {
    const server = await startCoreExample("echo/tcp-server", ["0"]);
    const forwarder = await startCoreExample("portforward/main", ["0", "localhost", String(server.port)]);
    const peer = new Program(command(forwarder.port));
    const text = "0123456789abcde\n".repeat(65_536);
    peer.type(text);
    expect((await peer.stdout.whole((got) => got.length >= text.length, "all of it")) === text).toBe(true);
    await peer.kill();
    await forwarder.program.kill();
    await server.program.kill();
  });
}

test("socat talks to the echo server on a UNIX socket, and our client to socat's", async () => {
  const folder = temporaryFolder();
  const ours = await startCoreExample("echo/unix-server", [join(folder, "ours")]);
  const peer = new Program([socat, "-", `UNIX-CONNECT:${join(folder, "ours")}`]);
  peer.type("hello\n");
  await peer.stdout.until("hello\n");
  await peer.kill();
  await ours.program.kill();
});

test("our echo client talks to socat as a server", async () => {
  const port = await freePort();
  const server = new Program([socat, "-d", "-d", `TCP-LISTEN:${port},bind=127.0.0.1`, "EXEC:cat"]);
  await server.stderr.until("listening on");
  const client = coreExample("echo/tcp-client", [String(port)]);
  expect((await client.ending).status).toBe(0);
  expect(client.stdout.lines[0]).toBe("the server said: hello, world!");
  await server.kill();
});

describe("OpenSSL", () => {
  const openssl = needed("openssl");
  const authority = new TestAuthority();
  const folder = temporaryFolder();
  const [server, trusted] = [join(folder, "server.pem"), join(folder, "authority.pem")];
  writeFileSync(server, authority.issue("localhost").dumpPEM());
  writeFileSync(trusted, authority.certificate.dumpPEM());

  test("talks to the echo server under TLS, and trusts its certificate", async () => {
    const { program, port } = await startCoreExample("echo/tls-server", ["0", server]);
    const verify = ["-CAfile", trusted, "-verify_return_error", "-verify_hostname", "localhost"];
    const client = new Program([openssl, "s_client", "-connect", `localhost:${port}`, "-quiet", ...verify]);
    client.type("hello\n");
    await client.stdout.until("hello\n");
    await client.kill();
    await program.kill();
  });

  test("is a server that our client talks to", async () => {
    const port = await freePort();
    const peer = new Program([openssl, "s_server", "-accept", String(port), "-cert", server, "-key", server]);
    await peer.stdout.until("ACCEPT");
    const client = coreExample("echo/tls-client", [String(port), trusted]);
    await peer.stdout.until("hello, world!");
    peer.type("well said\n");
    await client.stdout.until("the server said: well said");
    expect((await client.ending).status).toBe(0);
    await peer.kill();
  });
});

test("netcat talks to the echo server by UDP", async () => {
  const { program, port } = await startCoreExample("echo/udp-server", ["0"]);
  const peer = new Program([netcat, "-u", "127.0.0.1", String(port)]);
  peer.type("hello\n");
  await peer.stdout.until("hello\n");
  await peer.kill();
  await program.kill();
});

test("systemd's messenger brings what the runner says to the service manager's socket", async () => {
  needed("systemd-notify");
  const path = join(temporaryFolder(), "notify");
  const manager = new Program([needed("perl"), "-MIO::Socket::UNIX", "-e", RECEIVER, path]);
  await manager.stdout.until("receiving");
  const port = await freePort();
  const program = strombus(["run", echoModule, String(port)], {
    env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "400000" },
  });
  await manager.stdout.until("READY=1");
  await manager.stdout.until("WATCHDOG=1");
  expect((await visit(port)).told).toBe(null);
  expect((await program.kill()).status).toBe(0);
  await manager.stdout.until("STOPPING=1");
  await manager.kill();
});

test("logrotate moves the log away by the configuration of the documentation, and the runner begins another", async () => {
  const folder = temporaryFolder();
  const [log, pidfile] = [join(folder, "log"), join(folder, "pid")];
  const { username } = userInfo();
  const config = readFileSync(join(root, "packages/examples/src/deployment/logrotate.conf"), "utf8")
    .replace("/var/log/ssh-server.log", log)
    .replace("/run/ssh.pid", pidfile)
    .replace("ssh-server adm", `${username} ${execFileSync("id", ["-gn"], { encoding: "utf8" }).trim()}`);
  writeFileSync(join(folder, "logrotate.conf"), config, { mode: 0o600 });
  const port = await freePort();
  const program = strombus(["run", "--logfile", log, "--pidfile", pidfile, echoModule, String(port)]);
  await expect.poll(() => existsSync(log) && readFileSync(log, "utf8"), { timeout: 15_000 }).toMatch(/runs as process/);
  const rotate = ["--force", "--state", join(folder, "state"), join(folder, "logrotate.conf")];
  execFileSync(needed("logrotate"), rotate, { stdio: "pipe" });
  expect(readFileSync(`${log}.1`, "utf8")).toMatch(/runs as process/);
  // What is logged next may still go to the old file, until the signal has arrived.
  await expect
    .poll(
      async () => {
        const client = new EchoClient(port);
        await client.greeting();
        await client.echo("hello");
        client.close();
        return readFileSync(log, "utf8");
      },
      { timeout: 15_000 },
    )
    .toMatch(/echoed 6 bytes/);
  expect((await program.kill()).status).toBe(0);
});
