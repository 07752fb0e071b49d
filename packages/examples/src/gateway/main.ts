/**
 * A bastion: whoever logs in here is logged in, by the key of the bastion, to the server behind it as the same user.
 * Sessions, forwarding and the agent are handed on. `GATEWAY_TO=inner.example:22 node main.js`; what that server must let in
 * is the key in id_rsa.pub. Its own host key is written to target.pub the first time, and must be the same ever after.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { IConchUser } from "@strombus/conch/interfaces";
import { RelayUser } from "@strombus/conch/relay";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { FilePasswordDB } from "@strombus/cred/checkers";
import { type AvatarId, type IRealm, Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import type { InterfaceToken } from "@strombus/reactor/components";
import { setUp } from "../setup/index.js";
import { connectTo } from "./behind.js";

const setup = setUp("gateway");
const [, host = "", port = "22"] = /^(.*?)(?::(\d+))?$/.exec(process.env["GATEWAY_TO"] ?? "127.0.0.1:22") ?? [];
const key = Key.fromFile("id_rsa");

/** Trusts the key that it sees first. */
function isKnown(hostKey: Buffer): boolean {
  if (!existsSync("target.pub")) writeFileSync("target.pub", Key.fromString(hostKey).toString("openssh"));
  return Key.fromString(hostKey).equals(Key.fromString(readFileSync("target.pub")));
}

class GatewayRealm implements IRealm {
  async requestAvatar(avatarId: AvatarId, mind: unknown, ...interfaces: InterfaceToken[]) {
    const server = await connectTo({ host, port: Number(port), user: String(avatarId), key, isKnown });
    const user = new RelayUser(server, { forwarding: true, agentForwarding: true });
    return [IConchUser, user, user.logout] as const;
  }
}

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": key };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal(new GatewayRealm());
factory.portal.registerChecker(new FilePasswordDB("ssh-passwords"));

setup.announce(reactor.listenTCP(setup.port, factory));
await reactor.run();
