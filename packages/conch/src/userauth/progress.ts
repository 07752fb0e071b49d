/**
 * How far one connection is with its login. All of it belongs to the connection: a repeated SERVICE_REQUEST makes a new
 * service and resets nothing (A1).
 */
import type { Deferred } from "@strombus/reactor/defer";
import type { IDelayedCall, IReactorTime } from "@strombus/reactor/interfaces";
import { ConchError } from "../error.js";
import type { Dialogue } from "./dialogue.js";
import { LoginScope } from "./scope.js";

/** One USERAUTH_REQUEST in hand. */
export class Attempt {
  /** Its answer does not count as a failure: it only asked whether a key would do. */
  isQuery = false;
  /** Of the key it names, for the log. */
  fingerprint: string | null = null;
  /** The class of the checker that was asked, for the log. */
  checker: string | null = null;
  /** Our questions that are not answered yet. */
  dialogue: Dialogue | null = null;

  constructor(
    readonly method: string,
    /** When it was taken in hand, by the service's clock. */
    readonly began: number,
  ) {}
}

/** A request that waits for its turn, and what fires when it was answered. */
export interface WaitingRequest {
  readonly packet: Buffer;
  readonly answered: Deferred<null>;
}

export class LoginProgress {
  // What the peer has spent.
  failures = 0;
  keyQueries = 0;
  rounds = 0;
  requests = 0;

  // What the current request says.
  user: string | null = null;
  nextService: string | null = null;
  method: string | null = null;
  authenticatedWith: string[] = [];
  /** The banner was sent. */
  greeted = false;
  scope = new LoginScope();

  /** A service is there to answer; false when the connection is gone. */
  running = false;
  /** Logged in or turned away: whatever still comes changes nothing. */
  over = false;
  inHand: Attempt | null = null;
  readonly waiting: WaitingRequest[] = [];
  /** When the time to log in ends. */
  deadline: Appointment | null = null;
  /** When a failure that is held back is answered. */
  heldBack: Appointment | null = null;

  /** Another user or service: what was shown so far is lost (A9). */
  about(user: string, nextService: string, method: string): void {
    if (user !== this.user || nextService !== this.nextService) {
      this.authenticatedWith = [];
      this.scope = new LoginScope();
    }
    this.user = user;
    this.nextService = nextService;
    this.method = method;
  }

  /** The service stops. Another may go on with the same appointments; none is put off by it. */
  suspend(): void {
    this.running = false;
    this.deadline?.suspend();
    this.heldBack?.suspend();
  }

  resume(clock: IReactorTime): void {
    this.running = true;
    this.deadline?.keep(clock);
    this.heldBack?.keep(clock);
  }

  /** The user does not answer any more: whoever asks hears of it, and does not wait for ever. */
  abandon(why: string): void {
    const dialogue = this.inHand?.dialogue;
    if (!dialogue) return;
    this.inHand!.dialogue = null;
    this.inHand = null;
    dialogue.answers.errback(new ConchError(why));
  }

  /** Nothing is answered any more. */
  finish(): void {
    this.over = true;
    this.suspend();
    this.deadline = null;
    this.heldBack = null;
    this.abandon("the time for answers is over");
    this.inHand = null;
    for (const { packet, answered } of this.waiting.splice(0)) {
      packet.fill(0);
      answered.callback(null);
    }
  }
}

/** A call at a set time, which can be put aside and taken up again without moving. */
export class Appointment {
  #call: IDelayedCall | null = null;

  constructor(
    readonly at: number,
    readonly action: () => void,
  ) {}

  keep(clock: IReactorTime): void {
    this.suspend();
    this.#call = clock.callLater(Math.max(0, this.at - clock.seconds()), this.action);
  }

  suspend(): void {
    if (this.#call?.active() === true) this.#call.cancel();
    this.#call = null;
  }
}

const byConnection = new WeakMap<object, LoginProgress>();

/** That of the connection whose SSH transport this is. */
export function progressOf(transport: object): LoginProgress {
  let progress = byConnection.get(transport);
  if (progress === undefined) byConnection.set(transport, (progress = new LoginProgress()));
  return progress;
}
