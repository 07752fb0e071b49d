/** "Twisted Conch in 60 Seconds: Password Authentication": you can log in, and there is nothing to do yet. */
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { FilePasswordDB } from "@strombus/cred/checkers";
import { type AvatarId, type IRealm, Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import type { InterfaceToken } from "@strombus/reactor/components";
import { setUp } from "../setup/index.js";

function nothing() {}

class SimpleRealm implements IRealm {
  requestAvatar(avatarId: AvatarId, mind: unknown, ...interfaces: InterfaceToken[]) {
    const user = new ConchUser();
    return [IConchUser, user, nothing] as const;
  }
}

const setup = setUp("password-auth");
const privateKey = Key.fromFile("id_rsa");
const publicKey = Key.fromFile("id_rsa.pub");

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": privateKey };
factory.publicKeys = { "ssh-rsa": publicKey };
factory.portal = new Portal(new SimpleRealm());
factory.portal.registerChecker(new FilePasswordDB("ssh-passwords"));

setup.announce(reactor.listenTCP(setup.port, factory));
await reactor.run();
