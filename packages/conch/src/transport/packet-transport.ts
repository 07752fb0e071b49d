/**
 * The packets of one connection (RFC 4253 sections 4.2 and 6): the version lines, then packets both ways, with what
 * bounds them in time and memory, until a DISCONNECT or an error ends it.
 */
import { RuntimeError } from "@strombus/reactor/exceptions";
import { Failure } from "@strombus/reactor/failure";
import type { ITCPTransport, MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { connectionDone } from "@strombus/reactor/protocol";
import { IncomingPackets, OutgoingPackets } from "../codec/packets.js";
import { Disconnect } from "../messages/transport.js";
import { SSHTransportAddress } from "../ssh/address.js";
import { toBuffer, type BytesLike } from "../wire/writer.js";
import {
  DISCONNECT_BY_APPLICATION,
  DISCONNECT_CONNECTION_LOST,
  DISCONNECT_PROTOCOL_VERSION_NOT_SUPPORTED,
} from "./constants.js";
import { encryptionsOf, type Encryptions } from "./encryptions.js";
import { Flow, type Writers } from "./flow.js";
import type { Offence } from "./gate.js";
import { HandshakeState } from "./handshake.js";
import { IdentificationReader } from "./identification.js";
import { Deadline } from "./patience.js";
import { AFTER_LOGIN, BEFORE_LOGIN, WaitingMessages } from "./queue.js";
import { BAD_INPUT, BREACH, described } from "./reasons.js";
import { TransportSettings } from "./settings.js";
import { StallWatch } from "./stall.js";
import { ConnectionState } from "./state.js";
import type { TapDirection, TappedPacket } from "./tap.js";
import type { Turns } from "./turns.js";
import { isThenable, tell, watch } from "./watch.js";

const log = new Logger({ namespace: "strombus.conch.ssh.transport" });

/**
 * Bytes that are written at once, at most: then a packet of bulk data goes out alone. While the system and the client work
 * on it the next is sealed, in the same memory, which the processor still has at hand.
 */
const AT_ONCE = 32_768;

export const MSG_CHANNEL_DATA = 94;
export const MSG_USERAUTH_SUCCESS = 52;

/** What was said at the end; nobody says anything where it is closed without a word. */
export interface Disconnection {
  readonly initiator: "client" | "server" | null;
  readonly code: number | null;
  readonly text: string;
}

export abstract class PacketTransport extends TransportSettings {
  gotVersion = false;
  /** The peer's version line, one character a byte. */
  otherVersionString = "";
  /** What an application attaches to this connection. */
  readonly state: ConnectionState = new ConnectionState();

  /** How the connection came to its end, if somebody said DISCONNECT. */
  protected disconnection: Disconnection | null = null;

  protected readonly outgoing = new OutgoingPackets(this);
  protected readonly incoming = new IncomingPackets();
  protected readonly handshake = new HandshakeState();
  protected readonly waiting = new WaitingMessages();
  protected readonly flow = new Flow(this);
  /** What packets wait their turn in; null for packets that are read as they come. */
  protected turns: Turns | null = null;
  readonly #deadline = new Deadline();
  readonly #stall = new StallWatch();
  #identification: IdentificationReader | null = null;
  #startedAt = 0;
  /** In the place of packets from the peer, or as if they were. */
  readonly #injected: TappedPacket[] = [];

  // The life of a connection

  override connectionMade(): void {
    this.#startedAt = this.clock.seconds();
    this.#identification = new IdentificationReader(this.isClient);
    this.armFromStart(this.identificationTimeout, "no version line came");
    const stream = this.#stream();
    if (stream?.bufferSize !== undefined) stream.bufferSize = AT_ONCE;
    stream?.registerProducer?.(this, true);
    this.transport?.write(Buffer.from(`${this.ourVersionString}\r\n`, "latin1"));
    if (this.kexInitMoment === "connected") this.sendKexInit();
  }

  override dataReceived(data: Buffer): void {
    if (this.handshake.closed) return;
    try {
      const packets = this.#identification === null ? data : this.#identify(this.#identification, data);
      if (packets === null || packets.length === 0) return;
      this.incoming.feed(packets);
      this.#readPackets();
      this.rekeyIfDue();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Unless a subclass wants to see the data itself. */
  get takesLentData(): boolean {
    return this.dataReceived === PacketTransport.prototype.dataReceived;
  }

  /** As `dataReceived`, for data whose memory is another's once this returns. @internal */
  lentDataReceived(data: Buffer): MaybeAsync {
    if (this.#identification !== null || !this.takesLentData) return this.dataReceived(Buffer.from(data));
    if (this.handshake.closed) return;
    try {
      this.incoming.borrow(data);
      this.#readPackets();
      this.rekeyIfDue();
    } catch (error) {
      this.failed(error);
    } finally {
      this.incoming.giveBack();
    }
  }

  /** Below the tap. @internal */
  writePacket(packet: Buffer): void {
    this.transport?.write(packet);
  }

  /** @internal */
  allWritten(): boolean {
    return this.#stream()?.bufferedBytes === 0;
  }

  /** Stops what writes to channels, or lets it go on. @internal */
  holdWriters(hold: boolean): void {
    const writers = this.writers();
    this.hook(hold ? writers?.stopWriting?.() : writers?.startWriting?.());
  }

  /** @internal */
  holdReading(hold: boolean): void {
    const stream = this.#stream();
    if (hold) stream?.pauseProducing?.();
    else stream?.resumeProducing?.();
  }

  /** Whether nobody keeps anything of this message. @internal */
  keepsNothingOf(_payload: Buffer): boolean {
    return false;
  }

  override connectionLost(_reason: Failure = connectionDone): void {
    this.handshake.close();
    this.#deadline.clear();
    this.#stall.stop();
    this.incoming.free();
    this.outgoing.free();
  }

  /** Tells the peer, then closes. */
  loseConnection(): void {
    this.sendDisconnect(DISCONNECT_CONNECTION_LOST, "user closed connection");
  }

  // What is known of it

  /** When it began, by its clock. */
  get startedAt(): number {
    return this.#startedAt;
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

  /** What has come and was not looked at yet; the codec has what is there of the packet in hand. */
  get buf(): Buffer {
    return this.#identification?.input ?? this.incoming.rest;
  }

  /** Bytes of packets so far, the version lines left out. */
  get bytesReceived(): number {
    return this.incoming.total;
  }

  get bytesSent(): number {
    return this.outgoing.total;
  }

  /** Bytes that wait to be sent: for the end of a key exchange, for the network, or for the peer's window. */
  get bytesHeld(): number {
    return this.waiting.bytes + (this.#stream()?.bufferedBytes ?? 0) + (this.writers()?.bytesHeld ?? 0);
  }

  isEncrypted(direction: "in" | "out" | "both" = "out"): boolean {
    return this.#has(direction);
  }

  isVerified(direction: "in" | "out" | "both" = "out"): boolean {
    return this.#has(direction);
  }

  /** What protects the connection now. */
  get currentEncryptions(): Encryptions {
    return encryptionsOf(this.outgoing.protection, this.incoming.protection);
  }

  /** What will after the exchange in hand; null when none is, or its algorithms are not settled yet. */
  get nextEncryptions(): Encryptions | null {
    const { now } = this.handshake;
    if (now.phase === "newkeys") return encryptionsOf(this.outgoing.protection, now.incoming);
    if (now.phase !== "kex") return null;
    const { toServer, toClient } = now.algorithms;
    return this.isClient ? encryptionsOf(toServer, toClient) : encryptionsOf(toClient, toServer);
  }

  // Sending

  /** Sends a message, or queues it while a key exchange runs; after the end it does nothing. */
  sendPacket(messageType: number, payload: BytesLike): void {
    if (this.handshake.closed) return;
    const body = toBuffer(payload);
    if (this.handshake.holdsBack(messageType)) this.#queue(messageType, body);
    else this.#seal(messageType, body);
  }

  /** CHANNEL_DATA, without a copy of `data` on the way. */
  sendChannelData(recipientChannel: number, data: Uint8Array): void {
    if (this.handshake.closed) return;
    if (this.packetTap !== null || this.handshake.holdsBack(MSG_CHANNEL_DATA)) {
      const header = Buffer.allocUnsafe(8);
      header.writeUInt32BE(recipientChannel, 0);
      header.writeUInt32BE(data.length, 4);
      this.sendPacket(MSG_CHANNEL_DATA, Buffer.concat([header, data]));
    } else {
      this.outgoing.sendChannelData(recipientChannel, data);
    }
    this.rekeyIfDue();
  }

  /** `reason` is a code of RFC 4253 section 11.1. Nothing is sent or dispatched after. */
  sendDisconnect(reason: number, desc: string): void {
    if (this.handshake.closed) return;
    if (BREACH.has(reason)) this.#offend("protocol");
    if (BAD_INPUT.has(reason) && !this.disconnectOnError) return this.#closeSilently(reason, desc);
    this.disconnection ??= { initiator: this.isClient ? "client" : "server", code: reason, text: desc };
    log.info("disconnecting with error, code {reason}, reason: {desc}", { reason, desc });
    this.sendPacket(Disconnect.number, Disconnect.encode({ reason, description: desc, language: "" }));
    this.close();
  }

  // Receiving

  /** The next payload, or null until more bytes come; a packet that cannot be opened ends the connection. */
  getPacket(): Buffer | null {
    try {
      return this.incoming.next(this);
    } catch (error) {
      this.failed(error);
      return null;
    }
  }

  /** Handles a packet as if the peer had sent it, behind those that are being handled; the tap does not see it. */
  injectPacket(messageNum: number, payload: BytesLike): void {
    if (this.handshake.closed) return;
    this.#injected.push([messageNum, toBuffer(payload)]);
    // Not within the caller: it may be handling a packet.
    this.clock.callLater(0, () => {
      try {
        this.#readPackets();
      } catch (error) {
        this.failed(error);
      }
    });
  }

  /** The peer's version line has come, `otherVersionString`: a hook. */
  versionReceived(): void {}

  /** The peer speaks a version of the protocol that is not in `supportedVersions`. */
  _unsupportedVersionReceived(remoteVersion: string): void {
    const version = JSON.stringify(remoteVersion.slice(0, 64));
    this.sendDisconnect(DISCONNECT_PROTOCOL_VERSION_NOT_SUPPORTED, `bad version ${version}`);
  }

  /** The peer did something that may count against it where it comes from: a hook. */
  offended(_offence: Offence): void {}

  // What the layers above do

  abstract sendKexInit(): void;

  protected abstract rekeyIfDue(): void;

  /** One packet; what it throws ends the connection. */
  protected abstract receive(messageNum: number, payload: Buffer): void;

  /** A user has logged in. */
  protected abstract isLoggedIn(): boolean;

  /** Who is to be told when output waits. */
  protected abstract writers(): Writers | null;

  // What they use

  /** Looks at nothing more of what comes in until `work` is done, and `then` has gone on with its result. */
  protected async suspend<T>(work: PromiseLike<T>, then: (value: T) => void): Promise<void> {
    this.flow.answering = true;
    try {
      const value = await work;
      if (this.handshake.closed) return;
      then(value);
      this.flow.answering = false;
      this.#readPackets();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Sets the connection's deadline, `seconds` from its start. */
  protected armFromStart(seconds: number, why: string): void {
    this.arm(this.#startedAt + seconds - this.clock.seconds(), why);
  }

  protected arm(seconds: number, why: string): void {
    this.#deadline.set(this.clock, seconds, () => {
      this.#offend("timeout");
      this.sendDisconnect(DISCONNECT_BY_APPLICATION, why);
    });
  }

  /** "zlib@openssh.com" begins, both ways. */
  protected loginSucceeded(): void {
    this.turns = null;
    this.outgoing.loginSucceeded();
    this.incoming.loginSucceeded();
  }

  protected disarm(): void {
    this.#deadline.clear();
  }

  /** What a hook gave: if it is a promise that fails, the connection ends. */
  protected hook(result: unknown): void {
    watch(result, (error) => this.failed(error));
  }

  /** Any error that reaches the transport ends this connection, and only it. */
  protected failed(error: unknown): void {
    const [reason, said] = described(error);
    if (reason === DISCONNECT_BY_APPLICATION)
      log.failure("error while handling what the peer sent", new Failure(error));
    try {
      if (BREACH.has(reason)) this.#offend("protocol");
      if (this.disconnectOnError) this.sendDisconnect(reason, said);
      else this.#closeSilently(reason, said);
    } catch (second) {
      log.failure("error while disconnecting", new Failure(second));
      this.close();
      this.#stream()?.abortConnection?.();
    }
  }

  protected close(): void {
    this.handshake.close();
    this.waiting.clear();
    this.#injected.length = 0;
    this.incoming.discard();
    this.flow.release();
    const transport = this.#stream();
    if (transport === null) return;
    this.#deadline.set(this.clock, this.closeTimeout, () => transport.abortConnection?.());
    transport.loseConnection?.();
  }

  // Backpressure: a producer to the connection below, a consumer to the service above

  pauseProducing(): void {
    this.flow.outputFull = true;
    this.#stall.full(
      this.clock,
      this.writeStallTimeout,
      () => this.#stream()?.bytesTaken,
      () => this.#stalled(),
    );
  }

  resumeProducing(): void {
    this.#stall.emptied();
    this.flow.outputFull = false;
  }

  stopProducing(): void {}

  // Private

  #identify(reader: IdentificationReader, data: Buffer): Buffer | null {
    const found = reader.feed(data);
    if (found === null) return null;
    this.#identification = null;
    this.gotVersion = true;
    this.otherVersionString = found.line.toString("latin1");
    this.armFromStart(this.exchangeTimeout, "the key exchange took too long");
    this.hook(this.versionReceived());
    if (!this.supportedVersions.includes(found.protocolVersion)) {
      this.hook(this._unsupportedVersionReceived(found.protocolVersion));
      return null;
    }
    if (this.kexInitMoment === "versionReceived" && this.handshake.phase === "idle") this.sendKexInit();
    return found.rest;
  }

  #readPackets(): void {
    if (this.flow.answering || this.turns === null) return this.#readAll();
    const done = this.turns.take(() => {
      try {
        this.flow.answering = false;
        this.#readAll();
      } catch (error) {
        this.failed(error);
      }
    });
    if (!done && !this.handshake.closed) this.flow.answering = true;
  }

  #readAll(): void {
    while (!this.flow.answering && !this.handshake.closed) {
      const injected = this.#injected.length === 0 ? undefined : this.#injected.shift();
      if (injected !== undefined) {
        this.receive(injected[0], toBuffer(injected[1]));
        continue;
      }
      const payload = this.getPacket();
      if (payload === null) return;
      const body = payload.subarray(1);
      const instead = this.#tapped("in", payload[0]!, body);
      if (instead === null) this.receive(payload[0]!, body);
      else this.#injected.push(...instead);
    }
  }

  /** What does not fit any more ends the connection, not whoever sends. */
  #queue(number: number, body: Buffer): void {
    try {
      this.waiting.add(number, body, this.isLoggedIn() ? AFTER_LOGIN : BEFORE_LOGIN);
    } catch (error) {
      this.failed(error);
    }
  }

  #seal(number: number, body: Buffer): void {
    const instead = this.#tapped("out", number, body);
    if (instead === null) this.#send(number, body);
    else for (const packet of instead) this.#send(...packet);
  }

  #send(number: number, body: Uint8Array): void {
    this.outgoing.send(number, body);
    if (number === MSG_USERAUTH_SUCCESS) this.loginSucceeded();
    this.flow.owe(body.length);
  }

  #offend(offence: Offence): void {
    tell(log, "counting an offence", () => this.offended(offence));
  }

  #stalled(): void {
    this.disconnection ??= { initiator: null, code: null, text: "the peer took nothing" };
    log.warn("closing: the peer took nothing for {seconds} s", { seconds: this.writeStallTimeout });
    this.close();
    this.#stream()?.abortConnection?.();
  }

  /** What takes a packet's place; null leaves it there. */
  #tapped(direction: TapDirection, number: number, body: Buffer): readonly TappedPacket[] | null {
    const instead: unknown = this.packetTap?.(direction, number, Buffer.from(body)) ?? null;
    this.hook(instead);
    return isThenable(instead) ? null : (instead as readonly TappedPacket[] | null);
  }

  #closeSilently(reason: number, desc: string): void {
    this.disconnection ??= { initiator: null, code: null, text: desc };
    log.info("closing without a word, code {reason}, reason: {desc}", { reason, desc });
    this.close();
  }

  #has(direction: string): boolean {
    const [out, into] = [this.outgoing.protection !== null, this.incoming.protection !== null];
    if (direction === "out") return out;
    if (direction === "in") return into;
    if (direction === "both") return out && into;
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
}
