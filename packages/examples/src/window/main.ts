/** A form for whoever logs in by SSH. */
import { ServerProtocol } from "@strombus/conch/insults/insults";
import { ConchFactory, TerminalRealm } from "@strombus/conch/manhole_ssh";
import { Key } from "@strombus/conch/ssh/keys";
import { FilePasswordDB } from "@strombus/cred/checkers";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { setUp } from "../setup/index.js";
import { Form } from "./form.js";

const setup = setUp("window");

const realm = new TerminalRealm();
realm.chainedProtocolFactory = () => new ServerProtocol(Form);

const factory = new ConchFactory(new Portal(realm));
factory.privateKeys["ssh-rsa"] = Key.fromFile("id_rsa");
factory.publicKeys["ssh-rsa"] = Key.fromFile("id_rsa.pub");
factory.portal!.registerChecker(new FilePasswordDB("ssh-passwords"));

setup.announce(reactor.listenTCP(setup.port, factory));
await reactor.run();
