/**
 * A server for the accounts of this system: login shells, commands, SFTP, forwarding of each kind. As root it serves
 * every account, otherwise the one that runs it.
 */
import { existsSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import {
  AuthorizedKey,
  type IAuthorizedKeysDB,
  readAuthorizedKeyFile,
  SSHPublicKeyChecker,
  UNIXAuthorizedKeysFiles,
  UNIXPasswordDatabase,
} from "@strombus/conch/checkers";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { UnixSSHRealm } from "@strombus/conch/unix";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { setUp } from "../setup/index.js";

const setup = setUp("unix-server");
const owner = userInfo().username;

/** Each account's own keys; and those in the example's folder for the account that runs it. */
class Keys implements IAuthorizedKeysDB {
  readonly #files = new UNIXAuthorizedKeysFiles();

  async getAuthorizedKeys(name: string) {
    const ours = name === owner && existsSync("authorized_keys") ? readFileSync("authorized_keys") : "";
    return [
      ...readAuthorizedKeyFile(ours, (line) => AuthorizedKey.fromString(line)),
      ...(await this.#files.getAuthorizedKeys(name)),
    ];
  }
}

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal(
  new UnixSSHRealm({
    agentForwarding: true,
    x11Forwarding: true,
    forwarding: { connect: true, listen: true, connectUNIX: true, listenUNIX: true },
  }),
);
factory.portal.registerChecker(new SSHPublicKeyChecker(new Keys()));
factory.portal.registerChecker(new UNIXPasswordDatabase());

setup.announce(reactor.listenTCP(setup.port, factory), { user: owner, password: "is the one of your account" });
await reactor.run();
