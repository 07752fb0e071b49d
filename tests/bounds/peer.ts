/** A client that logs in properly, and then sends whatever it is told to. */
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
const AHEAD = 2 ** 20; // bytes that may wait on our side
const STUCK = 40; // looks, 25 ms apart, at a server that takes nothing: it has stopped reading

/** In the place of the connection protocol: it answers nothing. */
class Mute extends SSHService {
  override name = "ssh-connection";
  /** The server's numbers of the channels that it has opened. */
  readonly channels: number[] = [];
  started: () => void = () => {};

  override serviceStarted(): void {
    this.started();
  }

  override packetReceived(number: number, packet: Buffer): void {
    if (number === MSG_CHANNEL_OPEN_CONFIRMATION) this.channels.push(packet.readUInt32BE(4));
  }
}

class Login extends SSHUserAuthClient {
  override getPassword() {
    return "password";
  }
}

export class Peer extends SSHClientTransport {
  readonly mute = new Mute();
  over = false;
  sent = 0;

  static async logIn(port: number, compression = "none"): Promise<Peer> {
    const peer = new Peer();
    peer.supportedCompressions = [compression];
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
    this.requestService(new Login("user", this.mute));
  }

  override connectionLost() {
    this.over = true;
    super.connectionLost();
  }

  // It does not hold back for a server that reads slowly.
  override pauseProducing() {}
  override resumeProducing() {}

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
