/** An SSH server for the accounts of this machine, as a service (twisted.conch.tap): `strombus run @strombus/conch/tap`. */
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { Portal } from "@strombus/cred/portal";
import { AuthOptionMixin, registerCheckerFactory } from "@strombus/cred/strcred";
import type { StreamServerEndpointService } from "@strombus/reactor/application/internet";
import * as strports from "@strombus/reactor/application/strports";
import { RuntimeError } from "@strombus/reactor/exceptions";
import { Options as UsageOptions, type ParameterRow } from "@strombus/reactor/usage";
import { SSHPublicKeyChecker, UNIXAuthorizedKeysFiles, UNIXPasswordDatabase } from "./checkers.js";
import { OpenSSHFactory } from "./openssh_compat/factory.js";
import { theSSHKeyCheckerFactory, theUnixCheckerFactory } from "./plugins.js";
import { UnixSSHRealm } from "./unix.js";

for (const each of [theSSHKeyCheckerFactory, theUnixCheckerFactory]) registerCheckerFactory(each);

/** The command line. Without `--auth`, passwords and authorized_keys files of the system's users are what counts. */
export class Options extends AuthOptionMixin(UsageOptions) {
  static override optParameters: ParameterRow[] = [
    ["interface", "i", "", "local interface to which we listen"],
    ["port", "p", "tcp:22", "port on which to listen, as an endpoint"],
    ["data", "d", "/etc", "directory to look for host keys in"],
    ["moduli", null, null, "directory to look for moduli in, if different from --data"],
  ];
  override longdesc = "An SSH server for the accounts of this machine.";
  /** Why a checker that is there by default is not. */
  #missing: unknown = null;
  #areDefaults = false;

  constructor() {
    super();
    try {
      super.addChecker(new UNIXPasswordDatabase());
    } catch (error) {
      this.#missing = error;
    }
    super.addChecker(new SSHPublicKeyChecker(new UNIXAuthorizedKeysFiles()));
    this.#areDefaults = true;
  }

  /** The first takes the place of those that are there by default. */
  override addChecker(checker: ICredentialsChecker): void {
    if (this.#areDefaults) {
      this.set("credCheckers", []);
      this.set("credInterfaces", new Map());
      this.#areDefaults = false;
    }
    super.addChecker(checker);
  }

  /** @throws RuntimeError when nobody has chosen, and the passwords of the system cannot be checked. */
  get checkers(): ICredentialsChecker[] {
    if (this.#areDefaults && this.#missing !== null) {
      throw new RuntimeError(
        `the system's passwords cannot be checked, choose with --auth what is to count: ${messageOf(this.#missing)}`,
        { cause: this.#missing },
      );
    }
    return this.get("credCheckers") as ICredentialsChecker[];
  }
}

/** The server, as a service that begins to listen when it is started. */
export function makeService(config: Options): StreamServerEndpointService {
  const { checkers } = config;
  const [local, data, moduli] = ["interface", "data", "moduli"].map((name) => config.get(name) as string | null);
  const factory = new OpenSSHFactory();
  factory.portal = new Portal(new UnixSSHRealm(), checkers);
  factory.dataRoot = data!;
  factory.moduliRoot = moduli ?? data!;
  const port = config.get("port") as string;
  return strports.service(local === "" || local === null ? port : `${port}:interface=${local}`, factory);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
