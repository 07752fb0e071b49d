/** The server's side of the transport: host keys, the answers of a key exchange, services on request. */
import { providedBy } from "@strombus/reactor/components";
import type { Failure } from "@strombus/reactor/failure";
import { ISystemHandle, type ITCPTransport } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import type { Factory } from "@strombus/reactor/protocol";
import type { IRoster } from "@strombus/reactor/roster";
import { made, type Source } from "../class.js";
import { KeyExchangeError } from "../error.js";
import type { SSHEvents } from "../events/observers.js";
import { plain, report } from "../events/report.js";
import { GroupExchange, MAX_GROUP_BITS, MIN_GROUP_BITS, sizeToServe, type GroupSizes } from "../kex/group-exchange.js";
import type { Pair } from "../kex/method.js";
import { GlobalRequest } from "../messages/connection.js";
import {
  KexGroup,
  KexGroupInit,
  KexGroupReply,
  KexGroupRequest,
  KexGroupRequestOld,
  KexPairInit,
  KexPairReply,
} from "../messages/kex.js";
import { KexInit, ServiceAccept, ServiceRequest } from "../messages/transport.js";
import { tellWhatWasLeftOut } from "../peer-log.js";
import { mpintBytes } from "../wire/writer.js";
import { DEFAULT_USER_KEY_ALGORITHMS, type AlgorithmLists } from "./algorithms.js";
import { SSHTransportBase, type Exchange, type TransportService } from "./base.js";
import {
  DISCONNECT_SERVICE_NOT_AVAILABLE,
  MSG_KEX_DH_GEX_INIT,
  MSG_KEX_DH_GEX_REQUEST,
  MSG_KEX_DH_GEX_REQUEST_OLD,
} from "./constants.js";
import type { Gate, Offence, Visit } from "./gate.js";
import { isGroupExchange, type Group, type Primes } from "./groups.js";
import { HeldOffer } from "./held-offer.js";
import { holders } from "./held.js";
import { hostKeyAlgorithm } from "./host-key-algorithms.js";
import {
  announcedKeys,
  HOSTKEYS,
  HOSTKEYS_PROVE,
  proveKeys,
  rsaProofAlgorithm,
  type GlobalRequestAnswer,
} from "./host-keys.js";
import { turns } from "./turns.js";
import { tell } from "./watch.js";

const log = new Logger({ namespace: "strombus.conch.ssh.transport" });

/** The private half of a host key. Signing may take its time: the key may live in an agent or an HSM. */
export interface HostKeySigner {
  sign(data: Buffer, algorithm?: string): Buffer | PromiseLike<Buffer>;
}

/** The public half of a host key: its blob is what the client is shown. */
export interface HostPublicKey {
  blob(): Buffer;
}

/** A host key as an authority vouches for it: what the client is shown instead of the key. */
export interface HostCertificate {
  readonly blob: Buffer;
  readonly key: { sshType(): string };
}

/** What a server's transport asks of its factory; SSHFactory is one. */
export interface ServerTransportFactory extends Factory {
  readonly publicKeys: Readonly<Record<string, HostPublicKey>> | null;
  readonly privateKeys: Readonly<Record<string, HostKeySigner>> | null;
  /** Certificates of these keys. */
  readonly hostCertificates?: readonly HostCertificate[];
  /** A group of about so many bits, for group exchange; without it, or with `primes` that are null, there is none. */
  getDHPrime?(bits: number): Group;
  readonly primes?: Primes | null;
  getService(transport: SSHServerTransport, name: string): Source<TransportService, []> | null;
  /** Those that are open. */
  readonly connections?: IRoster<SSHServerTransport>;
  /** Asked for each connection before anything is said; without it everybody is let in. */
  readonly defence?: Gate | null;
  /** Told what goes on. */
  readonly events?: SSHEvents;
}

/** A server's side of one connection. Subclasses, named by `SSHFactory.protocol`, set its limits and override its hooks. */
export class SSHServerTransport extends SSHTransportBase {
  declare factory: ServerTransportFactory | null;
  override isClient = false;
  /** Signature algorithms that users may log in with, told to them as `server-sig-algs`. */
  supportedUserKeyAlgorithms: readonly string[] = DEFAULT_USER_KEY_ALGORITHMS;

