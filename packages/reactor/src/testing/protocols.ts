/** A protocol that remembers what happened to it. */
import type { Deferred } from "../defer.js";
import type { Failure } from "../failure.js";
import { Protocol } from "../protocol.js";

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
