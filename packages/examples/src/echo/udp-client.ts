/** Talks to udp-server. node udp-client.js [PORT] */
import { reactor } from "@strombus/reactor";
import { DatagramProtocol } from "@strombus/reactor/protocol";
import { readWords } from "../words.js";

const [port = "8006"] = readWords("[PORT]");

class EchoClient extends DatagramProtocol {
  override startProtocol() {
    this.transport?.connect("127.0.0.1", Number(port));
    this.transport?.write("hello, world!");
  }

  override datagramReceived(datagram: Buffer) {
    console.log("the server said:", datagram.toString());
    reactor.stop();
  }

  override connectionRefused() {
    console.log("nobody is listening");
    reactor.stop();
  }
}

reactor.listenUDP(0, new EchoClient());
await reactor.run();
