/** Users log in with the keys in `authorized_keys`, within the options that stand beside each key. */
import { resolve } from "node:path";
import { ConchUser } from "@strombus/conch/avatar";
import { SSHPublicKeyChecker, UNIXAuthorizedKeysFiles, type UserDatabase } from "@strombus/conch/checkers";
import { IConchUser } from "@strombus/conch/interfaces";
import { originalCommandOf } from "@strombus/conch/permissions";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { getNS } from "@strombus/conch/ssh/common";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { setUp } from "../setup/index.js";

/** Tells what it was asked to do. A forced command needs nothing from it: it is what is asked for. */
class Session extends SSHChannel {
  override name = "session";

  request_pty_req(data: Buffer) {
    return true;
  }

  request_shell(data: Buffer) {
    return this.tell("a shell");
  }

  request_exec(data: Buffer) {
    const [command] = getNS(data);
    const original = originalCommandOf(this);
    const instead = original === null ? "" : ` instead of ${JSON.stringify(original.toString())}`;
    return this.tell(`${JSON.stringify(command.toString())}${instead}`);
  }

  tell(what: string) {
    this.write(`running ${what}\r\n`);
    this.conn?.sendRequest(this, "exit-status", Buffer.alloc(4));
    this.loseConnection();
    return true;
  }
}

const setup = setUp("authorized-keys");

/** The home of every user is this folder. Without it, the users are those of the system. */
const users: UserDatabase = {
  getpwnam: (name) => ({
    pw_name: name,
    pw_passwd: "*",
    pw_uid: 1000,
    pw_gid: 1000,
    pw_gecos: "",
    pw_dir: resolve("."),
    pw_shell: "/bin/sh",
  }),
};

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal({
  requestAvatar() {
    const user = new ConchUser();
    user.channelLookup["session"] = Session;
    return [IConchUser, user, () => {}] as const;
  },
});
factory.portal.registerChecker(new SSHPublicKeyChecker(new UNIXAuthorizedKeysFiles(users)));

console.log(`The keys are those in ${resolve(".ssh/authorized_keys")}.`);
setup.announce(reactor.listenTCP(setup.port, factory), { password: null });
await reactor.run();
