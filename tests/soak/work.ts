/** What the clients of a soak have in common. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import type { OpenSSH } from "../support/openssh.js";
import type { Plan } from "./plan.js";

export interface Target {
  readonly port: number;
  readonly openSSH: OpenSSH;
}

/** @throws Error with this text if it does not hold */
export function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** Letters, as many as the plan has bytes, and one. */
export function textOf({ bytes, number }: Plan): Buffer {
  return Buffer.from(`${number} a line of text\n`.repeat(bytes / 10 + 1)).subarray(0, bytes + 1);
}

let echoing: Server | null = null;

/** A port that echoes, at the client's side: what is forwarded is told from what is not. */
export async function echoPort(): Promise<number> {
  if (echoing === null) {
    echoing = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => {});
      socket.pipe(socket);
    });
    echoing.listen(0, "127.0.0.1", 1024);
  }
  if (!echoing.listening) await once(echoing, "listening");
  return (echoing.address() as AddressInfo).port;
}
