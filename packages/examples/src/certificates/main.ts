/** Users log in with certificates: the server knows one authority, and no user's key. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { InMemorySSHKeyDB, SSHPublicKeyChecker } from "@strombus/conch/checkers";
import { RevocationList } from "@strombus/conch/keys/krl";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { GreetingRealm } from "../greeting.js";
import { setUp } from "../setup/index.js";

const setup = setUp("certificates");

if (!existsSync("users_ca")) {
  writeFileSync("users_ca", Key.generate("ed25519").toString("openssh"), { mode: 0o600 });
}
const authority = Key.fromFile("users_ca").public();

/** The file of `ssh-keygen -k`, read anew for each login. */
function revoked() {
  return existsSync("revoked") ? RevocationList.fromString(readFileSync("revoked")) : null;
}

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal(new GreetingRealm());
factory.portal.registerChecker(
  new SSHPublicKeyChecker(new InMemorySSHKeyDB({}), { trustedUserCAKeys: [authority], revoked }),
);

console.log(`To certify a key: ssh-keygen -s ${resolve("users_ca")} -I name -n user -V +1d id_ed25519.pub`);
setup.announce(reactor.listenTCP(setup.port, factory), { password: null });
await reactor.run();
