/** Says STARTTLS to server, and then a line under TLS. node client.js [PORT [FILE]], a PEM file with the authority to trust */
import { readFileSync } from "node:fs";
import { reactor } from "@strombus/reactor";
import { connectProtocol, HostnameEndpoint } from "@strombus/reactor/endpoints";
import type { ITLSTransport } from "@strombus/reactor/interfaces";
import { LineReceiver } from "@strombus/reactor/protocols/basic";
import { Certificate, optionsForClientTLS, trustRootFromCertificates } from "@strombus/reactor/ssl";
import { readWords } from "../words.js";

const [port = "8005", file = "authority.pem"] = readWords("[PORT [FILE]]");
const trustRoot = trustRootFromCertificates([Certificate.loadPEM(readFileSync(file))]);

class TLSClient extends LineReceiver {
  override connectionMade() {
    this.sendLine("in the clear");
    this.sendLine("STARTTLS");
  }

  override lineReceived(line: Buffer) {
    console.log("received:", JSON.stringify(line.toString()));
    if (line.toString() === "READY") {
      (this.transport as ITLSTransport).startTLS(optionsForClientTLS("localhost", { trustRoot }));
      this.sendLine("under TLS");
      this.setRawMode();
    }
  }

  override rawDataReceived(data: Buffer) {
    console.log("received under TLS:", JSON.stringify(data.toString()));
    this.transport?.loseConnection();
  }

  override connectionLost() {
    reactor.stop();
  }
}

connectProtocol(new HostnameEndpoint(reactor, "localhost", Number(port)), new TLSClient());
await reactor.run();
