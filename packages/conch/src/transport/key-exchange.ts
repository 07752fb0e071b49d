/**
 * Key exchange on a transport, the first one and later ones (RFC 4253 sections 7 to 9; OpenSSH's PROTOCOL 1.10 for the
 * strict kind): the offers, their negotiation, and the turnover of keys. What travels between KEXINIT and NEWKEYS is the
 * roles' part.
 */
import { RuntimeError } from "@strombus/reactor/exceptions";
import { ciphersPending } from "../codec/ssh2.js";
import { fillRandom } from "../codec/slab.js";
import { ProtocolError } from "../error.js";
import { deriveKeys, exchangeHash, type Agreement, type Transcript } from "../kex/exchange.js";
import { KexInit, NewKeys } from "../messages/transport.js";
import type { Exchange } from "./handshake.js";
import { fingerprintOf } from "./hassh.js";
import {
  checkNames,
  EXT_INFO_CLIENT,
  EXT_INFO_SERVER,
  negotiate,
  STRICT_CLIENT,
  STRICT_SERVER,
  type Offer,
  type OwnOffer,
} from "./negotiation.js";
import { PacketTransport } from "./packet-transport.js";
import { LoginBudget } from "./patience.js";

/** What only the transport knows of a transcript. */
type Ours = "clientVersion" | "serverVersion" | "clientKexInit" | "serverKexInit";

export abstract class KeyExchangeTransport extends PacketTransport {
  /** The first exchange hash, for ever. */
  sessionID: Buffer | null = null;
  /** The server's host key of the first exchange, when that is settled. */
  hostKeyBlob: Buffer | null = null;
  /** KEXINIT payloads of the exchange in hand, message numbers included; null when none is. */
  ourKexInitPayload: Buffer | null = null;
  otherKexInitPayload: Buffer | null = null;
  /** Names that the last key exchange settled. */
  kexAlg: string | null = null;
  keyAlg: string | null = null;
  outgoingCompressionType = "none";
  incomingCompressionType = "none";

  /** What packets are compressed by, each way: null where they are not, which holds for "zlib@openssh.com" before login. */
  get outgoingCompression(): object | null {
    return this.outgoing.compressor;
  }

  get incomingCompression(): object | null {
    return this.incoming.decompressor;
  }

  /** HASSH of what the peer offered first, its HASSHServer if it is a server; null before, and where MD5 is not to be had. */
  hassh: string | null = null;

  protected readonly budget = new LoginBudget();
  /** The peer said in its first KEXINIT that it takes EXT_INFO (RFC 8308 section 2.1). */
  protected peerTakesExtInfo = false;
  #keysAt = 0;
  #offered: OwnOffer | null = null; // of the exchange in hand

  /**
   * Offers our algorithms and so begins a key exchange, the first one or a rekey.
   * @throws RuntimeError while one is going on.
   */
  sendKexInit(): void {
    const { phase } = this.handshake;
    if (phase !== "idle") throw new RuntimeError(`Cannot send KEXINIT while key exchange state is ${phase}`);
    const first = this.sessionID === null;
    const keyExchanges = this.offeredKeyExchanges();
    const markers = this.isClient ? [EXT_INFO_CLIENT, STRICT_CLIENT] : [EXT_INFO_SERVER, STRICT_SERVER];
    const cookie = Buffer.allocUnsafe(16);
    fillRandom(cookie, 0, 16);
    this.#offered = {
      cookie,
      // Markers count in the first offer alone, and some peers take a later one amiss (RFC 8308 section 2.1).
      keyExchanges: first ? [...keyExchanges, ...markers] : keyExchanges,
      hostKeys: this.supportedPublicKeys,
      ciphersToServer: this.supportedCiphers,
      ciphersToClient: this.supportedCiphers,
      macsToServer: this.supportedMACs,
      macsToClient: this.supportedMACs,
      compressionsToServer: this.supportedCompressions,
      compressionsToClient: this.supportedCompressions,
      languagesToServer: this.supportedLanguages,
      languagesToClient: this.supportedLanguages,
      firstKexPacketFollows: false,
      reserved: 0,
    };
    const body = KexInit.encode(this.#offered);
    this.ourKexInitPayload = Buffer.concat([Buffer.of(KexInit.number), body]);
    this.sendPacket(KexInit.number, body);
    this.handshake.offered();
    if (!first) {
      this.arm(this.rekeyTimeout, "the key exchange took too long");
      this.flow.exchanging = true;
    }
  }

  /**
   * What the peer offers, as it came: a hook, called before names are checked and anything is chosen. Where our KEXINIT
   * waits for the peer's (`kexInitMoment`), our own lists may still be changed here.
   */
  kexInitReceived(_offer: Offer): void {}

  /**
   * The peer's offer.
   * @returns its key exchanges, its host key algorithms, and what follows the lists: the byte that announces a guess, and
   *   four of zero.
   * @throws KeyExchangeError where nothing is in common, ProtocolError for an offer that is malformed or out of turn.
   */
  ssh_KEXINIT(packet: Buffer): [kexAlgs: string[], keyAlgs: string[], rest: Buffer] {
    const offer = KexInit.decode(packet);
    if (this.sessionID === null) this.hassh ??= fingerprintOf(offer, this.isClient);
    this.hook(this.kexInitReceived(offer));
    checkNames(offer);
    const { phase } = this.handshake;
    if (phase === "kex" || phase === "newkeys") throw new ProtocolError("a second KEXINIT in one key exchange");
    if (!this.isLoggedIn()) this.budget.spendExchange();
    if (phase === "idle") this.sendKexInit();
    const ours = this.#offered ?? KexInit.decode(this.ourKexInitPayload!.subarray(1));
    const [client, server] = this.isClient ? [ours, offer] : [offer, ours];
    if (this.sessionID === null) this.#readMarkers(offer, client, server);
    const algorithms = negotiate(client, server);
    this.otherKexInitPayload = Buffer.concat([Buffer.of(KexInit.number), packet]);
    this.kexAlg = algorithms.keyExchange.name;
    this.keyAlg = algorithms.hostKey;
    const exchange: Exchange = { phase: "kex", algorithms, initiator: null, group: null, expects: [] };
    this.handshake.begin(exchange, offer.firstKexPacketFollows && algorithms.wrongGuess);
    const ciphers = ciphersPending();
    if (ciphers === null) this.exchangeBegun(exchange);
    else void this.suspend(ciphers, () => this.exchangeBegun(exchange));
    return [offer.keyExchanges, offer.hostKeys, packet.subarray(-5)];
  }

