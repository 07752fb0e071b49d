/** How fast the connections of a factory may be, all together. */
import type {
  BytesLike,
  IAddress,
  IDelayedCall,
  IProtocol,
  IProtocolFactory,
  IPullProducer,
  IPushProducer,
  MaybeAsync,
} from "../../interfaces.js";
import { Logger } from "../../logger.js";
import { reactor } from "../../reactor.js";
import { ProtocolWrapper, WrappingFactory } from "./wrapping.js";

const log = new Logger({ namespace: "strombus.policies" });

/** A connection that is throttled: its reading is paused, or the producer that writes to it. */
export class ThrottlingProtocol extends ProtocolWrapper {
  declare readonly factory: ThrottlingFactory;
  #producer: IPushProducer | IPullProducer | null = null;
  #streaming = false;

  override write(data: BytesLike): void {
    this.factory.registerWritten(data.length);
    super.write(data);
  }

  override writeSequence(data: Iterable<BytesLike>): void {
    for (const chunk of data) this.write(chunk);
  }

  override dataReceived(data: Buffer): MaybeAsync {
    this.factory.registerRead(data.length);
    return super.dataReceived(data);
  }

  override registerProducer(producer: IPushProducer | IPullProducer, streaming: boolean): void {
    this.#producer = producer;
    this.#streaming = streaming;
    super.registerProducer(producer, streaming);
  }

  override unregisterProducer(): void {
    this.#producer = null;
    super.unregisterProducer();
  }

  /** @internal For its factory. */
  guarded(call: (protocol: this) => unknown): void {
    this.guard(() => call(this));
  }

  throttleReads(): void {
    this.transport.pauseProducing();
  }

  unthrottleReads(): void {
    this.transport.resumeProducing();
  }

  throttleWrites(): void {
    if (this.#streaming) return (this.#producer as IPushProducer | null)?.pauseProducing();
  }

  unthrottleWrites(): void {
    if (this.#streaming) return this.#producer?.resumeProducing();
  }
}

export interface ThrottlingOptions {
  /** Default without limit. */
  maxConnectionCount?: number;
  /** Bytes a second over all connections; null (default) is no limit. */
  readLimit?: number | null;
  writeLimit?: number | null;
}

/** Looks once a second at what was read and written; what was too much is made up for by a pause. */
export class ThrottlingFactory extends WrappingFactory {
  connectionCount = 0;
  maxConnectionCount: number;
  readLimit: number | null;
  writeLimit: number | null;
  readThisSecond = 0;
  writtenThisSecond = 0;
  #check: IDelayedCall | null = null;
  #unthrottle: { reads: IDelayedCall | null; writes: IDelayedCall | null } = { reads: null, writes: null };

  constructor(
    wrappedFactory: IProtocolFactory,
    { maxConnectionCount = Infinity, readLimit = null, writeLimit = null }: ThrottlingOptions = {},
  ) {
    super(wrappedFactory);
    this.maxConnectionCount = maxConnectionCount;
    this.readLimit = readLimit;
    this.writeLimit = writeLimit;
  }

  /** To be overridden for another clock. */
  callLater(period: number, callable: () => void): IDelayedCall {
    return reactor.callLater(period, callable);
  }

  override wrap(protocol: IProtocol): ThrottlingProtocol {
    return new ThrottlingProtocol(this, protocol);
  }

  override buildProtocol(addr: IAddress): IProtocol | null {
    if (this.connectionCount >= this.maxConnectionCount) {
      log.warn("{peer} is refused: there are {count} connections", { peer: String(addr), count: this.connectionCount });
      return null;
    }
    const protocol = super.buildProtocol(addr);
    if (protocol !== null) this.connectionCount += 1;
    return protocol;
  }

  registerRead(bytes: number): void {
    this.readThisSecond += bytes;
  }

  registerWritten(bytes: number): void {
    this.writtenThisSecond += bytes;
  }

  override registerProtocol(protocol: ProtocolWrapper): void {
    super.registerProtocol(protocol);
    this.#check ??= this.callLater(1, () => this.#checkBandwidth());
  }

  override unregisterProtocol(protocol: ProtocolWrapper): void {
    if (!this.protocols.has(protocol)) return;
    super.unregisterProtocol(protocol);
    this.connectionCount -= 1;
    if (this.protocols.size > 0) return;
    for (const call of [this.#check, this.#unthrottle.reads, this.#unthrottle.writes]) {
      if (call?.active()) call.cancel();
    }
    this.#check = null;
    this.#unthrottle = { reads: null, writes: null };
  }

  #checkBandwidth(): void {
    const pause = {
      reads: excess(this.readThisSecond, this.readLimit),
      writes: excess(this.writtenThisSecond, this.writeLimit),
    };
    this.readThisSecond = 0;
    this.writtenThisSecond = 0;
    if (pause.reads > 0) {
      this.#each((protocol) => protocol.throttleReads());
      this.#unthrottle.reads = this.callLater(pause.reads, () => this.#each((protocol) => protocol.unthrottleReads()));
    }
    if (pause.writes > 0) {
      this.#each((protocol) => protocol.throttleWrites());
      this.#unthrottle.writes = this.callLater(pause.writes, () =>
        this.#each((protocol) => protocol.unthrottleWrites()),
      );
    }
    // What is paused is not to be looked at before it goes on.
    this.#check = this.callLater(1 + Math.max(0, pause.reads, pause.writes), () => this.#checkBandwidth());
  }

  /** A producer that fails ends its own connection; the others are throttled all the same. */
  #each(call: (protocol: ThrottlingProtocol) => unknown): void {
    for (const protocol of this.protocols) if (protocol instanceof ThrottlingProtocol) protocol.guarded(call);
  }
}

/** Seconds of pause that bring so many bytes in one second down to the limit. */
function excess(bytes: number, limit: number | null): number {
  return limit === null || bytes <= limit ? 0 : bytes / limit - 1;
}
