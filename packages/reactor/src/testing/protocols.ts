/** Protocols that remember what happened to them. */
import type { Deferred } from "../defer.js";
import type { Failure } from "../failure.js";
import type { BytesLike } from "../interfaces.js";
import { Protocol } from "../protocol.js";
import { LineReceiver } from "../protocols/basic.js";

/** Gathers what it receives. A factory's `protocolConnectionMade` fires once with the first of its protocols to connect. */
export class AccumulatingProtocol extends Protocol {
  made = false;
  data: Buffer = Buffer.alloc(0);
  closed = false;
  closedReason: Failure | null = null;
  /** Fires when the connection is lost. */
  closedDeferred: Deferred<null> | null = null;

  override connectionMade(): void {
    this.made = true;
    const factory = this.factory as { protocolConnectionMade?: Deferred<AccumulatingProtocol> | null } | null;
    const waiting = factory?.protocolConnectionMade ?? null;
    if (factory === null || waiting === null) return;
    factory.protocolConnectionMade = null;
    waiting.callback(this);
  }

  override dataReceived(data: Buffer): void {
    this.data = Buffer.concat([this.data, data]);
  }

  override connectionLost(reason?: Failure): void {
    this.closed = true;
    this.closedReason = reason ?? null;
    const waiting = this.closedDeferred;
    this.closedDeferred = null;
    waiting?.callback(null);
  }
}

/** Sends its lines when it connects, or when the first line comes, and keeps what it receives. */
export class LineSendingProtocol extends LineReceiver {
  lostConn = false;
  readonly response: Buffer[] = [];
  readonly lines: readonly BytesLike[];
  readonly start: boolean;

  constructor(lines: readonly BytesLike[], { start = true }: { start?: boolean } = {}) {
    super();
    this.lines = [...lines];
    this.start = start;
  }

  override connectionMade(): void {
    if (this.start) this.#send();
  }

  override lineReceived(line: Buffer): void {
    if (!this.start && this.response.length === 0) this.#send();
    this.response.push(line);
  }

  override connectionLost(): void {
    this.lostConn = true;
  }

  #send(): void {
    for (const line of this.lines) this.sendLine(line);
  }
}
