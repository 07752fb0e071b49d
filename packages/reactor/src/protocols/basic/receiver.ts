/** What receivers of lines and strings have in common: bytes in, one message after another out, and pausing. */
import { Failure } from "../../failure.js";
import type { IProtocol, IPushProducer, ITCPTransport, ITransport, MaybeAsync } from "../../interfaces.js";
import { isThenable, onRejection } from "../../guard.js";
import { nameOf } from "../../logged-calls.js";
import { Logger } from "../../logger.js";
import { Protocol } from "../../protocol.js";
import { ReceiveBuffer } from "./receive-buffer.js";

const log = new Logger({ namespace: "strombus.protocols.basic" });
const NOTHING = Buffer.alloc(0);

// Named by symbols, since applications fill these classes with names of their own.
export const buffer: unique symbol = Symbol("buffer");
export const parse: unique symbol = Symbol("parse");

export const CONTINUE: unique symbol = Symbol("continue");
export const STOP: unique symbol = Symbol("stop");
/** What a step of parsing did: a message went out, nothing more goes out now, or parsing ends with this result. */
export type Step = typeof CONTINUE | typeof STOP | { readonly result: MaybeAsync };

/** Takes bytes in any pieces and parses them step by step, never inside a step: bytes that come meanwhile wait in line. */
export abstract class Receiver extends Protocol {
  /** While true nothing is delivered, and what arrives is kept. */
  paused = false;
  readonly [buffer]: ReceiveBuffer = new ReceiveBuffer();
  #parsing = false;

  override dataReceived(data: Buffer): MaybeAsync {
    this[buffer].append(data);
    if (this.#parsing) return;
    this.#parsing = true;
    const promises: PromiseLike<unknown>[] = [];
    try {
      while (!this.paused) {
        const step = this[parse](promises);
        if (step === CONTINUE) continue;
        return gathered(promises, step === STOP ? undefined : step.result);
      }
      return gathered(promises, undefined);
    } catch (error) {
      for (const promise of promises) promise.then(undefined, ignore); // this error ends the connection already
      throw error;
    } finally {
      this.#parsing = false;
    }
  }

  /** Delivers one message of the buffer, if there is one. Promises that the application gives back go to `promises`. */
  abstract [parse](promises: PromiseLike<unknown>[]): Step;

  pauseProducing(): void {
    this.paused = true;
    producer(this.transport)?.pauseProducing();
  }

  /** Delivers what has waited, at once. */
  resumeProducing(): void {
    this.paused = false;
    producer(this.transport)?.resumeProducing();
    onRejection(this.dataReceived(NOTHING), (error) => this.#failed(error));
  }

  stopProducing(): void {
    this.paused = true;
    producer(this.transport)?.stopProducing();
  }

  /** Of what a resumed protocol does later the transport knows nothing. */
  #failed(error: unknown): void {
    log.failure("a protocol failed", new Failure(error), { log_system: nameOf(log, this) });
    this.transport?.loseConnection();
  }
}

/**
 * What came of the application's handler: a promise is collected, so that its rejection ends the connection; another
 * truthy value ends the parsing and is passed on, as in Twisted.
 */
export function outcome(result: unknown, promises: PromiseLike<unknown>[]): Step {
  if (!result) return CONTINUE;
  if (!isThenable(result)) return { result: result as MaybeAsync };
  promises.push(result);
  return CONTINUE;
}

export function isDisconnecting({ transport }: { transport: ITransport | null }): boolean {
  return (transport as Partial<ITCPTransport> | null)?.disconnecting === true;
}

/** Closes the connection of a peer that broke the rules of the protocol. */
export function refuse({ transport }: IProtocol & { transport: ITransport | null }, what: string): void {
  log.info("closing the connection of {peer}: {what}", { peer: String(transport?.getPeer() ?? "-"), what });
  transport?.loseConnection();
}

function producer(transport: ITransport | null): IPushProducer | null {
  return transport as (ITransport & IPushProducer) | null;
}

function gathered(promises: PromiseLike<unknown>[], result: MaybeAsync): MaybeAsync {
  if (promises.length === 0) return result;
  return promises.length === 1 ? promises[0] : Promise.all(promises);
}

function ignore(): void {}
