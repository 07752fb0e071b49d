/** "Twisted Conch in 60 Seconds: Trivial Channel": a session that says one thing and closes. */
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { FilePasswordDB } from "@strombus/cred/checkers";
import { type AvatarId, type IRealm, Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import type { InterfaceToken } from "@strombus/reactor/components";
import { setUp } from "../setup/index.js";

function nothing() {}

class SimpleSession extends SSHChannel {
  override name = "session";

  request_pty_req(data: Buffer) {
    return true;
  }

  request_shell(data: Buffer) {
    this.write("This session is very simple.  Goodbye!\r\n");
    this.loseConnection();
    return true;
  }
}

class SimpleRealm implements IRealm {
  requestAvatar(avatarId: AvatarId, mind: unknown, ...interfaces: InterfaceToken[]) {
    const user = new ConchUser();
    user.channelLookup["session"] = SimpleSession;
    return [IConchUser, user, nothing] as const;
  }
}

const setup = setUp("trivial-channel");
const privateKey = Key.fromFile("id_rsa");
const publicKey = Key.fromFile("id_rsa.pub");

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": privateKey };
factory.publicKeys = { "ssh-rsa": publicKey };
factory.portal = new Portal(new SimpleRealm());
factory.portal.registerChecker(new FilePasswordDB("ssh-passwords"));

setup.announce(reactor.listenTCP(setup.port, factory));
await reactor.run();
