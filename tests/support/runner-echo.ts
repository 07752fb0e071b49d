/** An application for `strombus run`: tells each connection about its process, then echoes. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { TCPServer } from "@strombus/reactor/application/internet";
import { MultiService } from "@strombus/reactor/application/service";
import { Factory, Protocol } from "@strombus/reactor/protocol";

class Echo extends Protocol {
  override connectionMade(): void {
    const { pid, getuid, getgid, getgroups, env } = process;
    this.transport?.write(
      `${JSON.stringify({ pid, uid: getuid?.(), gid: getgid?.(), groups: getgroups?.(), told: env["NOTIFY_SOCKET"] ?? null })}\n`,
    );
  }
  override dataReceived(data: Buffer): void {
    if (data.toString() === "stick\n") for (;;);
    if (data.toString() === "fds\n") {
      // What a child of ours inherits.
      this.transport?.write(execFileSync("ls", ["-l", "/proc/self/fd"], { stdio: ["ignore", "pipe", "ignore"] }));
      return;
    }
    console.log(`echoed ${data.length} bytes`);
    this.transport?.write(data);
  }
}

/** The first argument is the port. */
export function makeService([port]: readonly string[]): MultiService {
  if (existsSync("broken")) throw new Error("this version does not start");
  const service = new MultiService();
  const server = new TCPServer(Number(port), Factory.forProtocol(Echo), { interface: "127.0.0.1", backlog: 500 });
  server.setServiceParent(service);
  return service;
}
