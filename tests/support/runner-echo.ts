/** An application for `strombus run`: tells each connection about its process, then echoes. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { MultiService } from "@strombus/reactor/application/service";
import * as strports from "@strombus/reactor/application/strports";
import { Factory, Protocol } from "@strombus/reactor/protocol";

class Echo extends Protocol {
  override connectionMade(): void {
    const { pid, getuid, getgid, getgroups, env } = process;
    this.transport?.write(
      `${JSON.stringify({ pid, uid: getuid?.(), gid: getgid?.(), groups: getgroups?.(), peer: String(this.transport.getPeer()), told: env["NOTIFY_SOCKET"] ?? null })}\n`,
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

/** The arguments are the port and what goes before `tcp:`, such as `haproxy:`. */
export function makeService([port = "", prefix = ""]: readonly string[]): MultiService {
  if (existsSync("broken")) throw new Error("this version does not start");
  const service = new MultiService();
  const description = `${prefix}tcp:${port}:interface=127.0.0.1:backlog=500`;
  strports.service(description, Factory.forProtocol(Echo)).setServiceParent(service);
  return service;
}
