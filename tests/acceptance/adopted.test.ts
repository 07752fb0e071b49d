/** Descriptors that another process has opened: a listening socket, a connection, a socket for datagrams. */
import { type ChildProcess, spawn } from "node:child_process";
import * as dgram from "node:dgram";
import { once } from "node:events";
import * as net from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support/example.js";

/** The program with this descriptor as its third; it has adopted it when this returns. */
async function adopting(kind: string, fd: number): Promise<ChildProcess> {
  const program = join(root, "tests/dist/support/adopting.js");
  const child = spawn(process.execPath, [program, kind], { stdio: ["ignore", "pipe", "inherit", fd] });
  const [said] = (await once(child.stdout!, "data")) as [Buffer];
  expect(said.toString()).toBe("adopted\n");
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  child.kill();
  expect(await once(child, "exit")).toEqual([0, null]);
}

const descriptorOf = (owner: object): number => (owner as { _handle: { fd: number } })._handle.fd;

async function echoes(socket: net.Socket): Promise<void> {
  socket.write("hello");
  expect(String(await once(socket, "data"))).toBe("hello");
}

test("adoptStreamPort: a port that listens already", async () => {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  const child = await adopting("port", descriptorOf(server));
  server.close(); // here; there it stays open
  const socket = net.connect(port, "127.0.0.1");
  await echoes(socket);
  socket.destroy();
  await end(child);
});

test("adoptStreamConnection: a connection that stands, and ends with the program", async () => {
  const server = net.createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  const socket = net.connect(port, "127.0.0.1");
  const [accepted] = (await once(server, "connection")) as [net.Socket];
  const child = await adopting("connection", descriptorOf(accepted));
  server.close();
  accepted.destroy(); // here; there it stays open
  await echoes(socket);
  socket.end();
  await once(socket, "end"); // the program has closed its side, too
  await end(child);
});

test("adoptDatagramPort: a socket that is bound", async () => {
  const bound = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  await once(bound, "listening");
  const { port } = bound.address();
  const state = Object.getOwnPropertySymbols(bound).find(({ description }) => description === "state symbol")!;
  const { handle } = (bound as unknown as Record<symbol, { handle: { fd: number } }>)[state]!;
  const child = await adopting("datagram", handle.fd);
  bound.close();
  const client = dgram.createSocket("udp4");
  client.send("hello", port, "127.0.0.1");
  const [data] = (await once(client, "message")) as [Buffer];
  expect(data.toString()).toBe("hello");
  client.close();
  await end(child);
});
