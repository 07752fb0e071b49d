/** Logging in by the system's PAM, as /etc/pam.d/strombus says or else /etc/pam.d/other. Run it as root. */
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { IUsernamePassword } from "@strombus/cred/credentials";
import { PluggableAuthenticationModulesChecker } from "@strombus/cred/pam";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { GreetingRealm } from "../greeting.js";
import { setUp } from "../setup/index.js";

const setup = setUp("pam");
const checker = new PluggableAuthenticationModulesChecker({ service: "strombus" });

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal(new GreetingRealm());
factory.portal.registerChecker(checker); // PAM's questions, by keyboard-interactive
factory.portal.registerChecker(checker, IUsernamePassword); // and the password alone

setup.announce(reactor.listenTCP(setup.port, factory), { user: "$USER", password: "is the one of your account" });
await reactor.run();
