/**
 * The SSH transport (RFC 4253; twisted.conch.ssh.transport), what both roles share: messages, each handed to the
 * transport itself or to the service that runs on it. Packets and key exchange are the layers below.
 */
import type { Failure } from "@strombus/reactor/failure";
import { Logger } from "@strombus/reactor/logger";
import { connectionDone } from "@strombus/reactor/protocol";
import { ProtocolError } from "../error.js";
import { Debug, Disconnect, ExtInfo, Ignore, NewKeys, Ping, Pong, Unimplemented } from "../messages/transport.js";
import { peerLog, tellWhatWasLeftOut } from "../peer-log.js";
import { keep, type BytesLike } from "../wire/writer.js";
import { admit, type Stage } from "./admission.js";
import { SparseMap } from "../sparse.js";
import { messages } from "./constants.js";
import type { Writers } from "./flow.js";
import type { GlobalRequestAnswer } from "./host-keys.js";
import { KeyExchangeTransport } from "./key-exchange.js";
import { MSG_CHANNEL_DATA, MSG_USERAUTH_SUCCESS } from "./packet-transport.js";
import { tell } from "./watch.js";

export type { Exchange, Handshake } from "./handshake.js";
export { VERSION } from "./settings.js";

const log = new Logger({ namespace: "strombus.conch.ssh.transport" });

const MAX_EXTENSIONS = 64;

/** What a transport asks of the service that runs on it. */
export interface TransportService extends Writers {
  readonly name: string | null;
  transport: SSHTransportBase | null;
  serviceStarted(): void;
  serviceStopped(): void;
  packetReceived(messageNum: number, packet: Buffer): unknown;
  /** Whether the channel that this CHANNEL_DATA is for keeps nothing of it. */
  isLentTo?(packet: Buffer): boolean;
  /** Output waits, for the network or for new keys: write no more data until `startWriting`. */
  stopWriting?(): void;
  startWriting?(): void;
}

/** What both sides of a connection have: versions, key exchanges, packets and their dispatch to the service. */
export abstract class SSHTransportBase extends KeyExchangeTransport {
  service: TransportService | null = null;
  /** Set on a server when a client has logged in; `undefined` means that nobody has. */
  avatar: unknown = undefined;
  logoutFunction: (() => unknown) | null = null;
  /** What the peer's EXT_INFO told (RFC 8308). */
  peerExtensions: ReadonlyMap<string, Buffer> = new SparseMap();
  /** Leads here until the end: for what may outlive the connection and is not to hold all of it. @internal */
  readonly reference: { to: SSHTransportBase | null } = { to: this };
  #extInfoAllowed = false;
  /** The number of the packet in hand. */
  #handling: number | null = null;

  override connectionLost(reason: Failure = connectionDone): void {
    const service = this.service;
    this.service = null;
    super.connectionLost(reason);
    if (service !== null) tell(log, "stopping a service", () => service.serviceStopped());
    this.#logOut();
    tellWhatWasLeftOut(this);
    this.reference.to = null;
  }

  /** Stops the service that runs, if any, and starts this one. */
  setService(service: TransportService): void {
    if (this.service === null) this.disarm();
    this.hook(this.service?.serviceStopped());
    this.service = service;
    service.transport = this;
    this.hook(service.serviceStarted());
    this.flow.serviceChanged();
  }

  // Sending

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

  /** EXT_INFO, if the peer takes it (RFC 8308). */
  sendExtInfo(extensions: readonly (readonly [name: string, value: BytesLike])[]): void {
    if (!this.peerTakesExtInfo) return;
    this.sendPacket(
      ExtInfo.number,
      ExtInfo.encode({ extensions: extensions.map(([name, value]) => ({ name, value })) }),
    );
  }

  // Receiving

  override keepsNothingOf(payload: Buffer): boolean {
    if (payload[0] !== MSG_CHANNEL_DATA || this.packetTap !== null) return false;
    return this.service?.isLentTo?.(payload.subarray(1)) === true;
  }

  /** Hands a message to the transport's own `ssh_...` method, or to the service. Admission was decided before. */
  dispatchMessage(messageNum: number, payload: Buffer): unknown {
    if (messageNum < 50) {
      const handler = this.#handler(messageNum);
      if (handler !== null) return handler.call(this, payload);
      this.sendUnimplemented();
      return undefined;
    }
    if (messageNum === Ping.number) return this.ssh_PING(payload);
    if (messageNum === Pong.number) return this.ssh_PONG(payload);
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
    peerLog(log, this).warn("other side unimplemented packet #{seqnum}", { seqnum });
  }

