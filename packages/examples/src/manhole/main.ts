/** A manhole: JavaScript typed into this very process, by those who have logged in. */
import { ConchFactory, TerminalRealm } from "@strombus/conch/manhole_ssh";
import { ColoredManhole } from "@strombus/conch/manhole";
import { ServerProtocol } from "@strombus/conch/insults/insults";
import { Key } from "@strombus/conch/ssh/keys";
import { FilePasswordDB } from "@strombus/cred/checkers";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { setUp } from "../setup/index.js";

const setup = setUp("manhole");

const realm = new TerminalRealm();
const namespace = { foo: "bar", reactor };
realm.chainedProtocolFactory = () => new ServerProtocol(ColoredManhole, namespace);

const factory = new ConchFactory(new Portal(realm));
factory.privateKeys["ssh-rsa"] = Key.fromFile("id_rsa");
factory.publicKeys["ssh-rsa"] = Key.fromFile("id_rsa.pub");
factory.portal!.registerChecker(new FilePasswordDB("ssh-passwords"));

setup.announce(reactor.listenTCP(setup.port, factory));
await reactor.run();
