/** How many connections a factory may have. */
import type { IAddress, IProtocol, IProtocolFactory } from "../../interfaces.js";
import { type ProtocolSource, ServerFactory } from "../../protocol.js";
import { made } from "../../protocol/core.js";
import { type ProtocolWrapper, WrappingFactory } from "./wrapping.js";

/** At most `connectionLimit` connections; those beyond are refused, or get an `overflowProtocol`, which counts too. */
export class LimitTotalConnectionsFactory extends ServerFactory {
  connectionCount = 0;
  connectionLimit: number | null = null;
  overflowProtocol: ProtocolSource | null = null;

  override buildProtocol(addr: IAddress): IProtocol | null {
    if (this.connectionLimit === null || this.connectionCount < this.connectionLimit) {
      return this.#counting(super.buildProtocol(addr));
    }
    if (this.overflowProtocol === null) return null;
    const overflow: IProtocol | null = made(this.overflowProtocol);
    if (overflow !== null) (overflow as { factory?: unknown }).factory = this;
    return this.#counting(overflow);
  }

  #counting(protocol: IProtocol | null): IProtocol | null {
    if (protocol === null) return null;
    this.connectionCount += 1;
    return new CountedFactory(this, () => (this.connectionCount -= 1)).wrap(protocol);
  }
}

/** Calls back when its one connection is lost. */
class CountedFactory extends WrappingFactory {
  readonly #lost: () => void;

  constructor(wrapped: IProtocolFactory, lost: () => void) {
    super(wrapped);
    this.#lost = lost;
  }

  override unregisterProtocol(protocol: ProtocolWrapper): void {
    if (!this.protocols.has(protocol)) return;
    super.unregisterProtocol(protocol);
    this.#lost();
  }
}

/** At most `maxConnectionsPerPeer` connections from each host. */
export class LimitConnectionsByPeer extends WrappingFactory {
  maxConnectionsPerPeer = 5;
  /** Connections by host. */
  readonly peerConnections = new Map<string, number>();

  override buildProtocol(addr: IAddress): IProtocol | null {
    const host = hostOf(addr);
    const count = this.peerConnections.get(host) ?? 0;
    if (count >= this.maxConnectionsPerPeer) return null;
    const protocol = super.buildProtocol(addr);
    if (protocol !== null) this.peerConnections.set(host, count + 1);
    return protocol;
  }

  override unregisterProtocol(protocol: ProtocolWrapper): void {
    if (!this.protocols.has(protocol)) return;
    super.unregisterProtocol(protocol);
    const host = hostOf(protocol.getPeer());
    const left = (this.peerConnections.get(host) ?? 1) - 1;
    if (left > 0) this.peerConnections.set(host, left);
    else this.peerConnections.delete(host);
  }
}

function hostOf(addr: IAddress): string {
  return (addr as { host?: string }).host ?? String(addr);
}
