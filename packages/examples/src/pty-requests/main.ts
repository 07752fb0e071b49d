/** "Twisted Conch in 60 Seconds: PTY Requests": a session that tells the client about its own terminal. */
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { parseRequest_pty_req } from "@strombus/conch/ssh/session";
import { FilePasswordDB } from "@strombus/cred/checkers";
import { type AvatarId, type IRealm, Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import type { InterfaceToken } from "@strombus/reactor/components";
import { setUp } from "../setup/index.js";

function nothing() {}

class SimpleSession extends SSHChannel {
  override name = "session";
  term = "";
  columns = 0;
  rows = 0;

  request_pty_req(data: Buffer) {
    const [term, [rows, columns]] = parseRequest_pty_req(data);
    this.term = term;
    this.columns = columns;
    this.rows = rows;
    return true;
  }

  request_shell(data: Buffer) {
    this.write(`Your terminal name is '${this.term}'.\r\n`);
    this.write(`Your terminal is ${this.columns} columns wide and ${this.rows} rows tall.\r\n`);
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

const setup = setUp("pty-requests");
const privateKey = Key.fromFile("id_rsa");
const publicKey = Key.fromFile("id_rsa.pub");

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": privateKey };
factory.publicKeys = { "ssh-rsa": publicKey };
factory.portal = new Portal(new SimpleRealm());
factory.portal.registerChecker(new FilePasswordDB("ssh-passwords"));

setup.announce(reactor.listenTCP(setup.port, factory));
await reactor.run();
