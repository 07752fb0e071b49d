/** An application for `strombus run`: answers each datagram with its process's id. Its argument is the port, or a path. */
import { reactor } from "@strombus/reactor";
import { UDPServer } from "@strombus/reactor/application/internet";
import type { IService } from "@strombus/reactor/application/service";
import * as strports from "@strombus/reactor/application/strports";
import { DatagramProtocol, Factory, Protocol } from "@strombus/reactor/protocol";

class WhoAreYou extends DatagramProtocol {
  override datagramReceived(data: Buffer, addr: readonly [host: string, port: number]): void {
    this.transport?.write(String(process.pid), addr);
  }
}

export function makeService([where = ""]: readonly string[]): IService {
  if (where.startsWith("/")) return strports.service(`unix:${where}`, Factory.forProtocol(Protocol));
  return new UDPServer(Number(where), new WhoAreYou(), { interface: "127.0.0.1", reactor });
}
