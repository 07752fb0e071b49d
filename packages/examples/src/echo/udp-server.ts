/** Sends back each datagram. node udp-server.js [PORT] */
import { reactor } from "@strombus/reactor";
import { DatagramProtocol } from "@strombus/reactor/protocol";
import { announce } from "../announce.js";

class EchoUDP extends DatagramProtocol {
  override datagramReceived(datagram: Buffer, address: readonly [host: string, port: number]) {
    this.transport?.write(datagram, address);
  }
}

announce(reactor.listenUDP(Number(process.argv[2] ?? 8006), new EchoUDP()));
await reactor.run();
