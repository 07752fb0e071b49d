/** Log lines that a peer brings about: a bounded number a second, and the rest is counted (rule L4). */
import { reactor } from "@strombus/reactor";
import type { IDelayedCall, IReactorTime } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";

const log = new Logger({ namespace: "strombus.conch.peers" });

const BURST = 50; // lines
const PER_SECOND = 5;
const TELL_AFTER = 10; // seconds

type Lines = Pick<Logger, "debug" | "info" | "warn" | "error" | "failure">;

/** What stands for a peer: its transport. */
interface Peer {
  /** The reactor's unless it has one. */
  readonly clock?: IReactorTime;
}

const bounds = new WeakMap<object, Bounds>();

/**
 * Where one line goes that this peer brought about: to `log`, or nowhere when there were too many. How many were left out
 * is told ten seconds later, and when the peer is gone.
 *
 * @param peer stands for it: its transport. Without one there is no bound.
 */
export function peerLog(log: Logger, peer: object | null | undefined): Lines {
  return peer == null ? log : new BoundLines(log, boundsOf(peer));
}

/** The peer is gone: tells at once what is still to tell. */
export function tellWhatWasLeftOut(peer: object): void {
  bounds.get(peer)?.tell();
}

function boundsOf(peer: Peer): Bounds {
  let found = bounds.get(peer);
  if (found === undefined) {
    found = new Bounds(peer.clock ?? reactor);
    bounds.set(peer, found);
  }
  return found;
}

class BoundLines implements Lines {
  readonly #log: Logger;
  readonly #bounds: Bounds;

  constructor(log: Logger, bounds: Bounds) {
    this.#log = log;
    this.#bounds = bounds;
  }

  debug(...line: Parameters<Logger["debug"]>): void {
    if (this.#bounds.admitsDebug()) this.#log.debug(...line);
  }

  info(...line: Parameters<Logger["info"]>): void {
    if (this.#bounds.admits()) this.#log.info(...line);
  }

  warn(...line: Parameters<Logger["warn"]>): void {
    if (this.#bounds.admits()) this.#log.warn(...line);
  }

  error(...line: Parameters<Logger["error"]>): void {
    if (this.#bounds.admits()) this.#log.error(...line);
  }

  failure(...line: Parameters<Logger["failure"]>): void {
    if (this.#bounds.admits()) this.#log.failure(...line);
  }
}

/** What one peer may have logged. Lines for debugging have a bound of their own, and take none from the others. */
class Bounds {
  readonly #clock: IReactorTime;
  #debug: LineBound | null = null;
  #others: LineBound | null = null;

  constructor(clock: IReactorTime) {
    this.#clock = clock;
  }

  admitsDebug(): boolean {
    return (this.#debug ??= new LineBound(this.#clock, debugLeftOut)).admits();
  }

  admits(): boolean {
    return (this.#others ??= new LineBound(this.#clock, othersLeftOut)).admits();
  }

  tell(): void {
    this.#debug?.tell();
    this.#others?.tell();
  }
}

const LEFT_OUT = "{count} lines that one peer brought about were left out";

function debugLeftOut(count: number): void {
  log.debug(LEFT_OUT, { count });
}

function othersLeftOut(count: number): void {
  log.warn(LEFT_OUT, { count });
}

/** A bucket that fills by the second, and the count of what it had no room for. */
export class LineBound {
  readonly #clock: IReactorTime;
  readonly #told: (count: number) => void;
  #lines = BURST;
  #at: number;
  #left = 0;
  #telling: IDelayedCall | null = null;

  constructor(clock: IReactorTime, told: (count: number) => void) {
    this.#clock = clock;
    this.#told = told;
    this.#at = clock.seconds();
  }

  /** Takes a line; false when it is to be left out. */
  admits(): boolean {
    const now = this.#clock.seconds();
    this.#lines = Math.min(BURST, this.#lines + Math.max(0, now - this.#at) * PER_SECOND);
    this.#at = now;
    if (this.#lines >= 1) {
      this.#lines -= 1;
      return true;
    }
    this.#left += 1;
    this.#telling ??= this.#clock.callLater(TELL_AFTER, () => this.tell());
    return false;
  }

  tell(): void {
    if (this.#telling?.active() === true) this.#telling.cancel();
    this.#telling = null;
    const left = this.#left;
    this.#left = 0;
    if (left > 0) this.#told(left);
  }
}
