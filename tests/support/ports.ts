/** TCP ports of this machine, for programs that cannot take a free one by themselves. */
import { connect, createServer } from "node:net";

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Waits until somebody listens on a port. @throws after 15 seconds. */
export async function accepting(port: number): Promise<void> {
  for (const until = Date.now() + 15_000; !(await isAccepting(port));) {
    if (Date.now() > until) throw new Error(`nobody listens on port ${port}`);
    await new Promise((later) => setTimeout(later, 20));
  }
}

async function isAccepting(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
