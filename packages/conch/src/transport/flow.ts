/**
 * Backpressure of one connection (rule R7). Full output stops the service's writers; reading stops only when the peer
 * does not take the replies that it asks for either, or while an answer is being made: two peers that both stopped
 * reading for full output alone would wait for each other.
 */

/** Bytes of replies that may be owed to a peer that does not read, beyond what the connection below holds. */
const OWED = 2 ** 20;
/** Bytes that a message costs in memory while it waits, however short: its packet, and what the socket keeps beside it. */
const EACH = 256;

/** The service above. */
export interface Writers {
  /** Bytes that wait with it. */
  readonly bytesHeld?: number;
  stopWriting?(): void;
  startWriting?(): void;
}

/** The connection whose flow this is. */
export interface Flowing {
  holdWriters(hold: boolean): void;
  holdReading(hold: boolean): void;
}

export class Flow {
  readonly #of: Flowing;
  #outputFull = false;
  #exchanging = false;
  #answering = false;
  #owed = 0;
  #writersStopped = false;
  #readingStopped = false;

  constructor(of: Flowing) {
    this.#of = of;
  }

  /** The connection below holds as much as it should. */
  set outputFull(full: boolean) {
    this.#outputFull = full;
    if (!full) this.#owed = 0;
    this.#update();
  }

  /** A rekey is going on: what is written would only wait. */
  set exchanging(going: boolean) {
    this.#exchanging = going;
    this.#update();
  }

  /** An answer is being made that takes its time; until then nothing more is looked at. */
  set answering(busy: boolean) {
    this.#answering = busy;
    this.#update();
  }

  get answering(): boolean {
    return this.#answering;
  }

  /** A message of `bytes` went out that nobody could be told to hold back. */
  owe(bytes: number): void {
    if (!this.#outputFull) return;
    this.#owed += bytes + EACH;
    if (this.#owed > OWED) this.#update();
  }

  /** A new service has started: it must know. */
  serviceChanged(): void {
    this.#writersStopped = false;
    this.#update();
  }

  /** The connection closes: the end must be seen when it comes. */
  release(): void {
    this.#outputFull = this.#answering = this.#exchanging = false;
    this.#owed = 0;
    this.#writersStopped = false;
    this.#update();
  }

  #update(): void {
    const stopReading = this.#answering || this.#owed > OWED;
    if (stopReading !== this.#readingStopped) {
      this.#readingStopped = stopReading;
      this.#of.holdReading(stopReading);
    }
    const stopWriters = this.#outputFull || this.#exchanging;
    if (stopWriters !== this.#writersStopped) {
      this.#writersStopped = stopWriters;
      this.#of.holdWriters(stopWriters);
    }
  }
}
