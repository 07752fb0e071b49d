/**
 * Receive windows that fit the path (RFC 4254 section 5.2). A peer far away spends what it may send before it hears of
 * more, and is silent for a round trip; near by, or with a window that is large enough, its data comes without a pause.
 * Windows grow on the first and stay as they are on the second. Any other silence, such as that of a busy machine, begins
 * where the peer could have sent more.
 */

/** The most that one channel's window becomes, and all windows of a connection together beyond what they began with. */
export const MAX_WINDOW = 16 * 1024 * 1024; // bytes
export const MAX_GROWTH = 32 * 1024 * 1024; // bytes

/** Of a larger window the peer gets each so much back, so that it has nearly all of it on the way. */
const REFILL = 1024 * 1024; // bytes

const MAX_LIMITS = MAX_WINDOW / REFILL; // who gives window by hand may make us miss that limits are passed

const SHORT = 0.01; // seconds; a silence below it costs less than a larger window
const MUCH = 0.25; // of the time since the last refill
const LONG = 3; // seconds; where half a window takes longer there is no hurry: it goes back to what it was

/** What all channels of one connection may still grow by. */
export interface Reserve {
  windowReserve: number;
}

/** Whether so much of a window is used up that the peer is to get it back. */
export function isRefillDue(left: number, size: number): boolean {
  return left === 0 || size - left > Math.min(size / 2, REFILL);
}

/** The window of one channel, from the first time that it was refilled. Times are in seconds. */
export class PathWindow {
  readonly #reserve: Reserve;
  readonly #least: number;
  readonly #maxPacket: number;
  #size: number;
  #refilledAt: number;
  #heardAt: number;
  #granted: number; // bytes that the peer may send in all, counted from the first refill
  readonly #limits: number[]; // what that was before each refill; those that the peer has passed are gone
  #spent = false; // it has sent all up to one of the limits: it may not have heard of more
  #silence = 0; // the longest since the last refill
  #held = false;

  /** @param left bytes that the peer may still send, by what it has heard so far */
  constructor(reserve: Reserve, size: number, maxPacket: number, left: number, now: number) {
    this.#reserve = reserve;
    this.#least = this.#size = this.#granted = size;
    this.#maxPacket = maxPacket;
    this.#limits = [left];
    this.#refilledAt = this.#heardAt = now;
  }

  /** Data has come, and the peer may send `left` bytes more. */
  heard(left: number, now: number): void {
    if (this.#spent) this.#silence = Math.max(this.#silence, now - this.#heardAt);
    this.#heardAt = now;
    const received = this.#granted - left;
    while (this.#limits.length > 0 && this.#limits[0]! < received) this.#limits.shift();
    this.#spent = this.#limits.length > 0 && this.#limits[0]! - received < this.#maxPacket;
  }

  /** It is we who let the peer wait: the silence that comes of it tells nothing of the path. */
  hold(): void {
    this.#held = true;
  }

  /** A refill is due, and `left` bytes are left; the size to refill to. */
  refill(left: number, now: number): number {
    const took = now - this.#refilledAt;
    if (took * (this.#size / this.#least) > LONG) this.shrink();
    else if (!this.#held && this.#silence > SHORT && this.#silence > MUCH * took) this.#grow();
    this.#limits.push(this.#granted);
    if (this.#limits.length > MAX_LIMITS) this.#limits.shift();
    this.#granted += Math.max(0, this.#size - left);
    this.#refilledAt = this.#heardAt = now;
    this.#silence = 0;
    this.#held = false;
    return this.#size;
  }

  /** Back to what the window began with. */
  shrink(): void {
    this.#reserve.windowReserve += this.#size - this.#least;
    this.#size = this.#least;
  }

  #grow(): void {
    const growth = Math.min(this.#size, MAX_WINDOW - this.#size, this.#reserve.windowReserve);
    if (growth <= 0) return;
    this.#reserve.windowReserve -= growth;
    this.#size += growth;
  }
}
