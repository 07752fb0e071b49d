/** The factory of SSH servers (twisted.conch.ssh.factory). */
import type { Portal } from "@strombus/cred/portal";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import type { IAddress, IProtocol } from "@strombus/reactor/interfaces";
import { Factory, type ProtocolSource } from "@strombus/reactor/protocol";
import { ConchError } from "../error.js";
import { nearestGroup, type Group, type Primes } from "../transport/groups.js";
import { SSHConnection } from "./connection.js";
import type { Key } from "./keys.js";
import { SSHServerTransport, type HostKeySigner, type TransportService } from "./transport.js";
import { SSHUserAuthServer } from "./userauth.js";

export type { Group, Primes };

/** A private host key: a Key, or whatever signs in its place. */
export interface HostPrivateKey extends HostKeySigner {
  supportedSignatureAlgorithms(): readonly string[];
}

/** Signatures that nobody should make any more; a host key of this type is offered under its other algorithms. */
const SHA1 = "ssh-rsa";

export class SSHFactory extends Factory {
  override protocol: ProtocolSource | null = SSHServerTransport;
  /** Service name to class. */
  services: Record<string, new () => TransportService> = {
    "ssh-userauth": SSHUserAuthServer,
    "ssh-connection": SSHConnection,
  };
  /** Who may log in: to be set by the application. */
  portal: Portal | null = null;
  /** Host keys by format: `ssh-rsa`, `ecdsa-sha2-nistp256`, `ssh-ed25519`... Filled by the getters when not set. */
  publicKeys: Record<string, Key> | null = null;
  privateKeys: Record<string, HostPrivateKey> | null = null;

  /** Groups for group exchange, which is not offered without; filled by the getter when not set. */
  primes: Primes | null = null;

  /** @throws ConchError without host keys. */
  override startFactory(): void {
    this.privateKeys ??= this.getPrivateKeys();
    this.publicKeys ??= this.getPublicKeys();
    this.primes ??= this.getPrimes();
    if (Object.keys(this.publicKeys).length === 0 || Object.keys(this.privateKeys).length === 0) {
      throw new ConchError("no host keys, failing");
    }
  }

  /** A transport that offers the algorithms of our host keys; RSA keys sign by SHA-2 alone. */
  override buildProtocol(addr: IAddress): IProtocol | null {
    const transport = super.buildProtocol(addr);
    if (transport instanceof SSHServerTransport) {
      const offered = Object.values(this.privateKeys ?? {}).flatMap((key) => key.supportedSignatureAlgorithms());
      transport.supportedPublicKeys = offered.filter((name) => name !== SHA1);
    }
    return transport;
  }

  /** Override, or set `publicKeys`. */
  getPublicKeys(): Record<string, Key> {
    throw new NotImplementedError("getPublicKeys must be overridden, or publicKeys set");
  }

  /** Override, or set `privateKeys`. */
  getPrivateKeys(): Record<string, HostPrivateKey> {
    throw new NotImplementedError("getPrivateKeys must be overridden, or privateKeys set");
  }

  /** Override, or set `primes`; null is to do without group exchange. OpenSSH's file of them is read by `parseModuliFile`. */
  getPrimes(): Primes | null {
    return null;
  }

  /** One of the groups whose size is nearest. */
  getDHPrime(bits: number): Group {
    return nearestGroup(this.primes ?? new Map(), bits);
  }

  /** The class of a service: `ssh-userauth` for everyone, the others for those who have logged in; null refuses. */
  getService(transport: SSHServerTransport, name: string): (new () => TransportService) | null {
    if (name !== "ssh-userauth" && transport.avatar === undefined) return null;
    return Object.hasOwn(this.services, name) ? this.services[name]! : null;
  }
}
