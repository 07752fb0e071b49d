/**
 * The SSH transport (RFC 4253; twisted.conch.ssh.transport), what both roles share: identification, packets, key
 * exchange and its repetition, and the dispatch of messages to the transport itself or to the service that runs on it.
 */
import { createHash, randomBytes } from "node:crypto";
import { reactor } from "@strombus/reactor";
import { RuntimeError } from "@strombus/reactor/exceptions";
import { Failure } from "@strombus/reactor/failure";
import type { IReactorTime, ITCPTransport } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { connectionDone, Protocol } from "@strombus/reactor/protocol";
import { IncomingPackets, OutgoingPackets, type DirectionKeys, type Protection } from "../codec/packets.js";
import { DisconnectError, ProtocolError } from "../error.js";
import { deriveKeys, exchangeHash, type Agreement, type Transcript } from "../kex/exchange.js";
import type { Initiator } from "../kex/method.js";
import {
  Debug,
  Disconnect,
  ExtInfo,
  Ignore,
  KexInit,
  NewKeys,
  Ping,
  Pong,
  Unimplemented,
} from "../messages/transport.js";
import { SSHTransportAddress } from "../ssh/address.js";
import { keep, toBuffer, type BytesLike } from "../wire/writer.js";
import { admit, maySendDuringKex, type Stage } from "./admission.js";
import { DEFAULT_CIPHERS, DEFAULT_HOST_KEY_ALGORITHMS, DEFAULT_KEY_EXCHANGES, DEFAULT_MACS } from "./algorithms.js";
import {
  DISCONNECT_BY_APPLICATION,
  DISCONNECT_CONNECTION_LOST,
  DISCONNECT_PROTOCOL_VERSION_NOT_SUPPORTED,
  messages,
} from "./constants.js";
import { Flow } from "./flow.js";
import { FloodError, IdentificationReader } from "./identification.js";
import {
  checkNames,
  EXT_INFO_CLIENT,
  EXT_INFO_SERVER,
  negotiate,
  STRICT_CLIENT,
  STRICT_SERVER,
  type Algorithms,
} from "./negotiation.js";
import { Deadline, LoginBudget } from "./patience.js";
import { WaitingMessages } from "./queue.js";

const log = new Logger({ namespace: "strombus.conch.ssh.transport" });

export const VERSION = "Strombus_0.1.0";

/** What a transport asks of the service that runs on it. */
export interface TransportService {
  readonly name: string | null;
  transport: SSHTransportBase | null;
  serviceStarted(): void;
  serviceStopped(): void;
  packetReceived(messageNum: number, packet: Buffer): unknown;
  /** Output waits, for the network or for new keys: write no more data until `startWriting`. */
  stopWriting?(): void;
  startWriting?(): void;
}

/** Where a key exchange stands (RFC 4253 section 7); a rekey goes round again from "idle". */
export type Handshake =
  | { readonly phase: "idle" }
  | { readonly phase: "kexinit" } // ours is sent, theirs awaited
  | Exchange
  | { readonly phase: "newkeys"; readonly incoming: DirectionKeys } // ours is sent, theirs awaited
  | { readonly phase: "closed" };

export interface Exchange {
  readonly phase: "kex";
  readonly algorithms: Algorithms;
  /** The client's side of the method. */
  readonly initiator: Initiator | null;
  /** The message of the method that is due; null while an answer is being made. */
  expects: number | null;
}

export abstract class SSHTransportBase extends Protocol {
  readonly protocolVersion = "2.0" as string;
  readonly version = VERSION as string;
  readonly comment = "" as string;
  /** What is sent, without its line end: printable ASCII, at most 253 bytes. */
  ourVersionString = `SSH-2.0-${VERSION}`;
  supportedVersions: readonly string[] = ["1.99", "2.0"];
  supportedCiphers: readonly string[] = DEFAULT_CIPHERS;
  supportedMACs: readonly string[] = DEFAULT_MACS;
  supportedKeyExchanges: readonly string[] = DEFAULT_KEY_EXCHANGES;
  /** Host key algorithms. */
  supportedPublicKeys: readonly string[] = DEFAULT_HOST_KEY_ALGORITHMS;
  supportedCompressions: readonly string[] = ["none"];
  supportedLanguages: readonly string[] = [];
  isClient = false;
  gotVersion = false;
  /** The first exchange hash, for ever. */
  sessionID: Buffer | null = null;
  service: TransportService | null = null;
  /** Set on a server when a client has logged in; `undefined` means that nobody has. */
  avatar: unknown = undefined;
  logoutFunction: (() => unknown) | null = null;
  /** What the peer's EXT_INFO told (RFC 8308). */
  peerExtensions: ReadonlyMap<string, Buffer> = new Map();
  /** The peer's version line, one character a byte. */
  otherVersionString = "";
  /** KEXINIT payloads of the exchange in hand, message numbers included; null when none is. */
  ourKexInitPayload: Buffer | null = null;
  otherKexInitPayload: Buffer | null = null;
  /** Names that the last key exchange settled. */
  kexAlg: string | null = null;
  keyAlg: string | null = null;

