/** TCP ports of this machine, for programs that cannot take a free one by themselves. */
import { randomInt } from "node:crypto";
import { connect, createServer } from "node:net";

/** Below those that the system gives to whoever asks for any: what another test opens meanwhile is none of these. */
const [LOWEST, HIGHEST] = [10_000, 32_000];

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((closed) => server.close(closed));
    return port;
  }
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
