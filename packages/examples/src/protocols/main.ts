/** "Twisted Conch in 60 Seconds: Protocols": an ordinary Protocol, which knows nothing of SSH, talks over a session. */
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser, ISession } from "@strombus/conch/interfaces";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHSession, type SSHSessionProcessProtocol, wrapProtocol } from "@strombus/conch/ssh/session";
import { FilePasswordDB } from "@strombus/cred/checkers";
import { type AvatarId, type IRealm, Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { implementer, type InterfaceToken } from "@strombus/reactor/components";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { Protocol } from "@strombus/reactor/protocol";
import { repr } from "../repr.js";
import { setUp } from "../setup/index.js";

function nothing() {}

class EchoProtocol extends Protocol {
  override connectionMade() {
    this.transport?.write("Welcome to the echo protocol.\r\n");
  }

  override dataReceived(bytes: Buffer) {
    this.transport?.write(`echo: ${repr(bytes)}\r\n`);
  }

  override connectionLost() {
    console.log("connection lost");
  }
}

@implementer(ISession)
class SimpleUser extends ConchUser implements ISession {
  constructor() {
    super();
    this.channelLookup["session"] = SSHSession;
  }

  getPty() {}

  windowChanged() {}

  openShell(process: SSHSessionProcessProtocol) {
    const protocol = new EchoProtocol();
    protocol.makeConnection(process);
    process.makeConnection(wrapProtocol(protocol));
  }

  execCommand() {
    throw new NotImplementedError("there is a shell and nothing else");
  }

  eofReceived() {}

  closed() {}
}

class SimpleRealm implements IRealm {
  requestAvatar(avatarId: AvatarId, mind: unknown, ...interfaces: InterfaceToken[]) {
    return [IConchUser, new SimpleUser(), nothing] as const;
  }
}

const setup = setUp("protocols");
const privateKey = Key.fromFile("id_rsa");
const publicKey = Key.fromFile("id_rsa.pub");

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": privateKey };
factory.publicKeys = { "ssh-rsa": publicKey };
factory.portal = new Portal(new SimpleRealm());
factory.portal.registerChecker(new FilePasswordDB("ssh-passwords"));

setup.announce(reactor.listenTCP(setup.port, factory));
await reactor.run();
