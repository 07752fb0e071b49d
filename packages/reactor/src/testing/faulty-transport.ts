/** Connections in memory that behave as networks do: bytes come in other pieces, late, or not at all. */
import { ValueError } from "../exceptions.js";
import type { BytesLike, IProtocol, IReactorTime } from "../interfaces.js";
import { FakeTransport, type FakeTransportOptions } from "./fake-transport.js";

/** What is wrong with the way to one side of a connection. */
export interface Faults {
  /** Bytes arrive in pieces of at most this size, or of the sizes that a function gives. */
  split?: number | (() => number);
  /** Seconds that each byte is on its way, by `clock`. The pump moves what has arrived; advance the clock, then pump. */
  delay?: number;
  clock?: Pick<IReactorTime, "seconds">;
  /** After so many bytes the connection breaks: what follows is lost, and both sides hear ConnectionLost. */
  loseAfter?: number;
  /** The byte at this place, from 0, arrives with all its bits turned over. */
  corrupt?: number;
}

/**
 * Transports with these faults, for both ends of a pair:
 *
 * ```ts
 * const [client, server, pump] = connectedServerAndClient(EchoServer, EchoClient, faulty({ split: 1 }));
 * ```
 */
export function faulty(faults: Faults): {
  serverTransportFactory: (protocol: IProtocol) => FaultyTransport;
  clientTransportFactory: (protocol: IProtocol) => FaultyTransport;
} {
  return {
    serverTransportFactory: (protocol) => new FaultyTransport(protocol, true, faults),
    clientTransportFactory: (protocol) => new FaultyTransport(protocol, false, faults),
  };
}

/** An end of a connection in memory that what the peer sends reaches with faults. What it sends is delayed only. */
export class FaultyTransport extends FakeTransport {
  readonly #faults: Faults;
  readonly #sent: { due: number; size: number }[] = []; // what is on its way, oldest first
  #received = 0; // bytes

  /** @throws ValueError for a delay without a clock */
  constructor(protocol: IProtocol, isServer: boolean, faults: Faults, options: FakeTransportOptions = {}) {
    super(protocol, isServer, options);
    if (faults.delay !== undefined && faults.clock === undefined) throw new ValueError("a delay needs a clock");
    this.#faults = faults;
  }

  override write(data: BytesLike): void {
    const before = this.stream.length;
    super.write(data);
    const written = this.stream.slice(before).reduce((sum, { length }) => sum + length, 0);
    if (written > 0) this.#sent.push({ due: this.#now() + (this.#faults.delay ?? 0), size: written });
  }

  protected override get arrived(): number {
    const now = this.#now();
    return this.#sent.reduce((sum, { due, size }) => (due <= now ? sum + size : sum), 0);
  }

  protected override take(size: number): Buffer {
    const taken = super.take(size);
    for (let left = taken.length; left > 0 && this.#sent.length > 0;) {
      const first = this.#sent[0]!;
      const step = Math.min(left, first.size);
      left -= step;
      first.size -= step;
      if (first.size === 0) this.#sent.shift();
    }
    return taken;
  }

  override bufferReceived(data: Buffer): void {
    const { loseAfter = Infinity } = this.#faults;
    const bytes = this.#corrupted(data.subarray(0, loseAfter - this.#received));
    this.#received += data.length;
    for (let at = 0; at < bytes.length;) {
      const end = at + Math.max(1, this.#pieceSize());
      super.bufferReceived(bytes.subarray(at, end));
      at = end;
    }
    if (this.#received >= loseAfter) this.broken = true;
  }

  #corrupted(data: Buffer): Buffer {
    const place = (this.#faults.corrupt ?? -1) - this.#received;
    if (place < 0 || place >= data.length) return data;
    const bytes = Buffer.from(data);
    bytes[place] = bytes[place]! ^ 0xff;
    return bytes;
  }

  #pieceSize(): number {
    const { split = Infinity } = this.#faults;
    return typeof split === "number" ? split : split();
  }

  #now(): number {
    return this.#faults.clock?.seconds() ?? 0;
  }
}
