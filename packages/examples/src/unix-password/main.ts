/** Logging in with the password of one's account on this system. Run it as root, or as a member of the group `shadow`. */
import { UNIXPasswordDatabase } from "@strombus/conch/checkers";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { GreetingRealm } from "../greeting.js";
import { setUp } from "../setup/index.js";

const setup = setUp("unix-password");

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal(new GreetingRealm());
factory.portal.registerChecker(new UNIXPasswordDatabase());

setup.announce(reactor.listenTCP(setup.port, factory), { user: "$USER", password: "is the one of your account" });
await reactor.run();
