/** Netstrings: `5:hello,` (twisted.protocols.basic). */
import { toBuffer } from "../../bytes.js";
import { NotImplementedError } from "../../exceptions.js";
import type { BytesLike, MaybeAsync } from "../../interfaces.js";
import { NetstringParseError } from "./errors.js";
import type { ReceiveBuffer } from "./receive-buffer.js";
import { buffer, CONTINUE, outcome, parse, Receiver, refuse, type Step, STOP } from "./receiver.js";

const COLON = 0x3a;
const COMMA = Buffer.from(",");
const NUMBER = /^(?:0|[1-9][0-9]*)$/;

/** A peer that sends anything but netstrings is disconnected. */
export class NetstringReceiver extends Receiver {
  /** Bytes of the longest string that is received. */
  MAX_LENGTH = 99999;
  /** The peer broke the rules; nothing more is delivered. */
  brokenPeer = false;
  #length: number | null = null; // of the string whose number has come

  /** A whole string. To be overridden. */
  stringReceived(string: Buffer): MaybeAsync {
    throw new NotImplementedError(`${this.logPrefix()} has no stringReceived`);
  }

  sendString(string: BytesLike): void {
    const bytes = toBuffer(string);
    this.transport?.writeSequence([`${bytes.length}:`, bytes, COMMA]);
  }

  [parse](promises: PromiseLike<unknown>[]): Step {
    const received = this[buffer];
    if (this.brokenPeer) {
      received.take();
      return STOP;
    }
    let string: Buffer | null;
    try {
      string = this.#takeString(received);
    } catch (error) {
      this.brokenPeer = true;
      refuse(this, (error as NetstringParseError).message);
      return STOP;
    }
    if (string === null) return STOP;
    outcome(this.stringReceived(string), promises);
    return CONTINUE;
  }

  /** @throws NetstringParseError */
  #takeString(received: ReceiveBuffer): Buffer | null {
    this.#length ??= takeNumber(received, this.MAX_LENGTH);
    if (this.#length === null || received.length <= this.#length) return null;
    const string = received.take(this.#length);
    this.#length = null;
    if (!received.take(1).equals(COMMA)) throw new NetstringParseError("no comma stands behind the string");
    return string;
  }
}

/** The number before a string, with its colon; null if it is not all there. @throws NetstringParseError */
function takeNumber(received: ReceiveBuffer, limit: number): number | null {
  const { contents } = received;
  const longest = String(limit).length; // digits
  const end = contents.subarray(0, longest + 1).indexOf(COLON);
  const digits = contents.toString("latin1", 0, end < 0 ? longest + 1 : end);
  if (end < 0 && (digits === "" || (digits.length <= longest && NUMBER.test(digits)))) return null;
  if (end < 0 || !NUMBER.test(digits)) throw new NetstringParseError("what came begins with no number and colon");
  const length = Number(digits);
  if (length > limit) throw new NetstringParseError(`a string of ${length} bytes, with a limit of ${limit}`);
  received.take(end + 1);
  return length;
}
