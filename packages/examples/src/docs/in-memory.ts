/** A client's connection to a server in memory, for programs of the documentation that need one. */
import type { ConchUser } from "@strombus/conch/avatar";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { SSHClientTransport, type SSHServerTransport } from "@strombus/conch/ssh/transport";
import { FakeTransport } from "@strombus/reactor/testing";
import { connect } from "@strombus/reactor/testing/iosim";

/** As this user; it goes on by itself until the connection is closed. */
export async function connectionTo(user: ConchUser): Promise<SSHConnection> {
  const hostKey = Key.generate("ed25519");
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
  server.avatar = user;
  server.setService(new SSHConnection());
  client.setService(connection);
  return connection;
}