  receiveDebug(alwaysDisplay: boolean, message: string, lang: string): void {
    if (alwaysDisplay) peerLog(log, this).debug("remote debug message: {message}", { message });
  }

  ssh_DISCONNECT(packet: Buffer): void {
    const { reason, description } = Disconnect.decode(packet);
    this.disconnection ??= { initiator: this.isClient ? "server" : "client", code: reason, text: description };
    this.hook(this.receiveError(reason, description));
    this.close();
  }

  ssh_IGNORE(packet: Buffer): void {
    Ignore.decode(packet);
  }

  ssh_UNIMPLEMENTED(packet: Buffer): void {
    this.hook(this.receiveUnimplemented(Unimplemented.decode(packet).sequence));
  }

  ssh_DEBUG(packet: Buffer): void {
    const { alwaysDisplay, message, language } = Debug.decode(packet);
    this.hook(this.receiveDebug(alwaysDisplay, message, language));
  }

  /** What comes while a user logs in adds to what came before (OpenSSH's PROTOCOL on ext-info-in-auth). */
  ssh_EXT_INFO(packet: Buffer): void {
    const { extensions } = ExtInfo.decode(packet);
    if (extensions.length > MAX_EXTENSIONS) throw new ProtocolError(`EXT_INFO with ${extensions.length} entries`);
    if (!this.#extInfoAllowed) return this.sendUnimplemented();
    const told = extensions.map(({ name, value }) => [name, keep(value)] as const);
    this.peerExtensions = new Map(this.service === null ? told : [...this.peerExtensions, ...told]);
  }

  ssh_PING(packet: Buffer): void {
    this.sendPacket(Pong.number, Pong.encode(Ping.decode(packet)));
  }

  ssh_PONG(packet: Buffer): void {
    Pong.decode(packet);
  }

  override ssh_NEWKEYS(packet: Buffer): void {
    this.#extInfoAllowed = this.incoming.protection === null;
    super.ssh_NEWKEYS(packet);
  }

  /** A global request that is the transport's own, such as those about host keys; null for the service to answer. */
  gotGlobalRequest(_requestType: string, _data: Buffer): GlobalRequestAnswer | null {
    return null;
  }

  // What the layers below ask

  protected override receive(number: number, payload: Buffer): void {
    const stage = this.#stage();
    if (stage !== "loggedIn" && stage !== "rekey") this.budget.spend(1 + payload.length);
    const verdict = admit(number, stage, this.isClient);
    if (verdict === "ignore") return;
    if (verdict === "close") throw new ProtocolError(`message ${number} is not admitted in the stage ${stage}`);
    this.#handling = (this.incoming.sequence - 1) >>> 0;
    if (verdict === "refuse") {
      this.sendUnimplemented();
    } else if (number < 30 || number > 49 || !this.handshake.skips(number)) {
      if (number === MSG_USERAUTH_SUCCESS) this.loginSucceeded();
      const result = this.dispatchMessage(number, payload);
      this.hook(result);
      // A first packet that was none of EXT_INFO's ends its chance; so does SERVICE_REQUEST on a server.
      if (number !== ExtInfo.number && number !== NewKeys.number && !this.isClient) this.#extInfoAllowed = false;
    }
    this.#handling = null;
  }

  /** The user's time is over. */
  protected loggedOut(): void {}

  protected override writers(): Writers | null {
    return this.service;
  }

  protected override isLoggedIn(): boolean {
    return this.service !== null && this.service.name !== "ssh-userauth";
  }

  // Private

  #stage(): Stage {
    const { phase, strict } = this.handshake;
    if (this.incoming.protection === null) return strict && phase !== "kexinit" ? "strictKex" : "firstKex";
    if (phase === "kex" || phase === "newkeys") return "rekey";
    if (this.service === null) return "secured";
    return this.isLoggedIn() ? "loggedIn" : "userauth";
  }

  #handler(messageNum: number): ((payload: Buffer) => unknown) | null {
    const name = messages.get(messageNum);
    if (name === undefined) return null;
    const method = (this as unknown as Record<string, unknown>)[`ssh_${name.slice(4)}`];
    return typeof method === "function" ? (method as (payload: Buffer) => unknown) : null;
  }

  #logOut(): void {
    const logout = this.logoutFunction;
    this.logoutFunction = null;
    if (this.avatar === undefined || logout === null) return;
    this.loggedOut();
    tell(log, "a logout", logout);
  }
}
