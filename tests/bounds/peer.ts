/** A client that logs in properly, and then sends whatever it is told to. */
import { constants, deflateSync } from "node:zlib";
import { setTimeout as rest } from "node:timers/promises";
import { SSHService } from "@strombus/conch/ssh/service";
import { SSHClientTransport } from "@strombus/conch/ssh/transport";
import { SSHUserAuthClient } from "@strombus/conch/ssh/userauth";
import { reactor } from "@strombus/reactor";
import type { ITCPTransport } from "@strombus/reactor/interfaces";
import { ClientFactory } from "@strombus/reactor/protocol";

/** A message: its number, and what follows. */
export type Packet = readonly [number: number, body: Buffer];

const MSG_CHANNEL_OPEN_CONFIRMATION = 91;
const MSG_CHANNEL_WINDOW_ADJUST = 93;
const AHEAD = 2 ** 20; // bytes that may wait on our side
const STUCK = 40; // looks, 25 ms apart, at a server that takes nothing: it has stopped reading

/** In the place of a service of ours: it answers nothing. */
class Mute extends SSHService {
  /** The server's numbers of the channels that it has opened. */
  readonly channels: number[] = [];
  /** What each of them takes yet, by our numbers, which count from 0. */
  readonly windows: number[] = [];
  started: () => void = () => {};

  constructor(override name: string) {
    super();
  }

  override serviceStarted(): void {
    this.started();
  }

  override packetReceived(number: number, packet: Buffer): void {
    if (number === MSG_CHANNEL_OPEN_CONFIRMATION) {
      this.channels.push(packet.readUInt32BE(4));
      this.windows[packet.readUInt32BE(0)] = packet.readUInt32BE(8);
    } else if (number === MSG_CHANNEL_WINDOW_ADJUST) {
      this.windows[packet.readUInt32BE(0)]! += packet.readUInt32BE(4);
    }
  }
}

class Login extends SSHUserAuthClient {
  override getPassword() {
    return "password";
  }
}

/** What a peer is like. */
interface Manner {
  readonly compression?: string;
  /** What it says is compressed by `sendCompressed`. */
  readonly byHand?: boolean;
  /** Said as soon as there are keys. */
  readonly first?: Packet;
}

export class Peer extends SSHClientTransport {
  readonly mute: Mute;
  over = false;
  sent = 0;
  readonly #first: Packet | null;

  constructor(service: string, { compression = "none", byHand = false, first }: Manner) {
    super();
    this.mute = new Mute(service);
    this.supportedCompressions = [compression];
    this.#first = first ?? null;
    if (byHand) this.outgoing.loginSucceeded = () => {};
  }

  static async logIn(port: number, manner: Manner = {}): Promise<Peer> {
    return Peer.#connect(port, new Peer("ssh-connection", manner));
  }

  /** As far as the login, which it does not begin. */
  static async reachLogin(port: number): Promise<Peer> {
    return Peer.#connect(port, new Peer("ssh-userauth", {}));
  }

  static async #connect(port: number, peer: Peer): Promise<Peer> {
    const factory = new ClientFactory();
    factory.noisy = false;
    factory.buildProtocol = () => peer;
    const started = new Promise<void>((resolve) => (peer.mute.started = resolve));
    reactor.connectTCP("127.0.0.1", port, factory);
    await started;
    return peer;
  }

  override verifyHostKey() {}

  override connectionSecure() {
    if (this.#first !== null) this.sendPacket(...this.#first);
    this.requestService(this.mute.name === "ssh-userauth" ? this.mute : new Login("user", this.mute));
  }

  override connectionLost() {
    this.over = true;
    super.connectionLost();
  }

  // It does not hold back for a server that reads slowly.
  override pauseProducing() {}
  override resumeProducing() {}

  /** For `zlib@openssh.com`: a message that we compress by ourselves, whatever its size. */
  sendCompressed(payload: Buffer): void {
    const compressed = deflateSync(payload, { finishFlush: constants.Z_SYNC_FLUSH });
    this.outgoing.send(compressed[0]!, compressed.subarray(1));
    this.sent++;
  }

  get #socket(): ITCPTransport {
    return this.transport as ITCPTransport;
  }

  stopReading(): void {
    this.#socket.pauseProducing();
  }

  /** Sends them all, unless the server stops reading or ends the connection first. */
  async pour(packets: Iterable<Packet>): Promise<void> {
    for (const [number, body] of packets) {
      if (this.over || !(await this.#hasRoom(AHEAD))) return;
      this.sendPacket(number, body);
      this.sent++;
    }
    await this.#hasRoom(0);
  }

  async #hasRoom(most: number): Promise<boolean> {
    let [taken, looks] = [this.#socket.bytesTaken, 0];
    while (!this.over && (this.#socket.bufferedBytes ?? 0) > most) {
      if (looks++ === STUCK) return false;
      await rest(25);
      if (this.#socket.bytesTaken !== taken) [taken, looks] = [this.#socket.bytesTaken, 0];
    }
    return true;
  }
}
