/** A channel that joins a socket of this machine to the peer, each waiting for the other. */
import type { Socket } from "node:net";
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { SSHChannel, type SSHChannelOptions } from "../ssh/channel.js";

export class SocketChannel extends SSHChannel {
  #socket: Socket | null = null;
  #early: Buffer[] = [];
  #ended = false;
  #refused = false;

  /** @param socket null when it is still to come, by `join` */
  constructor(name: string, socket: Socket | null, options: SSHChannelOptions = {}) {
    super(options);
    this.name = name;
    if (socket === null) return;
    this.join(socket);
    socket.pause(); // until the channel is open
  }

  /** What came for it meanwhile goes to the socket. */
  protected join(socket: Socket): void {
    this.#socket = socket;
    for (const data of this.#early.splice(0)) this.#send(socket, data);
    if (this.#ended) socket.end();
    socket.on("data", (data) => {
      if (!this.write(data)) socket.pause();
    });
    socket.on("drain", () => this.resumeProducing());
    socket.on("end", () => this.conn?.sendEOF(this));
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => {
      if (!this.#refused) this.loseConnection();
    });
    if (!this.areWriting) socket.pause();
  }

  override channelOpen(specificData: Buffer): MaybeAsync {
    this.#socket?.resume();
  }

  override openFailed(reason: Error): MaybeAsync {
    this.#refused = true;
    this.#socket?.destroy();
  }

  override dataReceived(data: Buffer): MaybeAsync {
    if (this.#socket === null) this.#early.push(data);
    else this.#send(this.#socket, data);
  }

  override eofReceived(): MaybeAsync {
    this.#ended = true;
    this.#socket?.end();
  }

  override closed(): MaybeAsync {
    this.#socket?.destroy();
  }

  override stopWriting(): void {
    this.#socket?.pause();
  }

  override startWriting(): void {
    this.#socket?.resume();
  }

  #send(socket: Socket, data: Buffer): void {
    if (!socket.write(data)) this.pauseProducing();
  }
}
