/** A connection in memory to a server whose user has these files. */
import { registerAdapter } from "@strombus/reactor/components";
import { FakeTransport } from "@strombus/reactor/testing";
import { connect } from "@strombus/reactor/testing/iosim";
import { ConchUser } from "../../avatar.js";
import { ISFTPServer } from "../../interfaces.js";
import { SSHConnection } from "../../ssh/connection.js";
import { SSHFactory } from "../../ssh/factory.js";
import { FileTransferServer } from "../../ssh/filetransfer.js";
import { Key } from "../../ssh/keys.js";
import { SSHSession } from "../../ssh/session.js";
import { SSHClientTransport, type SSHServerTransport } from "../../ssh/transport.js";

class User extends ConchUser {
  constructor(readonly files: ISFTPServer) {
    super();
    this.channelLookup["session"] = SSHSession;
    this.subsystemLookup["sftp"] = FileTransferServer;
  }
}
registerAdapter((user: User) => user.files, User, ISFTPServer);

const hostKey = Key.generate("ed25519");

/** It goes on by itself until it is closed. */
export async function connectionTo(files: ISFTPServer): Promise<SSHConnection> {
  const factory = new SSHFactory();
  factory.privateKeys = { "ssh-ed25519": hostKey };
  factory.publicKeys = { "ssh-ed25519": hostKey.public() };
  const server = factory.buildProtocol({} as never) as SSHServerTransport;
  const client = new SSHClientTransport();
  client.verifyHostKey = () => true;
  const secure = new Promise<void>((resolve) => (client.connectionSecure = resolve));
  const [serverEnd, clientEnd] = [new FakeTransport(server, true), new FakeTransport(client, false)];
  const pump = connect(server, serverEnd, client, clientEnd);
  const carry = (): void => {
    pump.flush();
    if (clientEnd.connected) setImmediate(carry);
  };
  carry();
  await secure;
  const connection = new SSHConnection();
  server.avatar = new User(files);
  server.setService(new SSHConnection());
  client.setService(connection);
  return connection;
}
