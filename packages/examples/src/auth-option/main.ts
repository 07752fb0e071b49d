/** A server whose checkers are chosen on the command line: `--auth file:ssh-passwords --auth anonymous`. */
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { IAnonymous, ISSHPrivateKey, IUsernamePassword } from "@strombus/cred/credentials";
import { Portal } from "@strombus/cred/portal";
import { AuthOptionMixin } from "@strombus/cred/strcred";
import { reactor } from "@strombus/reactor";
import { SystemExit } from "@strombus/reactor/exceptions";
import { Options, type ParameterRow, UsageError } from "@strombus/reactor/usage";
import { GreetingRealm } from "../greeting.js";
import { setUp } from "../setup/index.js";

class ServerOptions extends AuthOptionMixin(Options) {
  static override optParameters: ParameterRow[] = [
    ["port", "p", "2022", "The port to listen on."],
    ["folder", "f", ".", "Where keys and passwords are, and where paths begin."],
  ];
  override supportedInterfaces = [IUsernamePassword, ISSHPrivateKey, IAnonymous];
}

const options = new ServerOptions();
try {
  options.parseOptions();
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}: see --help-auth`);
  else if (!(error instanceof SystemExit)) throw error;
  process.exit(error instanceof SystemExit ? error.code : 2);
}

const setup = setUp("auth-option", [String(options.get("folder")), "--port", String(options.get("port"))]);
const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal(new GreetingRealm(), (options.get("credCheckers") ?? []) as ICredentialsChecker[]);

setup.announce(reactor.listenTCP(setup.port, factory));
await reactor.run();
