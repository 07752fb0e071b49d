/** A connection in memory to a server whose user has these files. */
import { registerAdapter } from "@strombus/reactor/components";
import { ConchUser } from "../../avatar.js";
import { ISFTPServer } from "../../interfaces.js";
import type { SSHConnection } from "../../ssh/connection.js";
import { FileTransferServer } from "../../ssh/filetransfer.js";
import { SSHSession } from "../../ssh/session.js";
import { connectionOf } from "../connection.test.support.js";

class User extends ConchUser {
  constructor(readonly files: ISFTPServer) {
    super();
    this.channelLookup["session"] = SSHSession;
    this.subsystemLookup["sftp"] = FileTransferServer;
  }
}
registerAdapter((user: User) => user.files, User, ISFTPServer);

/** It goes on by itself until it is closed. */
export async function connectionTo(files: ISFTPServer): Promise<SSHConnection> {
  return connectionOf(new User(files));
}
