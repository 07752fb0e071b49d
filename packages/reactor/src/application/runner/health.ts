/** Readiness and liveness by HTTP, for Kubernetes and load balancers. */
import type { Server } from "node:http";
import { RunError } from "./errors.js";

/** `GET /ready` says 200 while connections are welcome, else 503; `GET /live` says 200. */
export class HealthServer {
  ready = false;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => {
      const status = request.method !== "GET" ? 405 : this.#statusOf(request.url ?? "");
      response.writeHead(status, { "content-type": "text/plain", connection: "close" });
      response.end(`${STATUS_TEXT.get(status) ?? ""}\n`);
    });
    server.requestTimeout = 5000; // milliseconds
  }

  /** @throws RunError if it cannot listen */
  static async listen({ host, port }: { host: string; port: number }): Promise<HealthServer> {
    const { createServer } = await import("node:http");
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => reject(new RunError(`--health: ${cause.message}`, { cause })));
      server.listen(port, host, resolve);
    });
    server.unref();
    return new HealthServer(server);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #statusOf(path: string): number {
    if (path === "/live") return 200;
    if (path === "/ready") return this.ready ? 200 : 503;
    return 404;
  }
}

const STATUS_TEXT: ReadonlyMap<number, string> = new Map([
  [200, "ok"],
  [404, "not found"],
  [405, "only GET"],
  [503, "not ready"],
]);
