/** Three steps to log in, one after the other: a key, the password, and a one-time code of an authenticator. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { AuthorizedKey, InMemorySSHKeyDB, SSHProtocolChecker, SSHPublicKeyChecker } from "@strombus/conch/checkers";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { FilePasswordDB, type ICredentialsChecker } from "@strombus/cred/checkers";
import { type ICredentials, IKeyboardInteractive, ISSHPrivateKey, IUsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { Secret, TOTP } from "otpauth";
import { GreetingRealm } from "../greeting.js";
import { setUp } from "../setup/index.js";

/** Asks for the code that an authenticator shows now. */
class OneTimeCodes implements ICredentialsChecker {
  readonly credentialInterfaces = [IKeyboardInteractive];
  /** By user the number of the last code that let them in: one that was seen over the shoulder is of no use. */
  readonly #used = new Map<string, number>();

  constructor(readonly authenticators: ReadonlyMap<string, TOTP>) {}

  async requestAvatarId(credentials: ICredentials) {
    const { username } = credentials as IKeyboardInteractive;
    const [token = ""] = await (credentials as IKeyboardInteractive).ask(["One-time code: "]);
    const authenticator = this.authenticators.get(username) ?? new TOTP({ secret: new Secret() });
    const drift = authenticator.validate({ token, window: 1 });
    const number = authenticator.counter() + (drift ?? 0);
    const known = this.authenticators.has(username);
    if (drift === null || !known || number <= (this.#used.get(username) ?? 0))
      throw new UnauthorizedLogin("wrong code");
    this.#used.set(username, number);
    return username;
  }
}

const setup = setUp("multi-factor");

const [user = ""] = readFileSync("ssh-passwords", "utf8").split(":");
if (!existsSync("totp-secret")) writeFileSync("totp-secret", new Secret().base32, { mode: 0o600 });
const secret = readFileSync("totp-secret", "utf8").trim();
const authenticator = new TOTP({ issuer: "Strombus", label: user, secret });
const keys = existsSync("authorized_keys") ? readFileSync("authorized_keys", "utf8").trim().split("\n") : [];

const steps = new SSHProtocolChecker({ inOrder: [ISSHPrivateKey, IUsernamePassword, IKeyboardInteractive] });
steps.registerChecker(
  new SSHPublicKeyChecker(new InMemorySSHKeyDB({ [user]: keys.map((line) => AuthorizedKey.fromString(line)) })),
);
steps.registerChecker(new FilePasswordDB("ssh-passwords"), IUsernamePassword);
steps.registerChecker(new OneTimeCodes(new Map([[user, authenticator]])));

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal(new GreetingRealm());
factory.portal.registerChecker(steps);

console.log(`${keys.length} keys in authorized_keys. For the authenticator: ${authenticator.toString()}`);
setup.announce(reactor.listenTCP(setup.port, factory));
await reactor.run();
