/** Logging in with the password that one has in a directory: `LDAP_URL` and `LDAP_USER_DN` say where that is. */
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { LDAPChecker } from "@strombus/cred/ldap";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { GreetingRealm } from "../greeting.js";
import { setUp } from "../setup/index.js";

const setup = setUp("ldap-checker");
const { LDAP_URL: url = "ldap://localhost", LDAP_USER_DN: userDN = "uid={},ou=people,dc=example,dc=com" } = process.env;

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal(new GreetingRealm());
factory.portal.registerChecker(new LDAPChecker({ url, userDN }));

setup.announce(reactor.listenTCP(setup.port, factory), { user: "$USER", password: `is the one of ${userDN}` });
await reactor.run();
