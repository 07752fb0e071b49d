/** The ssh-agent of a client, at a socket of this machine: what a server gives the programs of a session (OpenSSH's PROTOCOL.agent). */
import { mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { SocketChannel } from "../channel/socket-channel.js";
import type { SSHConnection } from "../ssh/connection.js";

export const AGENT_CHANNEL = "auth-agent@openssh.com";
const MAX_CONNECTIONS = 64;

/** Calls a function as the user whose socket it is. */
export type AsUser = <T>(call: () => T) => T;

export class AgentSocket {
  /** What SSH_AUTH_SOCK says. */
  readonly path: string;
  readonly #folder: string;
  readonly #asUser: AsUser;
  readonly #server: Server;

  private constructor(folder: string, asUser: AsUser, server: Server) {
    this.#folder = folder;
    this.path = join(folder, `agent.${process.pid}`);
    this.#asUser = asUser;
    this.#server = server;
  }

  /** Listens at a socket in a folder that only its user can enter; each connection becomes a channel to the client. */
  static async open(conn: SSHConnection, asUser: AsUser = (call) => call()): Promise<AgentSocket> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      void conn.openChannel(new SocketChannel(AGENT_CHANNEL, socket));
    });
    server.maxConnections = MAX_CONNECTIONS;
    const folder = asUser(() => mkdtempSync("/tmp/ssh-"));
    const socket = new AgentSocket(folder, asUser, server);
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        // Node binds a socket of the file system inside the call, so it belongs to the user.
        asUser(() => server.listen(socket.path, resolve));
      });
    } catch (error) {
      socket.close();
      throw error;
    }
    server.on("error", () => {}); // of an accept: the next may succeed
    return socket;
  }

  /** The socket and its folder go; connections end with their channels. */
  close(): void {
    this.#asUser(() => {
      this.#server.close(() => {});
      rmSync(this.path, { force: true });
      rmdirSync(this.#folder);
    });
  }
}
