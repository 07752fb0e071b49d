/** Ordinary TCP and UNIX sockets: what is at the two ends of a tunnel. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export interface Target {
  readonly server: Server;
  readonly port: number;
  /** Connections that are open. */
  readonly sockets: Set<Socket>;
  close(): void;
}

/** Answers only when the other end has said all: with the length and the SHA-256 of it, a line. */
export async function digestServer(where: { host?: string; path?: string } = {}): Promise<Target> {
  return listen(where, (socket) => {
    const hash = createHash("sha256");
    let length = 0;
    socket.on("data", (data: Buffer) => {
      hash.update(data);
      length += data.length;
    });
    socket.on("end", () => socket.end(`${length} ${hash.digest("hex")}\n`));
  });
}

/** Sends what it gets back. */
export async function echoServer(where: { host?: string; path?: string } = {}): Promise<Target> {
  return listen(where, (socket) => socket.pipe(socket));
}

export async function listen(
  { host = "127.0.0.1", path }: { host?: string; path?: string },
  serve: (socket: Socket) => void,
): Promise<Target> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // the end tells
    socket.on("close", () => sockets.delete(socket));
    serve(socket);
  });
  server.listen(path === undefined ? { host, port: 0 } : { path });
  await once(server, "listening");
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { server, port: path === undefined ? (server.address() as AddressInfo).port : 0, sockets, close };
}

/** What `digestServer` says of these bytes. */
export function digestOf(bytes: Buffer): string {
  return `${bytes.length} ${createHash("sha256").update(bytes).digest("hex")}\n`;
}

/** Sends all of it and the end, and returns all that comes back. */
export async function exchange(to: { port: number; host?: string } | { path: string }, bytes: Buffer): Promise<string> {
  const socket = connect({ allowHalfOpen: true, ...("path" in to ? to : { host: "127.0.0.1", ...to }) });
  await once(socket, "connect");
  socket.end(bytes);
  return text(socket);
}

/** Whether somebody listens there. */
export async function isListening(to: { port: number; host?: string } | { path: string }): Promise<boolean> {
  const socket = connect("path" in to ? to : { host: "127.0.0.1", ...to });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
