/** Logging in to the server behind the bastion. */
import { RelayConnection } from "@strombus/conch/relay";
import type { Key } from "@strombus/conch/ssh/keys";
import { SSHClientTransport } from "@strombus/conch/ssh/transport";
import { SSHUserAuthClient } from "@strombus/conch/ssh/userauth";
import { reactor } from "@strombus/reactor";
import type { Failure } from "@strombus/reactor/failure";
import type { IConnector } from "@strombus/reactor/interfaces";
import { ClientFactory } from "@strombus/reactor/protocol";

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly key: Key;
  readonly isKnown: (hostKey: Buffer) => boolean;
}

class Transport extends SSHClientTransport {
  constructor(
    readonly target: Target,
    readonly connection: RelayConnection,
  ) {
    super();
  }

  override verifyHostKey(hostKey: Buffer) {
    if (!this.target.isKnown(hostKey)) throw new Error("the server behind shows another key than before");
  }

  override connectionSecure() {
    this.requestService(new Login(this.target, this.connection));
  }
}

class Login extends SSHUserAuthClient {
  constructor(
    readonly target: Target,
    connection: RelayConnection,
  ) {
    super(target.user, connection);
    this.preferredOrder = ["publickey"];
  }

  override getPublicKey() {
    return this.lastPublicKey === null ? this.target.key.public() : null;
  }

  override getPrivateKey() {
    return this.target.key;
  }
}

class Started extends RelayConnection {
  constructor(readonly started: (connection: RelayConnection) => void) {
    super();
  }

  override serviceStarted() {
    super.serviceStarted();
    this.started(this);
  }
}

class Factory extends ClientFactory {
  override noisy = false;

  constructor(
    readonly build: () => Transport,
    readonly failed: (reason: Error) => void,
  ) {
    super();
  }

  override buildProtocol() {
    return this.build();
  }

  override clientConnectionFailed(_: IConnector, reason: Failure) {
    this.failed(reason.value as Error);
  }

  override clientConnectionLost(_: IConnector, reason: Failure) {
    this.failed(reason.value as Error); // which says nothing to whoever is logged in already
  }
}

/** The connection, logged in. @returns rejected when there is none to be had */
export function connectTo(target: Target): Promise<RelayConnection> {
  return new Promise((resolve, reject) => {
    const build = () => new Transport(target, new Started(resolve));
    reactor.connectTCP(target.host, target.port, new Factory(build, reject));
  });
}
