/** A connection in memory to a server, on which this user has logged in. */
import { FakeTransport } from "@strombus/reactor/testing";
import { connect } from "@strombus/reactor/testing/iosim";
import type { ConchUser } from "../avatar.js";
import { SSHConnection } from "../ssh/connection.js";
import { SSHFactory } from "../ssh/factory.js";
import { Key } from "../ssh/keys.js";
import { SSHClientTransport, type SSHServerTransport } from "../ssh/transport.js";

const hostKey = Key.generate("ed25519");

/** It goes on by itself until it is closed. @param connection the client's, which runs then */
export async function connectionOf<C extends SSHConnection>(user: ConchUser, connection: C): Promise<C>;
export async function connectionOf(user: ConchUser): Promise<SSHConnection>;
export async function connectionOf(user: ConchUser, connection = new SSHConnection()): Promise<SSHConnection> {
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
  server.avatar = user;
  server.setService(new SSHConnection());
  client.setService(connection);
  return connection;
}
