/** A checker of one's own, registered with a portal. */
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { IUsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { GreetingRealm } from "../greeting.js";
import { setUp } from "../setup/index.js";
import { Tickets } from "./tickets.js";

class TicketChecker implements ICredentialsChecker {
  readonly credentialInterfaces = [IUsernamePassword];

  constructor(private readonly tickets: Tickets) {}

  async requestAvatarId({ username, password }: IUsernamePassword) {
    if (await this.tickets.redeem(username, password)) return username;
    throw new UnauthorizedLogin("no such ticket");
  }
}

const setup = setUp("write-a-checker");
const portal = new Portal(new GreetingRealm());
portal.registerChecker(new TicketChecker(new Tickets()));

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = portal;

setup.announce(reactor.listenTCP(setup.port, factory));
await reactor.run();
