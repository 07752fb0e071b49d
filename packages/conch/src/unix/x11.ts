/** X11 forwarding on the server's side: a display that is a port of this machine (RFC 4254 section 6.3). */
import { createServer, type Server, type Socket } from "node:net";
import { ProcessDone } from "@strombus/reactor/error";
import { OSError, RuntimeError } from "@strombus/reactor/exceptions";
import type { Failure } from "@strombus/reactor/failure";
import type { IReactorProcess, SpawnProcessOptions } from "@strombus/reactor/interfaces";
import { ProcessProtocol } from "@strombus/reactor/protocol";
import { SocketChannel } from "../channel/socket-channel.js";
import type { X11Request } from "../interfaces.js";
import { X11Open } from "../messages/connection.js";
import type { SSHConnection } from "../ssh/connection.js";

const FIRST_DISPLAY = 10; // below are those of real displays
const MOST_DISPLAYS = 1000;
const FIRST_PORT = 6000;

/** What X programs of a session need. The cookie is the client's own making: its end replaces it by the real one. */
export class X11Forwarding {
  /** What DISPLAY says. */
  readonly display: string;
  readonly #servers: readonly Server[];

  private constructor(display: string, servers: readonly Server[]) {
    this.display = display;
    this.#servers = servers;
  }

  /** Listens, and tells the user's X programs by xauth(1) how to show that they may. Rejects when either fails. */
  static async open(
    conn: SSHConnection,
    { singleConnection, protocol, cookie, screen }: X11Request,
    reactor: IReactorProcess,
    asUser: SpawnProcessOptions,
  ): Promise<X11Forwarding> {
    const accept = (socket: Socket) => {
      if (singleConnection) for (const server of servers) server.close();
      const open = { originator: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
      void conn.openChannel(new SocketChannel("x11", socket), X11Open.encode(open));
    };
    const { number, servers } = await listen(accept);
    const forwarding = new X11Forwarding(`localhost:${number}.${screen}`, servers);
    try {
      const name = `unix:${number}.${screen}`;
      await xauth(reactor, asUser, `remove ${name}\nadd ${name} ${protocol} ${cookie}\n`);
    } catch (error) {
      forwarding.close();
      throw error;
    }
    return forwarding;
  }

  /** No more connections; those that are end with their channels. */
  close(): void {
    for (const server of this.#servers) server.close();
  }
}

/** The first display whose port is free, on every loopback address: nobody else is to answer on one of them. */
async function listen(accept: (socket: Socket) => void): Promise<{ number: number; servers: Server[] }> {
  for (let number = FIRST_DISPLAY; number < FIRST_DISPLAY + MOST_DISPLAYS; number++) {
    const servers: Server[] = [];
    try {
      for (const host of ["127.0.0.1", "::1"]) {
        const server = await listenAt(host, FIRST_PORT + number, accept);
        if (server !== null) servers.push(server);
      }
      if (servers.length > 0) return { number, servers };
    } catch (error) {
      for (const server of servers) server.close();
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
  }
  throw new OSError("all displays are taken", { code: "EADDRINUSE" });
}

/** Null where there is no such address. */
function listenAt(host: string, port: number, accept: (socket: Socket) => void): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, accept);
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT") resolve(null);
      else reject(error);
    });
    server.listen({ host, port, exclusive: true }, () => {
      server.on("error", () => {}); // of an accept: the next may succeed
      resolve(server);
    });
  });
}

function xauth(reactor: IReactorProcess, asUser: SpawnProcessOptions, input: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = reactor.spawnProcess(new Xauth(resolve, reject), "xauth", ["xauth", "-q", "-"], asUser);
    child.write(input);
    child.closeStdin();
  });
}

class Xauth extends ProcessProtocol {
  readonly #done: () => void;
  readonly #failed: (error: Error) => void;
  #said = "";

  constructor(done: () => void, failed: (error: Error) => void) {
    super();
    this.#done = done;
    this.#failed = failed;
  }

  override errReceived(data: Buffer): void {
    if (this.#said.length < 1000) this.#said += data.toString();
  }

  override processEnded(reason: Failure): void {
    if (reason.check(ProcessDone) !== null) this.#done();
    else this.#failed(new RuntimeError(`xauth failed: ${JSON.stringify(this.#said)}`, { cause: reason.value }));
  }
}
