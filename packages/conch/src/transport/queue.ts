/** Messages that wait for the end of a key exchange (RFC 4253 section 7.1, rule K5): in order, and not without bound. */
import { ProtocolError } from "../error.js";

export interface Room {
  readonly packets: number;
  readonly bytes: number;
}

/** A login has one reply under way, and a banner. */
export const BEFORE_LOGIN: Room = { packets: 64, bytes: 2 ** 17 };
/** 256 channels may all end meanwhile, each with an exit status, EOF, CLOSE and replies. */
export const AFTER_LOGIN: Room = { packets: 4096, bytes: 2 ** 21 };

export class WaitingMessages {
  #messages: [number: number, payload: Buffer][] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws ProtocolError when too much waits: writers were told to stop, so it is replies that the peer asked for. */
  add(number: number, payload: Buffer, room: Room): void {
    this.#bytes += payload.length;
    if (this.#bytes > room.bytes || this.#messages.length >= room.packets) {
      throw new ProtocolError("too much waits for the end of the key exchange");
    }
    this.#messages.push([number, payload]);
  }

  /** All of them; none are left. */
  take(): [number: number, payload: Buffer][] {
    const messages = this.#messages;
    this.clear();
    return messages;
  }

  clear(): void {
    this.#messages = [];
    this.#bytes = 0;
  }
}
