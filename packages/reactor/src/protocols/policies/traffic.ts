/** Writing down what goes through connections. */
import { appendFileSync } from "node:fs";
import type { Failure } from "../../failure.js";
import type { BytesLike, IProtocol, IProtocolFactory, MaybeAsync } from "../../interfaces.js";
import { toBuffer } from "../../bytes.js";
import { Logger } from "../../logger.js";
import { ProtocolWrapper, WrappingFactory } from "./wrapping.js";

const log = new Logger({ namespace: "strombus.policies" });

type Note = (direction: "S" | "R" | "C", text: string) => void;

class NotingProtocol extends ProtocolWrapper {
  readonly #note: Note;

  constructor(factory: WrappingFactory, protocol: IProtocol, note: Note) {
    super(factory, protocol);
    this.#note = note;
  }

  override write(data: BytesLike): void {
    this.#note("S", quoted(data));
    super.write(data);
  }

  override writeSequence(data: Iterable<BytesLike>): void {
    for (const chunk of data) this.write(chunk);
  }

  override dataReceived(data: Buffer): MaybeAsync {
    this.#note("R", quoted(data));
    return super.dataReceived(data);
  }

  override connectionLost(reason: Failure): MaybeAsync {
    this.#note("C", JSON.stringify(reason.getErrorMessage()));
    return super.connectionLost(reason);
  }
}

/** Logs all traffic, at debug. */
export class SpewingFactory extends WrappingFactory {
  override wrap(protocol: IProtocol): ProtocolWrapper {
    return new NotingProtocol(this, protocol, (direction, text) =>
      log.debug("{direction} {text}", { direction, text }),
    );
  }
}

/** Writes the traffic of each connection to a file of its own, `<prefix>-<n>`, n from 1. */
export class TrafficLoggingFactory extends WrappingFactory {
  readonly logfilePrefix: string;
  /** Characters of a chunk that are written; null is all. */
  readonly lengthLimit: number | null;
  #counter = 0;

  constructor(
    wrappedFactory: IProtocolFactory,
    logfilePrefix: string,
    { lengthLimit = null }: { lengthLimit?: number | null } = {},
  ) {
    super(wrappedFactory);
    this.logfilePrefix = logfilePrefix;
    this.lengthLimit = lengthLimit;
  }

  override wrap(protocol: IProtocol): ProtocolWrapper {
    const file = `${this.logfilePrefix}-${++this.#counter}`;
    const limit = this.lengthLimit ?? Infinity;
    return new NotingProtocol(this, protocol, (direction, text) => {
      const shown = text.length > limit ? `${text.slice(0, limit)}...` : text;
      appendFileSync(file, `${direction}: ${shown}\n`);
    });
  }

  /** The next file is number 1 again. */
  resetCounter(): void {
    this.#counter = 0;
  }
}

function quoted(data: BytesLike): string {
  return JSON.stringify(toBuffer(data).toString("latin1"));
}
