/** "Twisted Conch in 60 Seconds: Introduction": an SSH server that nobody can log in to. */
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { type IRealm, Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { setUp } from "../setup/index.js";

class NobodyRealm implements IRealm {
  requestAvatar(): never {
    throw new NotImplementedError("no checker, so nobody gets here");
  }
}

const setup = setUp("introduction");
const privateKey = Key.fromFile("id_rsa");
const publicKey = Key.fromFile("id_rsa.pub");

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": privateKey };
factory.publicKeys = { "ssh-rsa": publicKey };
factory.portal = new Portal(new NobodyRealm());

setup.announce(reactor.listenTCP(setup.port, factory), { password: null });
await reactor.run();
