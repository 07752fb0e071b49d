/** A connection of our client's, logged in. */
import { SSHConnection } from "@strombus/conch/ssh/connection";
import type { Key } from "@strombus/conch/ssh/keys";
import { SSHClientTransport } from "@strombus/conch/ssh/transport";
import { SSHUserAuthClient } from "@strombus/conch/ssh/userauth";
import { reactor } from "@strombus/reactor";
import { connectProtocol, TCP4ClientEndpoint } from "@strombus/reactor/endpoints";
import type { Failure } from "@strombus/reactor/failure";

export interface Account {
  readonly port: number;
  readonly user: string;
  /** A password, or a key. */
  readonly secret: string | Key;
}

class Login extends SSHUserAuthClient {
  constructor(
    readonly account: Account,
    connection: SSHConnection,
  ) {
    super(account.user, connection);
    this.preferredOrder = [typeof account.secret === "string" ? "password" : "publickey"];
  }

  override getPassword() {
    return typeof this.account.secret === "string" ? this.account.secret : null;
  }

  override getPublicKey() {
    const { secret } = this.account;
    return typeof secret === "string" || this.lastPublicKey !== null ? null : secret.public();
  }

  override getPrivateKey() {
    return typeof this.account.secret === "string" ? null : this.account.secret;
  }
}

class Transport extends SSHClientTransport {
  constructor(
    readonly account: Account,
    readonly connection: SSHConnection,
    readonly ended: (reason: Failure) => void,
  ) {
    super();
  }

  override verifyHostKey() {} // a server of the test's own

  override connectionSecure() {
    this.requestService(new Login(this.account, this.connection));
  }

  override connectionLost(reason: Failure) {
    super.connectionLost(reason);
    this.ended(reason);
  }
}

/** @returns `connection`, started; rejected when the server does not let us in */
export async function logIn<C extends SSHConnection>(account: Account, connection: C): Promise<C>;
export async function logIn(account: Account): Promise<SSHConnection>;
export async function logIn(account: Account, connection = new SSHConnection()): Promise<SSHConnection> {
  return new Promise((resolve, reject) => {
    const start = connection.serviceStarted.bind(connection);
    connection.serviceStarted = () => {
      start();
      resolve(connection);
    };
    const transport = new Transport(account, connection, (reason) => reject(reason.value));
    connectProtocol(new TCP4ClientEndpoint(reactor, "127.0.0.1", account.port), transport).addErrback(
      (reason: Failure) => reject(reason.value as Error),
    );
  });
}

/** Ends the connection. */
export function logOut(connection: SSHConnection): void {
  connection.transport?.loseConnection();
}