  /** Tell clients of all our host keys after login, for those that remember them. */
  announceHostKeys = true;
  /** By which algorithm RSA keys prove themselves to this client. */
  #rsaProof = "rsa-sha2-512";
  #visit: Visit | null = null;
  #openedAt: number | null = null; // null too where the gate let it not in
  #loggedInAt = 0;
  #algorithmsOfAll: readonly string[] | null = null;
  #heldOffer: HeldOffer | null = null;

  override connectionMade(): void {
    const gate = this.factory?.defence ?? null;
    if (gate !== null) {
      this.#visit = gate.admit(this.getPeer().address);
      if (this.#visit === null) {
        report(this, "ssh.connection.refused", { "ssh.refusal.reason": gate.lastRefusal ?? "other" });
        return this.#cut();
      }
    }
    // What comes in memory comes as its program wants it.
    if (providedBy(ISystemHandle, this.transport)) this.turns = turns;
    this.factory?.connections?.add(this);
    holders.add(this);
    this.#openedAt = this.clock.seconds();
    report(this, "ssh.connection.opened", {});
    if (this.turns === null) super.connectionMade();
    else this.turns.count(() => super.connectionMade());
  }

  override connectionLost(reason?: Failure): void {
    this.#heldOffer?.drop();
    this.factory?.connections?.delete(this);
    holders.delete(this);
    const { bytesReceived, bytesSent } = this;
    super.connectionLost(reason);
    this.#tellGate((visit) => visit.left());
    if (this.#openedAt === null) return;
    const { initiator = null, code = null, text = reason?.getErrorMessage() ?? "" } = this.disconnection ?? {};
    report(this, "ssh.connection.closed", {
      "ssh.disconnect.initiator": initiator,
      "ssh.disconnect.code": code,
      "ssh.disconnect.reason": plain(text),
      "ssh.connection.duration": this.clock.seconds() - this.#openedAt,
      "ssh.connection.bytes_received": bytesReceived,
      "ssh.connection.bytes_sent": bytesSent,
    });
    this.#openedAt = null;
    tellWhatWasLeftOut(this);
  }

  /** On a socket a KEXINIT from before the client's version line is held. @internal */
  override writePacket(packet: Buffer): void {
    if (!this.gotVersion && packet[5] === KexInit.number && providedBy(ISystemHandle, this.transport)) {
      this.#heldOffer = new HeldOffer(packet, this.clock, () => this.#sendOffer());
      return;
    }
    this.#sendOffer();
    super.writePacket(packet);
  }

  override offended(offence: Offence): void {
    this.#tellGate((visit) => visit.commit(offence));
  }

  /**
   * Signature algorithms that this user may log in with, if they differ from those of all; asked when a login names the
   * user, whether there is one or not. A client that takes the news is told (`ext-info-in-auth@openssh.com`).
   */
  userKeyAlgorithms(_user: string): readonly string[] | null {
    return null;
  }

  /** A login names this user, for the first time or instead of another. */
  userNamed(user: string): void {
    this.#algorithmsOfAll ??= this.supportedUserKeyAlgorithms;
    const algorithms = this.userKeyAlgorithms(user) ?? this.#algorithmsOfAll;
    if (algorithms === this.supportedUserKeyAlgorithms) return;
    this.supportedUserKeyAlgorithms = algorithms;
    if (this.peerExtensions.get("ext-info-in-auth@openssh.com")?.toString() !== "0") return;
    this.sendExtInfo([["server-sig-algs", algorithms.join(",")]]);
  }

  protected override setAlgorithms(lists: AlgorithmLists): void {
    super.setAlgorithms(lists);
    this.supportedUserKeyAlgorithms = lists.userKeys;
  }

  override setService(service: TransportService): void {
    if (this.avatar !== undefined) {
      this.#loggedInAt = this.clock.seconds();
      this.#tellGate((visit) => visit.loggedIn());
    }
    super.setService(service);
    if (this.avatar === undefined || service.name !== "ssh-connection" || !this.announceHostKeys) return;
    if (this.factory?.publicKeys == null) return;
    const request = { type: HOSTKEYS, wantReply: false, data: announcedKeys(this.factory) };
    this.sendPacket(GlobalRequest.number, GlobalRequest.encode(request));
  }

  override gotGlobalRequest(requestType: string, data: Buffer): GlobalRequestAnswer | null {
    if (requestType !== HOSTKEYS_PROVE || this.factory === null) return null;
    return proveKeys(this.factory, this.sessionID!, this.#rsaProof, data);
  }

  override ssh_KEXINIT(packet: Buffer): ReturnType<SSHTransportBase["ssh_KEXINIT"]> {
    this.#sendOffer();
    const lists = super.ssh_KEXINIT(packet);
    this.#rsaProof = rsaProofAlgorithm(this.keyAlg, lists[1]);
    return lists;
  }

  /** @throws KeyExchangeError if the factory has no such key. */
  _getHostKeys(keyAlg: string): [publicKey: HostPublicKey, privateKey: HostKeySigner] {
    const { format, certified } = hostKeyAlgorithm(keyAlg);
    const publicKey = certified ? this.#certificate(format) : own(this.factory?.publicKeys, format);
    const privateKey = own(this.factory?.privateKeys, format);
    if (publicKey === null || privateKey === null) throw new KeyExchangeError(`there is no host key for ${keyAlg}`);
    return [publicKey, privateKey];
  }

  /** 30: the client's value, or in a group exchange the size that it wants, in the older form. */
  ssh_KEX_DH_GEX_REQUEST_OLD(packet: Buffer): void {
    const exchange = this.turnOf(MSG_KEX_DH_GEX_REQUEST_OLD);
    if (exchange === null) return;
    const { keyExchange } = exchange.algorithms;
    if (keyExchange.kind !== "groupExchange") {
      return this.#answer(exchange, keyExchange, KexPairInit.decode(packet).value, KexPairReply);
    }
    const { preferred } = KexGroupRequestOld.decode(packet);
    this.#offerGroup(exchange, packet, { min: preferred, preferred, max: MAX_GROUP_BITS });
  }

  /** 34: the sizes of a group that the client wants. */
  ssh_KEX_DH_GEX_REQUEST(packet: Buffer): void {
    const exchange = this.turnOf(MSG_KEX_DH_GEX_REQUEST);
    if (exchange !== null) this.#offerGroup(exchange, packet, KexGroupRequest.decode(packet));
  }

  /** 32: the client's value, in the group that it was given. */
  ssh_KEX_DH_GEX_INIT(packet: Buffer): void {
    const exchange = this.turnOf(MSG_KEX_DH_GEX_INIT);
    if (exchange === null) return;
    this.#answer(exchange, exchange.group!.pair, KexGroupInit.decode(packet).value, KexGroupReply);
  }

  ssh_SERVICE_REQUEST(packet: Buffer): void {
    const { service: name } = ServiceRequest.decode(packet);
    const accept = (): void => this.sendPacket(ServiceAccept.number, ServiceAccept.encode({ service: name }));
    // Asked for again, as Paramiko does, it goes on as it stands.
    if (this.service?.name === name) return accept();
    const service = this.factory?.getService(this, name) ?? null;
    if (service === null) {
      this.sendDisconnect(DISCONNECT_SERVICE_NOT_AVAILABLE, `don't have service ${JSON.stringify(name.slice(0, 64))}`);
      return;
    }
    accept();
    this.setService(made(service));
  }

  /** Group exchange is for who has groups. */
  protected override offeredKeyExchanges(): readonly string[] {
    if (this.factory?.getDHPrime !== undefined && this.factory.primes !== null) return this.supportedKeyExchanges;
    return this.supportedKeyExchanges.filter((name) => !isGroupExchange(name));
  }

  protected override exchangeBegun(exchange: Exchange): void {
    exchange.expects =
      exchange.algorithms.keyExchange.kind === "groupExchange"
        ? [MSG_KEX_DH_GEX_REQUEST_OLD, MSG_KEX_DH_GEX_REQUEST]
        : [MSG_KEX_DH_GEX_REQUEST_OLD];
  }

  protected override keysChanged(first: boolean): void {
    const method = this.kexAlg!;
    if (!first) return report(this, "ssh.rekey", { "ssh.kex.algorithm": method });
    report(this, "ssh.handshake.completed", {
      "ssh.kex.algorithm": method,
      "ssh.host_key.algorithm": this.keyAlg!,
      "ssh.handshake.duration": this.clock.seconds() - (this.#openedAt ?? 0),
    });
  }

  protected override loggedOut(): void {
    report(this, "ssh.logout", { "ssh.login.duration": this.clock.seconds() - this.#loggedInAt });
  }

  /** After the first NEWKEYS alone, and as the packet right behind it (RFC 8308 section 2.4). */
  protected override ownKeysChanged(first: boolean): void {
    if (!first) return;
    this.sendExtInfo([
      ["server-sig-algs", this.supportedUserKeyAlgorithms.join(",")],
      ["publickey-hostbound@openssh.com", "0"],
      ["ping@openssh.com", "0"],
    ]);
  }

  /** Only the size that is preferred has a say in the choice. */
  #offerGroup(exchange: Exchange, request: Buffer, sizes: GroupSizes): void {
    const { factory } = this;
    if (factory?.getDHPrime === undefined) throw new KeyExchangeError("there are no groups to exchange");
    const [generator, prime] = factory.getDHPrime(sizeToServe(sizes));
    const group = { prime: mpintBytes(prime), generator: mpintBytes(generator) };
    exchange.group = new GroupExchange(request);
    exchange.group.agree(group.prime, group.generator, { min: MIN_GROUP_BITS, max: MAX_GROUP_BITS });
    this.sendPacket(KexGroup.number, KexGroup.encode(group));
    exchange.expects = [MSG_KEX_DH_GEX_INIT];
  }

  /** The last message of either kind, and with it the exchange hash, signed. */
  #answer(
    exchange: Exchange,
    pair: Pair,
    clientValue: Buffer,
    reply: typeof KexPairReply | typeof KexGroupReply,
  ): void {
    const { hostKey } = exchange.algorithms;
    const { value: serverValue, secret } = pair.respond(clientValue);
    const [publicKey, privateKey] = this._getHostKeys(hostKey);
    const blob = publicKey.blob();
    const prelude = exchange.group?.prelude;
    const hash = this.hashOf(exchange, { hostKey: blob, prelude, clientValue, serverValue, secret });
    const finish = (signature: Buffer): void => {
      this.hostKeyBlob ??= blob;
      this.sendPacket(reply.number, reply.encode({ hostKey: blob, value: serverValue, signature }));
      this.keySetup(exchange, secret, hash);
    };
    const signature = privateKey.sign(hash, hostKeyAlgorithm(hostKey).signature);
    if (Buffer.isBuffer(signature)) finish(signature);
    else void this.suspend(signature, finish);
  }

  #sendOffer(): void {
    const offer = this.#heldOffer;
    if (offer === null) return;
    this.#heldOffer = null;
    offer.drop();
    super.writePacket(offer.packet);
  }

  #tellGate(news: (visit: Visit) => unknown): void {
    const visit = this.#visit;
    if (visit !== null) tell(log, "the gate", () => news(visit));
  }

  /** Without a word: whoever floods is owed none. */
  #cut(): void {
    this.handshake.close();
    const transport: Partial<ITCPTransport> | null = this.transport;
    if (transport?.abortConnection === undefined) transport?.loseConnection?.();
    else transport.abortConnection();
  }

  #certificate(format: string): HostPublicKey | null {
    const certificate = this.factory?.hostCertificates?.find(({ key }) => key.sshType() === format);
    return certificate === undefined ? null : { blob: () => certificate.blob };
  }
}

function own<T>(table: Readonly<Record<string, T>> | null | undefined, key: string): T | null {
  return table != null && Object.hasOwn(table, key) ? table[key]! : null;
}
