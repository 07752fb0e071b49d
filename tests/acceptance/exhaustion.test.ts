/** A server's process that runs out of descriptors, or of room for its log: refused cleanly, and over by itself. */
import { once } from "node:events";
import { readFileSync, truncateSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { ConchError } from "@strombus/conch/error";
import type { SSHConnection } from "@strombus/conch/ssh/connection";
import { packOpen_direct_tcpip } from "@strombus/conch/ssh/forwarding";
import { ClientSession, StreamChannel } from "@strombus/conch/streams";
import { expect, onTestFinished, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { logIn, logOut } from "../support/login.js";
import { Program } from "../support/program.js";

const DESCRIPTORS = 64;

interface Running {
  readonly program: Program;
  readonly port: number;
}

/** @param shell what the shell does that becomes the server, with the server's command as "$@" */
async function start(shell: string, cwd?: string): Promise<Running> {
  const server = [process.execPath, join(root, "tests/dist/support/exhaustion-server.js")];
  const program = new Program(["sh", "-c", shell, "sh", ...server], { cwd });
  onTestFinished(async () => {
    await program.kill("SIGKILL");
  });
  return { program, port: Number((await program.stderr.until(/port (\d+)\n/))[1]) };
}

async function enter(port: number): Promise<SSHConnection> {
  const connection = await logIn({ port, user: "user", secret: "password" });
  onTestFinished(() => logOut(connection));
  return connection;
}

/** What the server says first; nothing if it ends the connection. */
async function greeting(port: number, sockets: Socket[] = []): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  onTestFinished(() => void socket.destroy());
  return new Promise((resolve) => {
    socket.once("data", (data) => resolve(data.toString().slice(0, 8)));
    socket.on("error", () => resolve(""));
    socket.once("close", () => resolve(""));
  });
}

/** The status of a command, or why there is none. */
async function run(connection: SSHConnection, command: string): Promise<unknown> {
  const session = await ClientSession.open(connection);
  try {
    await session.exec(command);
    session.stream.resume();
    return (await session.exit).code;
  } catch (error) {
    return error;
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

async function echoes(session: ClientSession, text: string): Promise<void> {
  session.stream.write(text);
  let heard = "";
  while (heard !== text) heard += String(((await once(session.stream, "data")) as [Buffer])[0]);
}

test("R10: a server without free descriptors refuses newcomers, processes and forwarding, serves who is in, and recovers", async () => {
  const target = createServer((socket) => socket.end("forwarded")).listen(0, "127.0.0.1");
  await once(target, "listening");
  onTestFinished(() => void target.close());
  const to = packOpen_direct_tcpip(["127.0.0.1", (target.address() as AddressInfo).port], ["127.0.0.1", 1]);

  const { port } = await start(`ulimit -n ${DESCRIPTORS}; exec "$@"`);
  const connection = await enter(port);
  const shell = await ClientSession.open(connection);
  await shell.shell();
  await echoes(shell, "before");
  expect(await run(connection, "true")).toBe(0);

  const sockets: Socket[] = [];
  while ((await greeting(port, sockets)) !== "") expect(sockets.length).toBeLessThan(DESCRIPTORS);
  await echoes(shell, "meanwhile");
  expect(await run(connection, "true")).toBeInstanceOf(ConchError);
  await expect(connection.openChannel(new StreamChannel("direct-tcpip"), to)).rejects.toThrow(ConchError);
  expect(await greeting(port)).toBe("");
  await echoes(shell, "still");

  for (const socket of sockets) socket.destroy();
  await expect.poll(async () => greeting(port), { timeout: 30_000 }).toBe("SSH-2.0-");
  // A program needs several descriptors, of which the last may still be closing.
  await expect.poll(async () => run(connection, "true"), { timeout: 30_000 }).toBe(0);
  const channel = await connection.openChannel(new StreamChannel("direct-tcpip"), to);
  const [data] = (await once(channel.stream, "data")) as [Buffer];
  expect(data.toString()).toBe("forwarded");
  await echoes(shell, "after");
});

test("a server whose log cannot be written serves on, and says so once", async () => {
  const { port, program } = await start(`exec "$@" > /dev/full`);
  for (let n = 0; n < 3; n++) {
    const connection = await enter(port);
    expect(await run(connection, "log 10")).toBe(0);
    logOut(connection);
  }
  await program.stderr.until("lines of the log are lost: ENOSPC");
  expect(program.stderr.text.match(/lines of the log are lost/g)).toHaveLength(1);
});

test("a server whose log has no room goes on logging once there is some", async () => {
  const folder = temporaryFolder();
  const log = join(folder, "log");
  // The limit of the size of a file stands for the disk: 16 blocks.
  const { port, program } = await start(`ulimit -f 16; exec "$@" >> log`, folder);
  const connection = await enter(port);
  expect(await run(connection, "log 1000")).toBe(0);
  expect(readFileSync(log, "utf8")).not.toContain("line 999");
  await program.stderr.until("lines of the log are lost: EFBIG");
  truncateSync(log);
  expect(await run(connection, "log 3")).toBe(0);
  await expect.poll(() => readFileSync(log, "utf8")).toContain("line 2 of the log");
});
