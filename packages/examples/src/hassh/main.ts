/** A server that looks at what each client offers before anything is agreed, and tells whom it takes the client for. */
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { hassh, type Offer, SSHServerTransport, StateKey } from "@strombus/conch/ssh/transport";
import { FilePasswordDB } from "@strombus/cred/checkers";
import { type IRealm, Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { repr } from "../repr.js";
import { setUp } from "../setup/index.js";

const HASSH = new StateKey<string>("hassh");

class CuriousTransport extends SSHServerTransport {
  override kexInitReceived(offer: Offer) {
    this.state.set(HASSH, hassh(offer));
    console.log(`HASSH ${this.state.get(HASSH)}`);
  }
}

class Mirror extends SSHChannel {
  override name = "session";

  request_pty_req() {
    return true;
  }

  request_shell() {
    const transport = this.conn!.transport!;
    const version = repr(Buffer.from(transport.otherVersionString, "latin1"));
    this.write(`You are ${version}, and your HASSH is ${transport.state.get(HASSH)}.\r\n`);
    this.loseConnection();
    return true;
  }
}

class MirrorRealm implements IRealm {
  requestAvatar() {
    const user = new ConchUser();
    user.channelLookup["session"] = Mirror;
    return [IConchUser, user, () => {}] as const;
  }
}

const setup = setUp("hassh");
const factory = new SSHFactory();
factory.protocol = CuriousTransport;
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal(new MirrorRealm());
factory.portal.registerChecker(new FilePasswordDB("ssh-passwords"));

setup.announce(reactor.listenTCP(setup.port, factory));
await reactor.run();
