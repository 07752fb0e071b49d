/**
 * A server that prints `in` and `out` for every avatar, with its user's name. Any password will do. What a user runs ends
 * the connection in one way or another; the signal SIGTERM stops the reactor.
 */
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { getNS } from "@strombus/conch/ssh/common";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { type IUsernamePassword, IUsernamePassword as Password } from "@strombus/cred/credentials";
import { type AvatarId, Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import type { IAddress } from "@strombus/reactor/interfaces";

let isHostKeyGone = false;

class Session extends SSHChannel {
  override name = "session";
  #command = "";

  request_exec(data: Buffer) {
    const { transport } = this.conn!;
    this.#command = getNS(data)[0].toString();
    this.write("ready\n");
    switch (this.#command) {
      case "exit":
        this.conn!.sendRequest(this, "exit-status", Buffer.alloc(4));
        this.loseConnection();
        break;
      case "rekey":
        isHostKeyGone = true;
        reactor.callLater(0, () => transport!.sendKexInit());
        break;
      case "throw":
        throw new Error("the application is broken");
    }
    return true;
  }

  /** The user has seen that it is ready. */
  override dataReceived() {
    const { transport } = this.conn!;
    if (this.#command === "disconnect") transport!.sendDisconnect(11, "go home");
    else if (this.#command === "lose") transport!.loseConnection();
    else throw new Error("the application is broken, too");
  }

  override eofReceived() {
    // who cuts the wire does not say good-bye, and who says it stays
  }
}

const hostKey = Key.generate("ed25519");
const signer = {
  supportedSignatureAlgorithms: () => hostKey.supportedSignatureAlgorithms(),
  sign(data: Buffer, algorithm?: string) {
    if (isHostKeyGone) throw new Error("the host key is gone");
    return hostKey.sign(data, algorithm);
  },
};

const factory = new SSHFactory();
factory.privateKeys = { "ssh-ed25519": signer };
factory.publicKeys = { "ssh-ed25519": hostKey.public() };
factory.portal = new Portal({
  requestAvatar(name: AvatarId) {
    const user = new ConchUser();
    user.channelLookup["session"] = Session;
    console.log(`in ${String(name)}`);
    return [IConchUser, user, () => console.log(`out ${String(name)}`)] as const;
  },
});
factory.portal.registerChecker({
  credentialInterfaces: [Password],
  requestAvatarId: (credentials: IUsernamePassword) => credentials.username,
});

const listening = reactor.listenTCP(0, factory, { interface: "127.0.0.1" });
console.log(`port ${(listening.getHost() as IAddress & { readonly port: number }).port}`);
await reactor.run();
console.log("stopped");
