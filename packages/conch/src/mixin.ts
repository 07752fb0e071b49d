/** Writing less often (twisted.conch.mixin). */
import type { Constructor } from "./class.js";
import { reactor } from "@strombus/reactor";
import type { BytesLike, IDelayedCall } from "@strombus/reactor/interfaces";

/** What a class with buffered writes can do. */
export interface Buffering {
  /** Seconds to wait for more, from each write on. */
  DELAY: number;
  /** What waits; null is nothing. */
  data: BytesLike[] | null;
  _delayedWriteCall: unknown;
  write(data: BytesLike): void;
  /** Has `flush` called after DELAY; what it gives back is handed to `reschedule`. */
  schedule(): unknown;
  reschedule(token: unknown): void;
  /** Writes what waits to the transport, now. */
  flush(): void;
}

/** Collects what is written in a row: `class Chatter extends BufferingMixin(Protocol)`, and `this.write(data)` in it. */
export function BufferingMixin<Base extends Constructor>(base: Base): Base & Constructor<Buffering> {
  abstract class Buffered extends base implements Buffering {
    DELAY = 0;
    data: BytesLike[] | null = null;
    _delayedWriteCall: unknown = null;

    write(data: BytesLike): void {
      if (this.data === null) {
        this.data = [];
        this._delayedWriteCall = this.schedule();
      } else this.reschedule(this._delayedWriteCall);
      this.data.push(data);
    }

    schedule(): unknown {
      return reactor.callLater(this.DELAY, () => this.flush());
    }

    reschedule(token: unknown): void {
      (token as IDelayedCall).reset(this.DELAY);
    }

    flush(): void {
      const call = this._delayedWriteCall as Partial<IDelayedCall> | null;
      this._delayedWriteCall = null;
      if (call?.active?.() === true) call.cancel?.();
      const { data } = this;
      this.data = null;
      const { transport } = this as { transport?: { writeSequence(data: BytesLike[]): void } | null };
      if (data !== null) transport?.writeSequence(data);
    }
  }
  return Buffered;
}
