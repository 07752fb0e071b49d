/** A program that is given descriptor 3, already open, and echoes on it. node adopting.js port|connection|datagram */
import { reactor } from "@strombus/reactor";
import { DatagramProtocol, Factory, Protocol } from "@strombus/reactor/protocol";

class Echo extends Protocol {
  override dataReceived(data: Buffer): void {
    this.transport?.write(data);
  }
}

class DatagramEcho extends DatagramProtocol {
  override noisy = false;
  override datagramReceived(data: Buffer, addr: readonly [host: string, port: number]): void {
    this.transport?.write(data, addr);
  }
}

const factory = Factory.forProtocol(Echo);
factory.noisy = false;
switch (process.argv[2]) {
  case "port":
    reactor.adoptStreamPort(3, "IPv4", factory);
    break;
  case "connection":
    reactor.adoptStreamConnection(3, "IPv4", factory);
    break;
  default:
    reactor.adoptDatagramPort(3, "IPv4", new DatagramEcho());
}
console.log("adopted");
await reactor.run();
