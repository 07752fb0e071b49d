/** The examples of the reactor as programs, with clients of Node's and with each other. */
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { TestAuthority } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { startCoreExample, coreExample } from "../support/core-example.js";
import { temporaryFolder } from "../support/folder.js";
import { Transcript } from "../support/transcript.js";

/** A client of Node's own. */
function client(where: number | string): { socket: Socket; heard: Transcript } {
  const socket = typeof where === "number" ? connect(where, "localhost") : connect(where);
  return { socket, heard: new Transcript("client", socket) };
}

describe("echo", () => {
  test("by TCP: the client says hello, hears it, and both end", async () => {
    const server = await startCoreExample("echo/tcp-server", ["0"]);
    const { socket, heard } = client(server.port);
    socket.write("one");
    await heard.until("one");
    socket.end();
    const talker = coreExample("echo/tcp-client", [String(server.port)]);
    expect(await talker.ending).toEqual({ status: 0, signal: null });
    expect(talker.stdout.lines).toEqual(["the server said: hello, world!", "the connection is closed"]);
    expect(await server.program.kill()).toEqual({ status: 0, signal: null });
  });

  test("by UNIX socket: the same, and a second server is refused", async () => {
    const path = join(temporaryFolder(), "socket");
    const server = await startCoreExample("echo/unix-server", [path]);
    const { socket, heard } = client(path);
    socket.write("one");
    await heard.until("one");
    socket.end();
    const talker = coreExample("echo/unix-client", [path]);
    expect(await talker.ending).toEqual({ status: 0, signal: null });
    expect(talker.stdout.lines[0]).toBe("the server said: hello, world!");
    expect((await coreExample("echo/unix-server", [path]).ending).status).toBe(1);
    await server.program.kill();
    const late = coreExample("echo/unix-client", [path]);
    await late.ending;
    expect(late.stdout.text).toMatch(/^the connection failed: /);
  });
});

test("chat: people hear each other, not themselves, and not control characters", async () => {
  const { program, port } = await startCoreExample("chat/main", ["0"]);
  const [ann, bob] = [client(port), client(port)];
  ann.socket.write("ann\r\n");
  await ann.heard.until("Welcome, ann! Here are: only you.");
  bob.socket.write("ann\n");
  await bob.heard.until("That name is taken.");
  bob.socket.write("bob\n");
  await bob.heard.until("Welcome, bob! Here are: ann.");
  await ann.heard.until("bob has come");
  ann.socket.write("hello \x1b[31mred\n");
  await bob.heard.until("ann: hello \\x1b[31mred\n");
  bob.socket.end();
  await ann.heard.until("bob has left");
  expect(ann.heard.text).not.toContain("red");
  ann.socket.write(`${"x".repeat(2000)}\n`);
  await ann.heard.end();
  await program.kill();
});

test("a port forwarder stands between client and server", async () => {
  const server = await startCoreExample("echo/tcp-server", ["0"]);
  const forwarder = await startCoreExample("portforward/main", ["0", "localhost", String(server.port)]);
  const talker = coreExample("echo/tcp-client", [String(forwarder.port)]);
  expect(await talker.ending).toEqual({ status: 0, signal: null });
  expect(talker.stdout.lines[0]).toBe("the server said: hello, world!");
  await server.program.kill();
  const { heard } = client(forwarder.port);
  expect(await heard.end()).toBe("");
  await forwarder.program.kill();
});

test("cred over lines: who is let in learns what they may, and their leaving is noticed", async () => {
  const { program, port } = await startCoreExample("line-login/main", ["0"]);
  const { socket, heard } = client(port);
  const say = async (line: string, answer: string): Promise<void> => {
    socket.write(`${line}\r\n`);
    await heard.until(`${answer}\r\n`);
  };
  await say("PRIVILEGES", "log in first");
  await say("USER ann", "and who says so?");
  await say("PASS wrong", "no");
  await say("PASS secret", "welcome");
  await say("PASS secret", "you are somebody already");
  await say("PRIVILEGES", "be ann, log out");
  await say("DANCE", "what?");
  socket.write("QUIT\r\n");
  await heard.end();
  await program.stdout.until("ann has left");
  await program.kill();
});