  ssh_NEWKEYS(packet: Buffer): void {
    NewKeys.decode(packet);
    const { incoming, silent } = this.handshake.finish();
    const first = this.incoming.protection === null;
    this.incoming.setKeys(incoming, this.handshake.strict);
    this.ourKexInitPayload = this.otherKexInitPayload = this.#offered = null;
    this.#keysAt = this.clock.seconds();
    this.disarm();
    if (first) this.armFromStart(this.serviceTimeout, "no service was asked for");
    this.flow.exchanging = false;
    if (silent) this.#resumeOutput(first);
    this.keysChanged(first);
  }

  // What the roles do

  /** Those of our list that can be had. */
  protected offeredKeyExchanges(): readonly string[] {
    return this.supportedKeyExchanges;
  }

  /** Both KEXINITs are known: a client sends its value. */
  protected abstract exchangeBegun(exchange: Exchange): void;

  /** New keys hold both ways, for the first time or again. */
  protected abstract keysChanged(first: boolean): void;

  /** The next packet is the first after our NEWKEYS; what was queued follows. */
  protected ownKeysChanged(_first: boolean): void {}

  // What they use

  /** The exchange in hand, if message `number` is its next one; null if it was a wrong guess to be skipped. */
  protected turnOf(number: number): Exchange | null {
    return this.handshake.turnOf(number);
  }

  /** H of the exchange in hand. */
  protected hashOf(exchange: Exchange, parts: Omit<Transcript, Ours>): Buffer {
    const ours = { version: Buffer.from(this.ourVersionString, "latin1"), kexInit: this.ourKexInitPayload! };
    const theirs = { version: Buffer.from(this.otherVersionString, "latin1"), kexInit: this.otherKexInitPayload! };
    const [client, server] = this.isClient ? [ours, theirs] : [theirs, ours];
    return exchangeHash(exchange.algorithms.keyExchange.hash, {
      clientVersion: client.version,
      serverVersion: server.version,
      clientKexInit: client.kexInit,
      serverKexInit: server.kexInit,
      ...parts,
    });
  }

  /**
   * K and H are there: sends NEWKEYS, from which on our output is under the new keys, and awaits the peer's. A server has
   * nothing to say before the client's first one, and what it says then also acknowledges that one: else OpenSSH, which
   * leaves TCP_NODELAY off until it has logged in, would hold its next message back for the system's 40 ms.
   */
  protected keySetup(exchange: Exchange, secret: Buffer, exchangeHash: Buffer): void {
    this.sessionID ??= exchangeHash;
    const { keyExchange, toServer, toClient } = exchange.algorithms;
    const agreement: Agreement = { hash: keyExchange.hash, secret, exchangeHash, sessionID: this.sessionID };
    const serverBound = {
      compression: toServer.compression,
      ...deriveKeys(agreement, "clientToServer", toServer.cipher, toServer.mac),
    };
    const clientBound = {
      compression: toClient.compression,
      ...deriveKeys(agreement, "serverToClient", toClient.cipher, toClient.mac),
    };
    this.sendPacket(NewKeys.number, Buffer.alloc(0));
    this.outgoing.setKeys(this.isClient ? serverBound : clientBound, this.handshake.strict);
    const first = this.incoming.protection === null;
    const silent = first && !this.isClient;
    this.handshake.agreed(this.isClient ? clientBound : serverBound, silent);
    const [out, into] = this.isClient ? [toServer, toClient] : [toClient, toServer];
    this.outgoingCompressionType = out.compression;
    this.incomingCompressionType = into.compression;
    if (!silent) this.#resumeOutput(first);
  }

  /** Begins a rekey when one is due and none is going on (rule K14). */
  protected override rekeyIfDue(): void {
    const { rekeyBytes, rekeyPackets } = this;
    const [out, into] = [this.outgoing, this.incoming];
    if (
      out.bytes > rekeyBytes ||
      into.bytes > rekeyBytes ||
      out.packets > rekeyPackets ||
      into.packets > rekeyPackets ||
      this.clock.seconds() - this.#keysAt > this.rekeySeconds
    ) {
      if (this.handshake.phase === "idle" && this.isLoggedIn()) this.sendKexInit();
    }
  }

  // Private

  #resumeOutput(first: boolean): void {
    const waiting = this.waiting.take();
    this.ownKeysChanged(first);
    for (const [number, payload] of waiting) this.sendPacket(number, payload);
  }

  #readMarkers(offer: Offer, client: OwnOffer, server: OwnOffer): void {
    this.handshake.strict = client.keyExchanges.includes(STRICT_CLIENT) && server.keyExchanges.includes(STRICT_SERVER);
    // The counter has moved past the packet in hand.
    if (this.handshake.strict && this.incoming.sequence > 1)
      throw new ProtocolError("KEXINIT was not the first packet");
    this.peerTakesExtInfo = offer.keyExchanges.includes(this.isClient ? EXT_INFO_SERVER : EXT_INFO_CLIENT);
  }
}
