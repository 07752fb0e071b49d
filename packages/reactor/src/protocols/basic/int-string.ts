/** Strings after their length as a number of fixed size (twisted.protocols.basic). */
import { toBuffer } from "../../bytes.js";
import { NotImplementedError } from "../../exceptions.js";
import type { BytesLike, MaybeAsync } from "../../interfaces.js";
import { StringTooLongError } from "./errors.js";
import { buffer, CONTINUE, outcome, parse, Receiver, refuse, type Step, STOP } from "./receiver.js";

/** Base of the three below, and of others with a prefix of up to 6 bytes. */
export abstract class IntNStringReceiver extends Receiver {
  /** Bytes of the longest string that is received. */
  MAX_LENGTH = 99999;
  /** The order of the prefix's bytes and, for the reader, its type, as Python's `struct` has them: "<" is little-endian. */
  abstract structFormat: string;
  /** Bytes of the prefix. */
  abstract prefixLength: number;

  /** A whole string, without its prefix. To be overridden. */
  stringReceived(string: Buffer): MaybeAsync {
    throw new NotImplementedError(`${this.logPrefix()} has no stringReceived`);
  }

  /** A prefix is above MAX_LENGTH; it and what follows stay in `recvd`. By default the connection closes. */
  lengthLimitExceeded(length: number): MaybeAsync {
    refuse(this, `a string of ${length} bytes, with a limit of ${this.MAX_LENGTH}`);
  }

  /** What was received and is not parsed yet; in `stringReceived`, all behind that string. What is assigned is parsed next. */
  get recvd(): Buffer {
    return this[buffer].contents;
  }
  set recvd(data: BytesLike) {
    this[buffer].replace(toBuffer(data));
  }

  /** @throws StringTooLongError if the prefix cannot say its length. */
  sendString(string: BytesLike): void {
    const bytes = toBuffer(string);
    if (bytes.length >= 2 ** (8 * this.prefixLength)) {
      throw new StringTooLongError(`${bytes.length} bytes do not fit a prefix of ${this.prefixLength}`);
    }
    const prefix = Buffer.alloc(this.prefixLength);
    if (this.#isLittleEndian) prefix.writeUIntLE(bytes.length, 0, this.prefixLength);
    else prefix.writeUIntBE(bytes.length, 0, this.prefixLength);
    this.transport?.writeSequence([prefix, bytes]);
  }

  [parse](promises: PromiseLike<unknown>[]): Step {
    const received = this[buffer];
    const { prefixLength } = this;
    if (received.length < prefixLength) return STOP;
    const { contents } = received;
    const length = this.#isLittleEndian ? contents.readUIntLE(0, prefixLength) : contents.readUIntBE(0, prefixLength);
    if (length > this.MAX_LENGTH) {
      const step = outcome(this.lengthLimitExceeded(length), promises);
      return step === CONTINUE ? STOP : step;
    }
    if (received.length < prefixLength + length) return STOP;
    // What it returns means nothing here, unless it is a promise.
    outcome(this.stringReceived(received.take(prefixLength + length).subarray(prefixLength)), promises);
    return CONTINUE;
  }

  get #isLittleEndian(): boolean {
    return this.structFormat.startsWith("<");
  }
}

/** A prefix of four bytes. */
export class Int32StringReceiver extends IntNStringReceiver {
  override structFormat = "!I";
  override prefixLength = 4;
}

/** A prefix of two bytes: strings up to 65,535 bytes. */
export class Int16StringReceiver extends IntNStringReceiver {
  override structFormat = "!H";
  override prefixLength = 2;
}

/** A prefix of one byte: strings up to 255 bytes. */
export class Int8StringReceiver extends IntNStringReceiver {
  override structFormat = "!B";
  override prefixLength = 1;
}
