/** A password that was given out for the first login must be changed then. */
import { readFileSync } from "node:fs";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { type ICredentials, IUsernamePassword, IUsernamePasswordChange } from "@strombus/cred/credentials";
import { PasswordChangeRequired, UnauthorizedLogin } from "@strombus/cred/error";
import { hashPassword, verifyPassword } from "@strombus/cred/passwords";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { GreetingRealm } from "../greeting.js";
import { setUp } from "../setup/index.js";

interface Account {
  hash: string;
  isNew: boolean;
}

class Accounts implements ICredentialsChecker {
  readonly credentialInterfaces = [IUsernamePassword, IUsernamePasswordChange];
  readonly #nobody: Account;

  constructor(
    private readonly accounts: ReadonlyMap<string, Account>,
    unknown: string,
  ) {
    this.#nobody = { hash: unknown, isNew: false };
  }

  async requestAvatarId(credentials: ICredentials) {
    const { username, password } = credentials as IUsernamePassword;
    const account = this.accounts.get(username) ?? this.#nobody;
    const isRight = await verifyPassword(account.hash, password);
    if (!isRight || account === this.#nobody) throw new UnauthorizedLogin("wrong name or password");

    const { newPassword } = credentials as Partial<IUsernamePasswordChange>;
    if (newPassword === undefined) {
      if (account.isNew) throw new PasswordChangeRequired("Choose a password of your own: ");
      return username;
    }
    if (newPassword.length < 8 || newPassword === password) throw new UnauthorizedLogin("not a good new password");
    Object.assign(account, { hash: await hashPassword(newPassword), isNew: false });
    return username;
  }
}

const setup = setUp("expired-password");
const [user = "", password = ""] = readFileSync("ssh-passwords", "utf8").trim().split(":");
const accounts = new Map([[user, { hash: await hashPassword(password), isNew: true }]]);

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal(new GreetingRealm());
factory.portal.registerChecker(new Accounts(accounts, await hashPassword("the password of nobody")));

setup.announce(reactor.listenTCP(setup.port, factory));
await reactor.run();
