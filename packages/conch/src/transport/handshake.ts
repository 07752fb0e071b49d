/** Where the key exchange of a connection stands (RFC 4253 section 7): a line that is gone through once for each (rule K3). */
import type { DirectionKeys } from "../codec/packets.js";
import { ProtocolError } from "../error.js";
import type { GroupExchange } from "../kex/group-exchange.js";
import type { Initiator } from "../kex/method.js";
import { maySendDuringKex } from "./admission.js";
import { MSG_DISCONNECT } from "./constants.js";
import type { Algorithms } from "./negotiation.js";

/** A rekey goes round again from "idle". */
export type Handshake =
  | { readonly phase: "idle" }
  | { readonly phase: "kexinit" } // ours is sent, theirs awaited
  | Exchange
  | NewKeysSent
  | { readonly phase: "closed" };

/** Ours is sent, theirs awaited. */
export interface NewKeysSent {
  readonly phase: "newkeys";
  readonly incoming: DirectionKeys;
  /** With whatever we have to say, too. */
  readonly silent: boolean;
}

export interface Exchange {
  readonly phase: "kex";
  readonly algorithms: Algorithms;
  /** The client's side, when its value is out. */
  initiator: Initiator | null;
  /** What a group exchange has settled; null in a method that needs none. */
  group: GroupExchange | null;
  /** The messages of the method of which one is due; none while an answer is being made. */
  expects: readonly number[];
}

export class HandshakeState {
  #now: Handshake = { phase: "idle" };
  #skipGuess = false;
  /** Both sides have shown the marker in their first KEXINIT (OpenSSH's PROTOCOL 1.10). */
  strict = false;

  get now(): Handshake {
    return this.#now;
  }

  get phase(): Handshake["phase"] {
    return this.#now.phase;
  }

  get closed(): boolean {
    return this.#now.phase === "closed";
  }

  /** From our KEXINIT to our NEWKEYS most messages wait, and to the peer's all where we are silent. */
  holdsBack(number: number): boolean {
    const now = this.#now;
    if (now.phase === "newkeys") return now.silent && number !== MSG_DISCONNECT;
    return (now.phase === "kexinit" || now.phase === "kex") && !maySendDuringKex(number);
  }

  /** Our KEXINIT is out. */
  offered(): void {
    this.#now = { phase: "kexinit" };
  }

  /** Both KEXINITs are known; `wrongGuess` is a message of the method on its way that is to be skipped. */
  begin(exchange: Exchange, wrongGuess: boolean): void {
    this.#now = exchange;
    this.#skipGuess = wrongGuess;
  }

  /**
   * Whether message `number` of the method is to be skipped, as the wrong guess that was announced (rule K7).
   * @throws ProtocolError if it is neither that nor due.
   */
  skips(number: number): boolean {
    const now = this.#now;
    if (now.phase === "kex" && now.expects.includes(number)) return false; // turnOf decides
    if (!this.#skipGuess) throw new ProtocolError(`message ${number} in the phase ${now.phase}`);
    this.#skipGuess = false;
    return true;
  }

  /**
   * The exchange in hand, if message `number` is its next one; null if it was a wrong guess.
   * @throws ProtocolError for a message out of turn.
   */
  turnOf(number: number): Exchange | null {
    if (this.#skipGuess) {
      this.#skipGuess = false;
      return null;
    }
    const now = this.#now;
    if (now.phase !== "kex" || !now.expects.includes(number)) {
      throw new ProtocolError(`message ${number} in the phase ${now.phase}`);
    }
    now.expects = [];
    return now;
  }

  /** Our NEWKEYS is out; `incoming` holds from the peer's on. */
  agreed(incoming: DirectionKeys, silent: boolean): void {
    this.#now = { phase: "newkeys", incoming, silent };
  }

  /** The peer's NEWKEYS: what waited for it. @throws ProtocolError before it is due. */
  finish(): NewKeysSent {
    const now = this.#now;
    if (now.phase !== "newkeys") throw new ProtocolError(`NEWKEYS in the phase ${now.phase}`);
    this.#now = { phase: "idle" };
    return now;
  }

  close(): void {
    this.#now = { phase: "closed" };
  }
}
