/** Our own client, for bulk both ways between the two ends that are ours. */
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { NS } from "@strombus/conch/ssh/common";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHClientTransport } from "@strombus/conch/ssh/transport";
import { SSHUserAuthClient } from "@strombus/conch/ssh/userauth";
import { reactor } from "@strombus/reactor";
import { ClientFactory } from "@strombus/reactor/protocol";

const CHUNK = Buffer.alloc(65_536);

class Login extends SSHUserAuthClient {
  constructor(connection, key) {
    super("u", connection);
    this.key = key;
    this.preferredOrder = ["publickey"];
  }

  getPublicKey() {
    return this.lastPublicKey === null ? this.key.public() : null;
  }

  getPrivateKey() {
    return this.key;
  }
}

class Bulk extends SSHChannel {
  name = "session";
  left = 0;

  constructor(way, bytes) {
    super();
    this.command = way === "down" ? `source ${bytes}` : "sink";
    if (way === "up") this.left = bytes;
  }

  async channelOpen() {
    await this.conn.sendRequest(this, "exec", NS(this.command), true);
    if (this.command === "sink") this.startWriting();
  }

  startWriting() {
    if (this.left <= 0) return;
    while (this.left > 0) {
      this.left -= CHUNK.length;
      if (!this.write(CHUNK) && this.left > 0) return;
    }
    this.conn.sendEOF(this);
  }

  dataReceived() {}

  closed() {
    this.conn.transport.loseConnection();
  }
}

/** Seconds for so many mebibytes, login included. */
export function ourBulk(way, mebibytes, port, keyFile) {
  const key = Key.fromFile(keyFile);
  class Connection extends SSHConnection {
    serviceStarted() {
      super.serviceStarted();
      this.openChannel(new Bulk(way, mebibytes * 2 ** 20));
    }
  }
  class Transport extends SSHClientTransport {
    verifyHostKey() {}

    connectionSecure() {
      this.requestService(new Login(new Connection(), key));
    }
  }
  return new Promise((resolve, reject) => {
    const from = performance.now();
    class Factory extends ClientFactory {
      protocol = Transport;
      noisy = false;
      clientConnectionFailed = (_, reason) => reject(reason.value);
      clientConnectionLost = () => resolve((performance.now() - from) / 1000);
    }
    reactor.connectTCP("127.0.0.1", port, new Factory());
  });
}
