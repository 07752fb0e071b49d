/** A server composed by a container: its checkers, and each user's session, get their services injected. */
import { SSHPublicKeyChecker, UNIXAuthorizedKeysFiles } from "@strombus/conch/checkers";
import { IAvatarId, IHostKey, IPeerAddress, registerConch } from "@strombus/conch/container";
import { ISession } from "@strombus/conch/interfaces";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { type SSHSessionProcessProtocol, wrapProtocol } from "@strombus/conch/ssh/session";
import { ICredentialsChecker } from "@strombus/cred/checkers";
import { IUsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { reactor } from "@strombus/reactor";
import { IPv4Address } from "@strombus/reactor/address";
import { container, inject, injectable, Lifecycle } from "@strombus/reactor/container";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { Protocol } from "@strombus/reactor/protocol";
import { setUp } from "../setup/index.js";
import { Tickets } from "../write-a-checker/tickets.js";

@injectable()
class TicketChecker implements ICredentialsChecker {
  readonly credentialInterfaces = [IUsernamePassword];

  constructor(@inject(Tickets) private readonly tickets: Tickets) {}

  async requestAvatarId({ username, password }: IUsernamePassword) {
    if (await this.tickets.redeem(username, password)) return username;
    throw new UnauthorizedLogin("no such ticket");
  }
}

/** What the sessions of one connection share. */
@injectable()
class Visit {
  #sessions = 0;

  constructor(
    @inject(IAvatarId) readonly user: IAvatarId,
    @inject(IPeerAddress) readonly peer: IPeerAddress,
  ) {}

  welcome(): string {
    const from = this.peer instanceof IPv4Address ? this.peer.host : String(this.peer);
    return `Welcome, ${String(this.user)} from ${from}, to session ${++this.#sessions}!\r\n`;
  }

  /** The connection is gone. */
  dispose() {
    console.log(`${String(this.user)} leaves after ${this.#sessions} sessions`);
  }
}

@injectable()
class WelcomeSession implements ISession {
  constructor(@inject(Visit) private readonly visit: Visit) {}

  openShell(process: SSHSessionProcessProtocol) {
    const protocol = new Protocol();
    protocol.makeConnection(process);
    process.makeConnection(wrapProtocol(protocol));
    process.write(this.visit.welcome());
    process.loseConnection();
  }

  execCommand() {
    throw new NotImplementedError("there is a shell and nothing else");
  }

  getPty() {}
  windowChanged() {}
  eofReceived() {}
  closed() {}
}

const setup = setUp("injected");

container.register(IHostKey, { useValue: Key.fromFile("id_rsa") });
container.registerInstance(Tickets, new Tickets());
container.register(ICredentialsChecker, { useClass: TicketChecker });
container.register(ICredentialsChecker, { useValue: new SSHPublicKeyChecker(new UNIXAuthorizedKeysFiles()) });
container.register(Visit, { useClass: Visit }, { lifecycle: Lifecycle.ContainerScoped });
container.register(ISession, { useClass: WelcomeSession });

const factory = registerConch(container).resolve(SSHFactory);
setup.announce(reactor.listenTCP(setup.port, factory));
await reactor.run();
