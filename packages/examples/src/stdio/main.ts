/** Joins standard input and output with a TCP server, as netcat does. node main.js [PORT] */
import { reactor } from "@strombus/reactor";
import { implementer } from "@strombus/reactor/components";
import { connectProtocol, TCP4ClientEndpoint } from "@strombus/reactor/endpoints";
import { IHalfCloseableProtocol, type ITCPTransport } from "@strombus/reactor/interfaces";
import { Protocol } from "@strombus/reactor/protocol";
import { StandardIO } from "@strombus/reactor/stdio";
import { readWords } from "../words.js";

/** The side towards the server. */
class Remote extends Protocol {
  override connectionMade() {
    new StandardIO(new Local(this));
  }
  override dataReceived(data: Buffer) {
    process.stdout.write(data);
  }
  override connectionLost() {
    reactor.stop();
  }
}

/** The side towards the user: the end of the input is passed on, and the answer still awaited. */
@implementer(IHalfCloseableProtocol)
class Local extends Protocol implements IHalfCloseableProtocol {
  readonly #remote: Remote;
  constructor(remote: Remote) {
    super();
    this.#remote = remote;
  }
  override dataReceived(data: Buffer) {
    this.#remote.transport?.write(data);
  }
  readConnectionLost() {
    (this.#remote.transport as ITCPTransport).loseWriteConnection();
  }
  writeConnectionLost() {
    reactor.stop();
  }
}

const [port = "8000"] = readWords("[PORT]");
const server = new TCP4ClientEndpoint(reactor, "localhost", Number(port));
reactor.callWhenRunning(() => {
  connectProtocol(server, new Remote()).addErrback((failure) => {
    console.log("the connection failed:", failure.getErrorMessage());
    reactor.stop();
  });
});
await reactor.run();
