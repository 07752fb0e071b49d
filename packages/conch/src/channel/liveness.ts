/** Connections that nobody needs, or whose peer is gone without a word, come to an end (C10). */
import type { Deferred } from "@strombus/reactor/defer";
import type { IDelayedCall, IReactorTime } from "@strombus/reactor/interfaces";
import { Failure } from "@strombus/reactor/failure";
import { Logger } from "@strombus/reactor/logger";
import { DISCONNECT_BY_APPLICATION, DISCONNECT_CONNECTION_LOST } from "../transport/constants.js";
import type { BytesLike } from "../wire/writer.js";

const log = new Logger({ namespace: "strombus.conch.ssh.connection" });

const LOOKS = 4; // in one idle timeout: the end comes so much later at most

export interface Watched {
  /** Seconds of silence after which the peer is asked for a sign of life, and asked again; 0 never asks. */
  readonly keepaliveInterval: number;
  /** Questions without an answer after which the peer counts as gone. */
  readonly keepaliveCountMax: number;
  /** Seconds that the connection may go unused; 0 is no end. */
  readonly unusedTimeout: number;
  /** Seconds without data on any channel, either way; 0 is no end. */
  readonly idleTimeout: number;
  /** Seconds that the connection may last, whatever goes on; 0 is no end. */
  readonly maxDuration: number;
  /** Tells the peer that it is over. */
  readonly transport: { sendDisconnect(reason: number, text: string): void } | null;
  /** Whether something goes on, such as a channel. */
  isUsed(): boolean;
  sendGlobalRequest(request: string, data: BytesLike, wantReply: boolean): Deferred<Buffer> | null;
}

export class Liveness {
  readonly #clock: IReactorTime;
  readonly #watched: Watched;
  #heard = false;
  #moved = true;
  #unanswered = 0;
  #lastUse: number;
  #nextQuestion: IDelayedCall | null = null;
  #nextLook: IDelayedCall | null = null;
  #nextIdleLook: IDelayedCall | null = null;
  #end: IDelayedCall | null = null;

  constructor(clock: IReactorTime, watched: Watched) {
    this.#clock = clock;
    this.#watched = watched;
    this.#lastUse = clock.seconds();
    if (watched.keepaliveInterval > 0) this.#listenIn(watched.keepaliveInterval);
    if (watched.unusedTimeout > 0) this.#lookIn(watched.unusedTimeout);
    const { idleTimeout, maxDuration } = watched;
    if (idleTimeout > 0) this.#watchIdlenessFrom(clock.seconds());
    if (maxDuration > 0) {
      const over = (): void =>
        watched.transport?.sendDisconnect(DISCONNECT_BY_APPLICATION, "the connection has lasted its time");
      this.#end = clock.callLater(maxDuration, over);
    }
  }

  /** Data passed on a channel. */
  moved(): void {
    this.#moved = true;
  }

  /** Something came from the peer. */
  heard(): void {
    this.#heard = true;
  }

  /** Something ended that made the connection one in use. */
  used(): void {
    this.#lastUse = this.#clock.seconds();
  }

  stop(): void {
    const timers = [this.#nextQuestion, this.#nextLook, this.#nextIdleLook, this.#end];
    for (const timer of timers) if (timer?.active() === true) timer.cancel();
  }

  static #listen(this: void, self: Liveness): void {
    const { keepaliveInterval, keepaliveCountMax } = self.#watched;
    if (self.#heard) {
      self.#heard = false;
      self.#unanswered = 0;
    } else if (self.#unanswered >= keepaliveCountMax) {
      self.#watched.transport?.sendDisconnect(DISCONNECT_CONNECTION_LOST, "the peer does not answer");
      return;
    } else {
      self.#unanswered += 1;
      // Its refusal is a sign of life as good as any.
      self.#watched.sendGlobalRequest("keepalive@openssh.com", "", true)?.addErrback(() => undefined);
    }
    self.#listenIn(keepaliveInterval);
  }

  /** A look costs nothing while data passes: it only asks whether any has since the last one. */
  #watchIdleness(lastMoved: number): void {
    const { idleTimeout } = this.#watched;
    const now = this.#clock.seconds();
    const since = this.#moved ? now : lastMoved;
    this.#moved = false;
    if (now - since >= idleTimeout)
      this.#watched.transport?.sendDisconnect(DISCONNECT_BY_APPLICATION, "the connection is idle");
    else this.#watchIdlenessFrom(since);
  }

  #look(): void {
    const { unusedTimeout } = this.#watched;
    if (this.#isUsed()) this.used();
    const left = this.#lastUse + unusedTimeout - this.#clock.seconds();
    if (left > 0) this.#lookIn(left);
    else this.#watched.transport?.sendDisconnect(DISCONNECT_BY_APPLICATION, "the connection is not used");
  }

  /** An application that cannot tell has a use for it. */
  #isUsed(): boolean {
    try {
      return this.#watched.isUsed();
    } catch (error) {
      log.failure("isUsed failed", new Failure(error));
      return true;
    }
  }

  #watchIdlenessFrom(lastMoved: number): void {
    const look = (): void => this.#watchIdleness(lastMoved);
    this.#nextIdleLook = this.#clock.callLater(this.#watched.idleTimeout / LOOKS, look);
  }

  #listenIn(seconds: number): void {
    this.#nextQuestion = this.#clock.callLater(seconds, Liveness.#listen, this);
  }

  #lookIn(seconds: number): void {
    this.#nextLook = this.#clock.callLater(seconds, () => this.#look());
  }
}