  /** Whatever tells the time and calls later. */
  clock: IReactorTime = reactor;
  /** Seconds from the connection's start to the peer's version line, and to the end of the first key exchange. */
  identificationTimeout = 10;
  exchangeTimeout = 30;
  /** Seconds from the connection's start until a service must run; how long a login may take is its service's rule. */
  serviceTimeout = 120;
  /** Seconds that a later key exchange may take. */
  rekeyTimeout = 60;
  /** Seconds after a DISCONNECT until the connection is cut. */
  closeTimeout = 5;
  /** A rekey is due after so many bytes or packets in one direction, or so many seconds (RFC 4253 section 9, RFC 4344). */
  rekeyBytes = 2 ** 30;
  rekeyPackets = 2 ** 31;
  rekeySeconds = 3600;

  protected readonly outgoing = new OutgoingPackets(
    (chunk) => this.transport?.write(chunk),
    () => this.#stream()?.bufferedBytes === 0,
  );
  protected readonly incoming = new IncomingPackets();
  #handshake: Handshake = { phase: "idle" };
  #identification: IdentificationReader | null = null;
  /** Both sides have shown the marker in their first KEXINIT (OpenSSH's PROTOCOL 1.10). */
  #strict = false;
  #peerTakesExtInfo = false;
  #extInfoAllowed = false;
  #skipGuess = false;
  #startedAt = 0;
  #keysAt = 0;
  /** The number of the packet in hand. */
  #handling: number | null = null;
  readonly #deadline = new Deadline();
  readonly #budget = new LoginBudget();
  readonly #waiting = new WaitingMessages();
  readonly #flow = new Flow(
    () => this.service,
    () => this.#stream(),
  );

  // The life of a connection

  override connectionMade(): void {
    this.#startedAt = this.clock.seconds();
    this.#identification = new IdentificationReader(this.isClient);
    this.#armFromStart(this.identificationTimeout, "no version line came");
    this.#stream()?.registerProducer?.(this, true);
    this.transport?.write(`${this.ourVersionString}\r\n`);
    this.sendKexInit();
  }

  override dataReceived(data: Buffer): void {
    if (this.#handshake.phase === "closed") return;
    try {
      const packets = this.#identification === null ? data : this.#identify(this.#identification, data);
      if (packets === null || packets.length === 0) return;
      this.incoming.feed(packets);
      this.#readPackets();
      this.#rekeyIfDue();
    } catch (error) {
      this.#fail(error);
    }
  }

  override connectionLost(reason: Failure = connectionDone): void {
    this.#handshake = { phase: "closed" };
    this.#deadline.clear();
    this.incoming.free();
    this.outgoing.free();
    const service = this.service;
    this.service = null;
    try {
      service?.serviceStopped();
    } finally {
      this.#logOut();
    }
  }

  /** Stops the service that runs, if any, and starts this one. */
  setService(service: TransportService): void {
    if (this.service === null) this.#deadline.clear();
    this.service?.serviceStopped();
    this.service = service;
    service.transport = this;
    service.serviceStarted();
    this.#flow.serviceChanged();
  }

  /** Tells the peer, then closes. */
  loseConnection(): void {
    this.sendDisconnect(DISCONNECT_CONNECTION_LOST, "user closed connection");
  }

  isEncrypted(direction: "in" | "out" | "both" = "out"): boolean {
    return this.#has(direction, (protection) => protection !== null);
  }

  isVerified(direction: "in" | "out" | "both" = "out"): boolean {
    return this.#has(direction, (protection) => protection !== null);
  }

  getPeer(): SSHTransportAddress {
    return new SSHTransportAddress(this.#connected().getPeer());
  }

  getHost(): SSHTransportAddress {
    return new SSHTransportAddress(this.#connected().getHost());
  }

  /** The number of the next packet each way, a uint32. */
  get outgoingPacketSequence(): number {
    return this.outgoing.sequence;
  }

  get incomingPacketSequence(): number {
    return this.incoming.sequence;
  }

  // Sending

  /** Sends a message, or queues it while a key exchange runs; after the end it does nothing. */
  sendPacket(messageType: number, payload: BytesLike): void {
    const { phase } = this.#handshake;
    if (phase === "closed") return;
    const body = toBuffer(payload);
    if ((phase === "kexinit" || phase === "kex") && !maySendDuringKex(messageType)) {
      this.#waiting.add(messageType, body);
      return;
    }
    this.outgoing.send(messageType, body);
    this.#flow.owe(body.length);
  }

  /** CHANNEL_DATA, without a copy of `data` on the way. */
  sendChannelData(recipientChannel: number, data: Uint8Array): void {
    const { phase } = this.#handshake;
    if (phase === "closed") return;
    if (phase === "kexinit" || phase === "kex") {
      const header = Buffer.allocUnsafe(8);
      header.writeUInt32BE(recipientChannel, 0);
      header.writeUInt32BE(data.length, 4);
      this.#waiting.add(94, Buffer.concat([header, data]));
      return;
    }
    this.outgoing.sendChannelData(recipientChannel, data);
    this.#rekeyIfMuchWasSent();
  }

  /**
   * Offers our algorithms and so begins a key exchange, the first one or a rekey.
   * @throws RuntimeError while one is going on.
   */
  sendKexInit(): void {
    const { phase } = this.#handshake;
    if (phase !== "idle") throw new RuntimeError(`Cannot send KEXINIT while key exchange state is ${phase}`);
    const first = this.sessionID === null;
    const markers = this.isClient ? [EXT_INFO_CLIENT] : [EXT_INFO_SERVER];
    if (first) markers.push(this.isClient ? STRICT_CLIENT : STRICT_SERVER);
    const body = KexInit.encode({
      cookie: randomBytes(16),
      keyExchanges: [...this.supportedKeyExchanges, ...markers],
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
    });
    this.ourKexInitPayload = Buffer.concat([Buffer.of(KexInit.number), body]);
    this.sendPacket(KexInit.number, body);
    this.#handshake = { phase: "kexinit" };
    if (!first) {
      this.#arm(this.rekeyTimeout, "the key exchange took too long");
      this.#flow.exchanging = true;
    }
  }

  sendDebug(message: string, alwaysDisplay = false, language = ""): void {
    this.sendPacket(Debug.number, Debug.encode({ alwaysDisplay, message, language }));
  }

  sendIgnore(message: BytesLike): void {
    this.sendPacket(Ignore.number, Ignore.encode({ data: message }));
  }

  /** Says that the packet in hand is of a kind we do not know. */
  sendUnimplemented(): void {
    this.sendPacket(Unimplemented.number, Unimplemented.encode({ sequence: this.#handling ?? this.incoming.sequence }));
  }

  /** `reason` is a code of RFC 4253 section 11.1. Nothing is sent or dispatched after. */
  sendDisconnect(reason: number, desc: string): void {
    if (this.#handshake.phase === "closed") return;
    log.info("disconnecting with error, code {reason}, reason: {desc}", { reason, desc });
    this.sendPacket(Disconnect.number, Disconnect.encode({ reason, description: desc, language: "" }));
    this.#close();
  }

  /** EXT_INFO, if the peer takes it (RFC 8308). */
  sendExtInfo(extensions: readonly (readonly [name: string, value: BytesLike])[]): void {
    if (!this.#peerTakesExtInfo) return;
    this.sendPacket(
      ExtInfo.number,
      ExtInfo.encode({ extensions: extensions.map(([name, value]) => ({ name, value })) }),
    );
  }

  // Receiving

  /** Hands a message to the transport's own `ssh_...` method, or to the service. Admission was decided before. */
  dispatchMessage(messageNum: number, payload: Buffer): unknown {
    if (messageNum < 50) {
      const handler = this.#handler(messageNum);
      if (handler !== null) return handler.call(this, payload);
      this.sendUnimplemented();
      return undefined;
    }
    if (messageNum === Ping.number) return this.ssh_PING(payload);
    if (messageNum === Pong.number) return undefined;
    if (this.service !== null) return this.service.packetReceived(messageNum, payload);
    this.sendUnimplemented();
    return undefined;
  }

  /** The peer has ended the connection. */
  receiveError(reasonCode: number, description: string): void {
    log.info("got remote error, code {reasonCode}, reason: {description}", { reasonCode, description });
  }

  /** The peer does not know what we sent as packet `seqnum`. */
  receiveUnimplemented(seqnum: number): void {
    log.warn("other side unimplemented packet #{seqnum}", { seqnum });
  }

  receiveDebug(alwaysDisplay: boolean, message: string, lang: string): void {
    if (alwaysDisplay) log.debug("remote debug message: {message}", { message });
  }

  ssh_DISCONNECT(packet: Buffer): void {
    const { reason, description } = Disconnect.decode(packet);
    this.receiveError(reason, description);
    this.#close();
  }

  ssh_IGNORE(packet: Buffer): void {
    Ignore.decode(packet);
  }

  ssh_UNIMPLEMENTED(packet: Buffer): void {
    this.receiveUnimplemented(Unimplemented.decode(packet).sequence);
  }

  ssh_DEBUG(packet: Buffer): void {
    const { alwaysDisplay, message, language } = Debug.decode(packet);
    this.receiveDebug(alwaysDisplay, message, language);
  }

  ssh_EXT_INFO(packet: Buffer): void {
    const { extensions } = ExtInfo.decode(packet);
    if (extensions.length > 64) throw new ProtocolError(`EXT_INFO with ${extensions.length} entries`);
    if (!this.#extInfoAllowed) return this.sendUnimplemented();
    this.peerExtensions = new Map(extensions.map(({ name, value }) => [name, keep(value)]));
  }

  ssh_PING(packet: Buffer): void {
    this.sendPacket(Pong.number, Pong.encode(Ping.decode(packet)));
  }

  ssh_KEXINIT(packet: Buffer): void {
    const offer = KexInit.decode(packet);
    checkNames(offer);
    const { phase } = this.#handshake;
    if (phase === "kex" || phase === "newkeys") throw new ProtocolError("a second KEXINIT in one key exchange");
    const stage = this.#stage();
    if (stage !== "loggedIn") this.#budget.spendExchange();
    if (phase === "idle") this.sendKexInit();
    const ours = KexInit.decode(this.ourKexInitPayload!.subarray(1));
    const [client, server] = this.isClient ? [ours, offer] : [offer, ours];
    if (this.sessionID === null) {
      this.#strict = client.keyExchanges.includes(STRICT_CLIENT) && server.keyExchanges.includes(STRICT_SERVER);
      // The counter has moved past the packet in hand.
      if (this.#strict && this.incoming.sequence > 1) throw new ProtocolError("KEXINIT was not the first packet");
      this.#peerTakesExtInfo = offer.keyExchanges.includes(this.isClient ? EXT_INFO_SERVER : EXT_INFO_CLIENT);
    }
    const algorithms = negotiate(client, server);
    this.otherKexInitPayload = Buffer.concat([Buffer.of(KexInit.number), packet]);
    this.kexAlg = algorithms.keyExchange.name;
    this.keyAlg = algorithms.hostKey;
    this.#skipGuess = offer.firstKexPacketFollows && algorithms.wrongGuess;
    const initiator = this.isClient ? algorithms.keyExchange.initiate() : null;
    const exchange: Exchange = { phase: "kex", algorithms, initiator, expects: this.isClient ? 31 : 30 };
    this.#handshake = exchange;
    if (this.sessionID !== null) this.#arm(this.rekeyTimeout, "the key exchange took too long");
    this.exchangeBegun(exchange);
  }

  ssh_NEWKEYS(packet: Buffer): void {
    NewKeys.decode(packet);
    const handshake = this.#handshake;
    if (handshake.phase !== "newkeys") throw new ProtocolError(`NEWKEYS in the phase ${handshake.phase}`);
    const first = this.incoming.protection === null;
    this.incoming.setKeys(handshake.incoming, this.#strict);
    this.#handshake = { phase: "idle" };
    this.ourKexInitPayload = this.otherKexInitPayload = null;
    this.#keysAt = this.clock.seconds();
    this.#deadline.clear();
    if (first) this.#armFromStart(this.serviceTimeout, "no service was asked for");
    this.#extInfoAllowed = first;
    this.#flow.exchanging = false;
    this.keysChanged(first);
  }

  // What the roles do

  /** Both KEXINITs are known: a client sends its value. */
  protected abstract exchangeBegun(exchange: Exchange): void;

  /** New keys hold both ways, for the first time or again. */
  protected abstract keysChanged(first: boolean): void;

  /** The exchange in hand, if message `number` is its next one; null if it was a wrong guess to be skipped. */
  protected turnOf(number: number): Exchange | null {
    if (this.#skipGuess) {
      this.#skipGuess = false;
      return null;
    }
    const handshake = this.#handshake;
    if (handshake.phase !== "kex" || handshake.expects !== number) {
      throw new ProtocolError(`message ${number} in the phase ${handshake.phase}`);
    }
    handshake.expects = null;
    return handshake;
  }

  /** Looks at nothing more of what comes in until `work` is done, and `then` has gone on with its result. */
  protected async suspend<T>(work: PromiseLike<T>, then: (value: T) => void): Promise<void> {
    this.#flow.answering = true;
    try {
      const value = await work;
      if (this.#handshake.phase === "closed") return;
      then(value);
      this.#flow.answering = false;
      this.#readPackets();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** H of the exchange in hand. */
  protected hashOf(
    exchange: Exchange,
    parts: Pick<Transcript, "hostKey" | "clientValue" | "serverValue" | "secret">,
  ): Buffer {
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

  /** K and H are there: sends NEWKEYS, from which on our output is under the new keys, and awaits the peer's. */
  protected keySetup(exchange: Exchange, secret: Buffer, exchangeHash: Buffer): void {
    this.sessionID ??= exchangeHash;
    const { keyExchange, toServer, toClient } = exchange.algorithms;
    const agreement: Agreement = { hash: keyExchange.hash, secret, exchangeHash, sessionID: this.sessionID };
    const serverBound = deriveKeys(agreement, "clientToServer", toServer.cipher, toServer.mac);
    const clientBound = deriveKeys(agreement, "serverToClient", toClient.cipher, toClient.mac);
    this.sendPacket(NewKeys.number, Buffer.alloc(0));
    this.outgoing.setKeys(this.isClient ? serverBound : clientBound, this.#strict);
    this.#handshake = { phase: "newkeys", incoming: this.isClient ? clientBound : serverBound };
    const waiting = this.#waiting.take();
    this.ownKeysChanged();
    for (const [number, payload] of waiting) this.sendPacket(number, payload);
  }

  /** Our NEWKEYS is out; what was queued follows. */
  protected ownKeysChanged(): void {}

  // Backpressure: a producer to the connection below, a consumer to the service above

  pauseProducing(): void {
    this.#flow.outputFull = true;
  }

  resumeProducing(): void {
    this.#flow.outputFull = false;
  }

  stopProducing(): void {}

  // Private

  #identify(reader: IdentificationReader, data: Buffer): Buffer | null {
    const found = reader.feed(data);
    if (found === null) return null;
    this.#identification = null;
    this.gotVersion = true;
    this.otherVersionString = found.line.toString("latin1");
    this.#armFromStart(this.exchangeTimeout, "the key exchange took too long");
    if (!this.supportedVersions.includes(found.protocolVersion)) {
      this._unsupportedVersionReceived(found.protocolVersion);
      return null;
    }
    return found.rest;
  }

  /** The peer speaks a version of the protocol that is not in `supportedVersions`. */
  _unsupportedVersionReceived(remoteVersion: string): void {
    this.sendDisconnect(DISCONNECT_PROTOCOL_VERSION_NOT_SUPPORTED, `bad version ${JSON.stringify(remoteVersion)}`);
  }

  #readPackets(): void {
    while (!this.#flow.answering && this.#handshake.phase !== "closed") {
      const payload = this.incoming.next();
      if (payload === null) return;
      this.#receive(payload);
    }
  }

  #receive(payload: Buffer): void {
    const number = payload[0]!;
    const stage = this.#stage();
    if (stage !== "loggedIn" && stage !== "rekey") this.#budget.spend(payload.length);
    const verdict = admit(number, stage, this.isClient);
    if (verdict === "ignore") return;
    if (verdict === "close") throw new ProtocolError(`message ${number} is not admitted in the stage ${stage}`);
    this.#handling = (this.incoming.sequence - 1) >>> 0;
    if (verdict === "refuse") {
      this.sendUnimplemented();
    } else {
      const result = this.dispatchMessage(number, payload.subarray(1));
      if (isThenable(result)) result.then(undefined, (error: unknown) => this.#fail(error));
      // A first packet that was none of EXT_INFO's ends its chance; so does SERVICE_REQUEST on a server.
      if (number !== ExtInfo.number && number !== NewKeys.number && !this.isClient) this.#extInfoAllowed = false;
    }
    this.#handling = null;
  }

  #stage(): Stage {
    const { phase } = this.#handshake;
    if (this.incoming.protection === null) return this.#strict && phase !== "kexinit" ? "strictKex" : "firstKex";
    if (phase === "kex" || phase === "newkeys") return "rekey";
    if (this.service === null) return "secured";
    return this.service.name === "ssh-userauth" ? "userauth" : "loggedIn";
  }

  #handler(messageNum: number): ((payload: Buffer) => unknown) | null {
    const name = messages.get(messageNum);
    if (name === undefined) return null;
    const method = (this as unknown as Record<string, unknown>)[`ssh_${name.slice(4)}`];
    return typeof method === "function" ? (method as (payload: Buffer) => unknown) : null;
  }

  #rekeyIfMuchWasSent(): void {
    if (this.outgoing.bytes > this.rekeyBytes || this.outgoing.packets > this.rekeyPackets) this.#rekey();
  }

  #rekeyIfDue(): void {
    this.#rekeyIfMuchWasSent();
    const much = this.incoming.bytes > this.rekeyBytes || this.incoming.packets > this.rekeyPackets;
    if (much || this.clock.seconds() - this.#keysAt > this.rekeySeconds) this.#rekey();
  }

  #rekey(): void {
    if (this.#handshake.phase === "idle" && this.#stage() === "loggedIn") this.sendKexInit();
  }

  #has(direction: string, test: (protection: Protection | null) => boolean): boolean {
    if (direction === "out") return test(this.outgoing.protection);
    if (direction === "in") return test(this.incoming.protection);
    if (direction === "both") return test(this.outgoing.protection) && test(this.incoming.protection);
    throw new TypeError(`direction must be "out", "in" or "both", not ${JSON.stringify(direction)}`);
  }

  #connected(): NonNullable<typeof this.transport> {
    if (this.transport === null) throw new RuntimeError("there is no connection yet");
    return this.transport;
  }

  /** The connection below, as a stream; one in memory may lack what only sockets have. */
  #stream(): Partial<ITCPTransport> | null {
    return this.transport;
  }

  #armFromStart(seconds: number, why: string): void {
    this.#arm(this.#startedAt + seconds - this.clock.seconds(), why);
  }

  #arm(seconds: number, why: string): void {
    this.#deadline.set(this.clock, seconds, () => this.sendDisconnect(DISCONNECT_BY_APPLICATION, why));
  }

  /** Any error that reaches the transport ends this connection, and only it. */
  #fail(error: unknown): void {
    const [reason, said] = described(error);
    if (reason === DISCONNECT_BY_APPLICATION)
      log.failure("error while handling what the peer sent", new Failure(error));
    try {
      this.sendDisconnect(reason, said);
    } catch (second) {
      log.failure("error while disconnecting", new Failure(second));
      this.#close();
      this.#stream()?.abortConnection?.();
    }
  }

  #close(): void {
    this.#handshake = { phase: "closed" };
    this.#waiting.clear();
    this.incoming.discard();
    this.#flow.release();
    const transport = this.#stream();
    if (transport === null) return;
    this.#deadline.set(this.clock, this.closeTimeout, () => transport.abortConnection?.());
    transport.loseConnection?.();
  }

  #logOut(): void {
    const logout = this.logoutFunction;
    this.logoutFunction = null;
    if (this.avatar === undefined || logout === null) return;
    try {
      const result = logout();
      if (isThenable(result)) result.then(undefined, logoutFailed);
    } catch (error) {
      logoutFailed(error);
    }
  }
}

/** What the peer is told of an error: what failed, and nothing of why when the fault is not its own. */
function described(error: unknown): [reason: number, description: string] {
  if (error instanceof DisconnectError) return [error.reason, error.message];
  if (error instanceof FloodError) return [DISCONNECT_CONNECTION_LOST, error.message];
  return [DISCONNECT_BY_APPLICATION, "internal error"];
}

function logoutFailed(error: unknown): void {
  log.failure("logout failed", new Failure(error));
}

/** MD5 as pairs of hexadecimal digits with colons, as `verifyHostKey` is told it. */
export function md5Fingerprint(blob: Buffer): string {
  return createHash("md5").update(blob).digest("hex").match(/../g)!.join(":");
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