test("logging: text by level and namespace on one side, JSON on the other, and nothing a peer could forge", async () => {
  const program = coreExample("logging/main");
  await program.ending;
  expect(program.stdout.text).toMatch(
    /^- \[door#info\] ann\\n\\x1b\[31m came in, 007 years old\n- \[door\.hinge#debug\] squeak\n/,
  );
  expect(program.stdout.text).toMatch(
    /\[door#critical\] the door could not be locked\n\tTraceback: RangeError: no key\n/,
  );
  expect(program.stdout.text).toMatch(/\[stdout#info\] what is printed is logged\n$/);
  const events = program.stderr.lines.map((line) => JSON.parse(line) as { log_namespace: string });
  expect(events.map(({ log_namespace }) => log_namespace)).toEqual(["door", "door", "door.hinge", "door", "stdout"]);
});

test("logging: as older programs do, what came before, what is printed, and errors to observers", async () => {
  const program = coreExample("logging/legacy");
  await program.ending;
  const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d{4}`;
  const lines = [
    String.raw`\[-\] before anybody listens`,
    String.raw`\[-\] Log opened\.`,
    String.raw`\[-\] somebody came in: ann\\n\\x1b\[31m 7`,
    String.raw`\[-\] the door could not be locked\n\tTraceback: RangeError: no key(\n\t +at .*)+`,
    String.raw`\[stdout#info\] what is printed is logged; 1 error`,
  ];
  expect(program.stdout.text).toMatch(new RegExp(`^${lines.map((line) => `${time} ${line}\n`).join("")}$`));
  expect(program.stderr.text).toBe("");
});

describe("under TLS", () => {
  const folder = temporaryFolder();
  const authority = new TestAuthority();
  const [server, trusted] = [join(folder, "server.pem"), join(folder, "authority.pem")];
  writeFileSync(server, authority.issue("localhost").dumpPEM());
  writeFileSync(trusted, authority.certificate.dumpPEM());

  test("the echo client trusts the authority it was given, and no other", async () => {
    const { program, port } = await startCoreExample("echo/tls-server", ["0", server]);
    const client = coreExample("echo/tls-client", [String(port), trusted]);
    expect((await client.ending).status).toBe(0);
    expect(client.stdout.lines[0]).toBe("the server said: hello, world!");
    const other = join(folder, "other.pem");
    writeFileSync(other, new TestAuthority().certificate.dumpPEM());
    const stranger = coreExample("echo/tls-client", [String(port), other]);
    await stranger.ending;
    expect(stranger.stdout.text).not.toMatch(/the server said/);
    await program.kill();
  });

  test("STARTTLS in the middle of a conversation", async () => {
    const { program, port } = await startCoreExample("starttls/server", ["0", server]);
    const client = coreExample("starttls/client", [String(port), trusted]);
    expect((await client.ending).status).toBe(0);
    expect(client.stdout.lines).toEqual([
      'received: "received"',
      'received: "READY"',
      'received under TLS: "received\\r\\n"',
    ]);
    await program.stdout.until('received: "under TLS"');
    await program.kill();
  });
});

test("echo by UDP, and a client that hears that nobody listens", async () => {
  const { program, port } = await startCoreExample("echo/udp-server", ["0"]);
  const client = coreExample("echo/udp-client", [String(port)]);
  expect((await client.ending).status).toBe(0);
  expect(client.stdout.lines).toContain("the server said: hello, world!");
  await program.kill();
  const late = coreExample("echo/udp-client", [String(port)]);
  expect((await late.ending).status).toBe(0);
  expect(late.stdout.lines).toContain("nobody is listening");
});

test("standard input and output joined with a server; the end of the input is not the end of the answer", async () => {
  const server = await startCoreExample("line-login/main", ["0"]);
  const client = coreExample("stdio/main", [String(server.port)]);
  await client.stdout.until("USER, then PASS");
  client.type("USER ann\r\nPASS secret\r\nQUIT\r\n");
  expect((await client.ending).status).toBe(0);
  await server.program.stdout.until("ann has left");
  await server.program.kill();
});

test("a pipe through another program: what goes in, what comes out, and how it ends", async () => {
  const counted = coreExample("process-pipe/main", ["one two three"]);
  expect((await counted.ending).status).toBe(0);
  expect(counted.stdout.lines).toEqual(["it says: 3", "it ended well"]);
  const failed = coreExample("process-pipe/main", ["text", "/bin/sh", "-c", "cat; echo no >&2; exit 3"]);
  expect((await failed.ending).status).toBe(0);
  expect(failed.stdout.lines).toEqual(["it complains: no", "it says: text", "it ended with status 3"]);
});

test("standard input and output: a server that cannot be had is told, and nothing else is", async () => {
  const client = coreExample("stdio/main", ["none"]);
  expect(await client.ending).toEqual({ status: 0, signal: null });
  expect(client.stdout.text).toMatch(/^the connection failed: [^\n]+\n$/);
  expect(client.stderr.text).toBe("");
});

test.each([
  ["chat/main", "main.js [PORT]"],
  ["echo/tcp-client", "tcp-client.js [PORT]"],
  ["echo/tls-server", "tls-server.js [PORT [FILE]]"],
  ["process-pipe/main", "main.js TEXT [PROGRAM [ARGUMENT...]]"],
])("%s --help tells its words", async (name, words) => {
  const program = coreExample(name, ["--help"]);
  expect(await program.ending).toEqual({ status: 0, signal: null });
  expect(program.stdout.text).toBe(`usage: node ${words}\n`);
});
