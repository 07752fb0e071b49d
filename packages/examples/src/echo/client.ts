/** What all echo clients do: say something, print what comes back, and stop. */
import { reactor } from "@strombus/reactor";
import type { Failure } from "@strombus/reactor/failure";
import type { IConnector } from "@strombus/reactor/interfaces";
import { ClientFactory, Protocol } from "@strombus/reactor/protocol";

class EchoClient extends Protocol {
  override connectionMade() {
    this.transport?.write("hello, world!");
  }

  override dataReceived(data: Buffer) {
    console.log("the server said:", data.toString());
    this.transport?.loseConnection();
  }
}

export class EchoClientFactory extends ClientFactory {
  override noisy = false;
  override protocol = EchoClient;

  override clientConnectionFailed(connector: IConnector, reason: Failure) {
    console.log("the connection failed:", reason.getErrorMessage());
    reactor.stop();
  }

  override clientConnectionLost() {
    console.log("the connection is closed");
    reactor.stop();
  }
}
