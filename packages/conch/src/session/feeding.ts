/** A producer that feeds a session's output, and waits while the client takes no more. */
import { reactor } from "@strombus/reactor";
import { RuntimeError } from "@strombus/reactor/exceptions";
import type { IPullProducer, IPushProducer } from "@strombus/reactor/interfaces";
import { guard } from "../channel/hooks.js";
import type { SSHSession } from "../ssh/session.js";

type Registered =
  | { readonly streaming: true; readonly producer: IPushProducer }
  | { readonly streaming: false; readonly producer: IPullProducer };

/** How often in a row who produces when asked is asked: a turn of the loop is then for others. */
const MAX_ASKED = 16;

export class Feeding {
  readonly #session: SSHSession;
  #registered: Registered | null = null;
  #isAsked = false;

  constructor(session: SSHSession) {
    this.#session = session;
  }

  /** @throws RuntimeError if there is one already. */
  register(producer: IPushProducer | IPullProducer, streaming: boolean): void {
    if (this.#registered !== null) throw new RuntimeError("a producer is registered already");
    if (this.#session.closing || this.#session.localClosed) return producer.stopProducing();
    this.#registered = { producer, streaming } as Registered;
    if (this.#session.areWriting) this.#ask();
    else this.pause();
  }

  unregister(): void {
    this.#registered = null;
  }

  pause(): void {
    if (this.#registered?.streaming === true) this.#registered.producer.pauseProducing();
  }

  resume(): void {
    if (this.#registered?.streaming === true) this.#registered.producer.resumeProducing();
    else this.#ask();
  }

  /** Nobody takes anything more. */
  stop(): void {
    const registered = this.#registered;
    this.#registered = null;
    registered?.producer.stopProducing();
  }

  /** Who produces when it is asked is asked turn by turn, as long as there is room. */
  #ask(): void {
    if (this.#registered?.streaming !== false || this.#isAsked) return;
    this.#isAsked = true;
    const { conn } = this.#session;
    (conn?.transport?.clock ?? reactor).callLater(0, () => {
      this.#isAsked = false;
      if (conn !== null) guard(conn, this.#session, () => this.#pull());
    });
  }

  #pull(): void {
    for (let asked = 0; asked < MAX_ASKED; asked++) {
      if (!this.#session.areWriting || this.#registered?.streaming !== false) return;
      this.#registered.producer.resumeProducing();
    }
    this.#ask();
  }
}
