/**
 * Hosts that speak for their users: those in `trusted_hosts`, a line `name type key` each, as in a known_hosts file. A user
 * there is the user of the same name here.
 */
import { existsSync, readFileSync } from "node:fs";
import { HostBasedChecker } from "@strombus/conch/checkers";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { GreetingRealm } from "../greeting.js";
import { setUp } from "../setup/index.js";

const setup = setUp("hostbased");

const hosts = new Map<string, Key[]>();
const lines = existsSync("trusted_hosts") ? readFileSync("trusted_hosts", "utf8").trim().split("\n") : [];
for (const line of lines) {
  const [name = "", ...key] = line.split(" ");
  hosts.set(name, [...(hosts.get(name) ?? []), Key.fromString(key.join(" "))]);
}

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal(new GreetingRealm());
factory.portal.registerChecker(new HostBasedChecker(hosts));

console.log(`${lines.length} keys in trusted_hosts.`);
setup.announce(reactor.listenTCP(setup.port, factory), { password: null });
await reactor.run();
