/** Lines in the clear until the client says STARTTLS. node server.js [PORT [FILE]], a PEM file with certificate and key */
import { readFileSync } from "node:fs";
import { reactor } from "@strombus/reactor";
import type { ITLSTransport } from "@strombus/reactor/interfaces";
import { Factory } from "@strombus/reactor/protocol";
import { LineReceiver } from "@strombus/reactor/protocols/basic";
import { PrivateCertificate } from "@strombus/reactor/ssl";
import { announce } from "../announce.js";
import { readWords } from "../words.js";

const [port = "8005", file = "server.pem"] = readWords("[PORT [FILE]]");
const contextFactory = PrivateCertificate.loadPEM(readFileSync(file)).options();

class TLSServer extends LineReceiver {
  override lineReceived(line: Buffer) {
    console.log("received:", JSON.stringify(line.toString()));
    if (line.toString() !== "STARTTLS") return this.sendLine("received");
    this.sendLine("READY");
    // What came behind STARTTLS in the clear could be anybody's.
    this.clearLineBuffer();
    (this.transport as ITLSTransport).startTLS(contextFactory);
  }
}

announce(reactor.listenTCP(Number(port), Factory.forProtocol(TLSServer)));
await reactor.run();
