/** An SSH server as an application: npx strombus run app.js */
import { existsSync } from "node:fs";
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { FilePasswordDB } from "@strombus/cred/checkers";
import { Portal } from "@strombus/cred/portal";
import { Application } from "@strombus/reactor/application/service";
import * as strports from "@strombus/reactor/application/strports";
import { Greeter } from "../testing/greeter.js";

const folder = process.env["SSH_FOLDER"] ?? ".";
const endpoint = process.env["SSH_ENDPOINT"] ?? "tcp:2022"; // behind HAProxy: haproxy:tcp:2022

// Every replica shows the same host key, so it comes from outside; one that is made here is for trying out.
const keyFile = `${folder}/host_key`;
const hostKey = existsSync(keyFile) ? Key.fromFile(keyFile) : Key.generate("ed25519");

const factory = new SSHFactory();
factory.privateKeys = { [hostKey.sshType()]: hostKey };
factory.publicKeys = { [hostKey.sshType()]: hostKey.public() };
factory.portal = new Portal({
  requestAvatar() {
    const user = new ConchUser();
    user.channelLookup["session"] = Greeter;
    return [IConchUser, user, () => {}] as const;
  },
});
factory.portal.registerChecker(new FilePasswordDB(`${folder}/passwords`));

export const application = Application("ssh");
strports.service(endpoint, factory).setServiceParent(application);
