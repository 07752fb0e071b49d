/** Sends back each datagram. node udp-server.js [PORT] */
import { reactor } from "@strombus/reactor";
import { DatagramProtocol } from "@strombus/reactor/protocol";
import { announce } from "../announce.js";
import { readWords } from "../words.js";

class EchoUDP extends DatagramProtocol {
  override datagramReceived(datagram: Buffer, address: readonly [host: string, port: number]) {
    this.transport?.write(datagram, address);
  }
}

const [port = "8006"] = readWords("[PORT]");
announce(reactor.listenUDP(Number(port), new EchoUDP()));
await reactor.run();
