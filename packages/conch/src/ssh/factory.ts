/** The factory of SSH servers (twisted.conch.ssh.factory). */
import type { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { type IAddress, IListeningPort, type IProtocol, type SystemEventTriggerID } from "@strombus/reactor/interfaces";
import { Factory, type ProtocolSource } from "@strombus/reactor/protocol";
import type { WrappingFactory } from "@strombus/reactor/protocols/policies";
import { Roster } from "@strombus/reactor/roster";
import { deferLater } from "@strombus/reactor/task";
import { STOPPING } from "../channel/retirement.js";
import type { Source } from "../class.js";
import { loadCodec } from "../codec/ssh2.js";
import { Defence, type Gate } from "../defence.js";
import { ConchError } from "../error.js";
import { SSHEvents } from "../events.js";
import type { Certificate } from "../keys/certificate.js";
import { algorithmLists, DEFAULT_KEY_EXCHANGES, type AlgorithmChoice } from "../transport/algorithms.js";
import type { TransportService } from "../transport/base.js";
import { DISCONNECT_BY_APPLICATION } from "../transport/constants.js";
import { algorithmsOf, MIN_RSA_HOST_KEY_BITS } from "../transport/host-key-algorithms.js";
import { isGroupExchange, nearestGroup, type Group, type Primes } from "../transport/groups.js";
import { SSHServerTransport, type HostKeySigner } from "../transport/server.js";
import { SSHUserAuthServer } from "../userauth/server.js";
import { SSHConnection } from "./connection.js";
import type { Key } from "./keys.js";

export type { Group, Primes };

/** A private host key: a Key, or whatever signs in its place. */
export interface HostPrivateKey extends HostKeySigner {
  supportedSignatureAlgorithms(): readonly string[];
}

const LOOK_INTERVAL = 0.05; // seconds
const GROUP_EXCHANGE = "diffie-hellman-group-exchange-sha256";

/**
 * Makes the server's side of each connection; it needs a portal and at least one host key.
 *
 * ```ts
 * const factory = new SSHFactory();
 * factory.privateKeys = { "ssh-ed25519": key };
 * factory.publicKeys = { "ssh-ed25519": key.public() };
 * factory.portal = new Portal(realm, [checker]);
 * reactor.listenTCP(2022, factory);
 * ```
 */
export class SSHFactory extends Factory {
  override protocol: ProtocolSource | null = SSHServerTransport;
  /** Service name to class, or to a function that makes the service. */
  services: Record<string, Source<TransportService, []>> = {
    "ssh-userauth": SSHUserAuthServer,
    "ssh-connection": SSHConnection,
  };
  /** Who may log in: to be set by the application. */
  portal: Portal | null = null;
  /** Who is let in before anything is known of them but an address; null lets everybody in. */
  defence: Gate | null = new Defence();
  /** Host keys by format: `ssh-rsa`, `ecdsa-sha2-nistp256`, `ssh-ed25519`... Filled by the getters when not set. */
  publicKeys: Record<string, Key> | null = null;
  privateKeys: Record<string, HostPrivateKey> | null = null;

  /** Certificates of these keys, which clients are offered first (`ssh-keygen -h -s`). */
  hostCertificates: readonly Certificate[] = [];
  /** Bits of the smallest RSA host key to start with. */
  minimumRSAHostKeySize = MIN_RSA_HOST_KEY_BITS;
  /**
   * What connections offer: a profile, or lists of your own, of which that of host keys narrows down what our keys can do.
   * Null leaves it to the transport, whose class may have lists of its own, and which begins with the default profile.
   */
  algorithms: AlgorithmChoice | null = null;
  /** Tells what goes on: logins, channels, refusals (`@strombus/conch/events`). */
  readonly events = new SSHEvents();
  /** Connections that are open. */
  readonly connections = new Roster<SSHServerTransport>();
  /** Seconds that sessions may go on when the process is told to stop; null is what the reactor says (`--drain`). */
  drainTime: number | null = null;
  #shutdown: SystemEventTriggerID | null = null;
  #stopping = false;

  /** Groups for group exchange, which is not offered without; filled by the getter when not set. */
  primes: Primes | null = null;

  /**
   * @throws ConchError without host keys, and for one that is not to be used: an RSA key too short, a certificate of
   *   another key; ValueError for algorithms that we do not know.
   */
  override startFactory(): void {
    this.#shutdown ??= reactor.addSystemEventTrigger("before", "shutdown", () => this.stopGracefully());
    this.privateKeys ??= this.getPrivateKeys();
    this.publicKeys ??= this.getPublicKeys();
    this.primes ??= this.getPrimes();
    if (Object.keys(this.publicKeys).length === 0 || Object.keys(this.privateKeys).length === 0) {
      throw new ConchError("no host keys, failing");
    }
    this.#checkHostKeys(this.publicKeys);
    if (this.#hostKeyAlgorithms(algorithmLists(this.algorithms ?? "default", false).hostKeys).length === 0) {
      throw new ConchError("no host key is for an algorithm on the list");
    }
    setImmediate(loadCodec); // once we listen, and most often before somebody comes
  }

  /** Stops listening, lets sessions end, then ends them. Fires when no connection is left. */
  async stopGracefully(seconds = this.drainTime ?? reactor.drainTime): Promise<void> {
    this.#stopping = true;
    for (const each of [...reactor.openTransports]) {
      if (IListeningPort.providedBy(each) && leadsTo(this, (each as { factory?: unknown }).factory)) {
        void each.stopListening();
      }
    }
    for (const connection of this.connections) {
      const { service } = connection;
      if (service instanceof SSHConnection) service.retire(seconds);
      else connection.sendDisconnect(DISCONNECT_BY_APPLICATION, STOPPING);
    }
    while (this.connections.size > 0) await deferLater(reactor, LOOK_INTERVAL);
  }

  override stopFactory(): void {
    super.stopFactory();
    if (this.#shutdown === null || this.#stopping || this.connections.size > 0) return;
    reactor.removeSystemEventTrigger(this.#shutdown);
    this.#shutdown = null;
  }

  /** A transport that offers the algorithms of our host keys; RSA keys sign by SHA-2 alone, unless a list has SHA-1. */
  override buildProtocol(addr: IAddress): IProtocol | null {
    if (this.#stopping) return null;
    const transport = super.buildProtocol(addr);
    if (transport instanceof SSHServerTransport) {
      if (this.algorithms !== null) transport.useAlgorithms(this.algorithms);
      transport.supportedPublicKeys = this.#hostKeyAlgorithms(transport.supportedPublicKeys);
      const { supportedKeyExchanges: names } = transport;
      if (this.primes === null) {
        if (names.some(isGroupExchange))
          transport.supportedKeyExchanges = names.filter((name) => !isGroupExchange(name));
      }
      // Groups are there to be exchanged, also by default.
      else if (names === DEFAULT_KEY_EXCHANGES) transport.supportedKeyExchanges = [...names, GROUP_EXCHANGE];
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

  /** What makes a service: `ssh-userauth` for everyone, the others for those who have logged in; null refuses. */
  getService(transport: SSHServerTransport, name: string): Source<TransportService, []> | null {
    if (name !== "ssh-userauth" && transport.avatar === undefined) return null;
    return Object.hasOwn(this.services, name) ? this.services[name]! : null;
  }

  #checkHostKeys(publicKeys: Readonly<Record<string, Key>>): void {
    const { minimumRSAHostKeySize: minimum } = this;
    const bits = publicKeys["ssh-rsa"]?.size() ?? minimum;
    if (bits < minimum) {
      throw new ConchError(`the RSA host key has ${bits} bits, ${minimum} are asked for: see minimumRSAHostKeySize`);
    }
    for (const { kind, key, keyId } of this.hostCertificates) {
      if (kind === "host" && publicKeys[key.sshType()]?.public().equals(key) === true) continue;
      throw new ConchError(`the certificate ${JSON.stringify(keyId.slice(0, 64))} is not for one of our host keys`);
    }
  }

  /** What our keys can do: all of it, or what is on the application's own list. */
  #hostKeyAlgorithms(listed: readonly string[]): string[] {
    const certified = new Set(this.hostCertificates.map(({ key }) => key.sshType()));
    const ours = algorithmsOf(Object.values(this.privateKeys ?? {}), certified, listed);
    const narrows = typeof this.algorithms === "object" && this.algorithms?.hostKeys !== undefined;
    return narrows ? ours.filter((name) => listed.includes(name)) : ours;
  }
}

/** Whether connections end up with `factory`, if need be through those that wrap it: for TLS, a PROXY header, a limit. */
function leadsTo(factory: SSHFactory, from: unknown): boolean {
  for (let each = from; each != null; each = (each as Partial<WrappingFactory>).wrappedFactory) {
    if (each === factory) return true;
  }
  return false;
}
