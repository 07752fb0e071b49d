/** SFTP for users who are no accounts of this system: each has a folder, and sees nothing else. */
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { ConchUser } from "@strombus/conch/avatar";
import { IConchUser, ISFTPServer } from "@strombus/conch/interfaces";
import { SFTPServerForFolder } from "@strombus/conch/sftp";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { FileTransferServer } from "@strombus/conch/ssh/filetransfer";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHSession } from "@strombus/conch/ssh/session";
import { FilePasswordDB } from "@strombus/cred/checkers";
import { LoginDenied } from "@strombus/cred/error";
import { type AvatarId, type IRealm, Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { registerAdapter, type InterfaceToken } from "@strombus/reactor/components";
import { setUp } from "../setup/index.js";

const setup = setUp("sftp-server");

class FileUser extends ConchUser {
  constructor(readonly folder: string) {
    super();
    this.channelLookup["session"] = SSHSession;
    this.subsystemLookup["sftp"] = FileTransferServer;
  }
}

registerAdapter((user: FileUser) => new SFTPServerForFolder(user.folder, { avatar: user }), FileUser, ISFTPServer);

class FileRealm implements IRealm {
  requestAvatar(avatarId: AvatarId, mind: unknown, ...interfaces: InterfaceToken[]) {
    if (typeof avatarId !== "string" || !/^[a-z0-9_-]+$/i.test(avatarId)) throw new LoginDenied("not a folder's name");
    const folder = resolve("files", avatarId);
    mkdirSync(folder, { recursive: true });
    return [IConchUser, new FileUser(folder), () => {}] as const;
  }
}

const factory = new SSHFactory();
factory.privateKeys = { "ssh-rsa": Key.fromFile("id_rsa") };
factory.publicKeys = { "ssh-rsa": Key.fromFile("id_rsa.pub") };
factory.portal = new Portal(new FileRealm());
factory.portal.registerChecker(new FilePasswordDB("ssh-passwords"));

setup.announce(reactor.listenTCP(setup.port, factory));
await reactor.run();
