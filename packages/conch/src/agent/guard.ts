/** What an agent's keys are held to, for all its connections: lifetimes, confirmation, and the lock (draft-ietf-sshm-ssh-agent). */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IReactorTime } from "@strombus/reactor/interfaces";
import { ConchError } from "../error.js";
import type { Reader } from "../wire/reader.js";
import { type Destination, readDestinations, RESTRICT_DESTINATION } from "./destinations.js";
import { AGENT_CONSTRAIN_CONFIRM, AGENT_CONSTRAIN_EXTENSION, AGENT_CONSTRAIN_LIFETIME } from "./numbers.js";

const LONGEST_WAIT = 10; // seconds

export interface Constraints {
  /** Seconds until the agent forgets the key; null is never. */
  readonly lifetime: number | null;
  /** Somebody is asked before each signature. */
  readonly confirm: boolean;
  /** The ways that the key may be used; null is any. */
  readonly destinations: readonly Destination[] | null;
}

/** @throws ConchError for a constraint that nobody here can hold the key to. */
export function readConstraints(from: Reader): Constraints {
  let lifetime: number | null = null;
  let confirm = false;
  let destinations: readonly Destination[] | null = null;
  while (from.remaining > 0) {
    const kind = from.byte();
    if (kind === AGENT_CONSTRAIN_LIFETIME) lifetime = from.uint32();
    else if (kind === AGENT_CONSTRAIN_CONFIRM) confirm = true;
    else if (kind === AGENT_CONSTRAIN_EXTENSION) {
      const name = from.text();
      if (name !== RESTRICT_DESTINATION || destinations !== null) {
        throw new ConchError(`constraint ${JSON.stringify(name.slice(0, 64))}`);
      }
      destinations = readDestinations(from.string());
    } else throw new ConchError(`constraint ${kind}`);
  }
  return { lifetime, confirm, destinations };
}

export class AgentGuard {
  readonly #ends = new Map<string, number>();
  readonly #confirmed = new Set<string>();
  readonly #destinations = new Map<string, readonly Destination[]>();
  #lock: Buffer | null = null;
  #wrong = 0; // passphrases in a row

  get isLocked(): boolean {
    return this.#lock !== null;
  }

  constrain(id: string, { lifetime, confirm, destinations }: Constraints, clock: IReactorTime): void {
    this.forget(id);
    if (lifetime !== null) this.#ends.set(id, clock.seconds() + lifetime);
    if (confirm) this.#confirmed.add(id);
    if (destinations !== null) this.#destinations.set(id, destinations);
  }

  forget(id: string): void {
    this.#ends.delete(id);
    this.#confirmed.delete(id);
    this.#destinations.delete(id);
  }

  /** Null for a key that may be used anywhere. */
  destinationsOf(id: string): readonly Destination[] | null {
    return this.#destinations.get(id) ?? null;
  }

  needsConfirmation(id: string): boolean {
    return this.#confirmed.has(id);
  }

  /** The keys whose time is over. */
  expired(clock: IReactorTime): string[] {
    const now = clock.seconds();
    return [...this.#ends].filter(([, end]) => end <= now).map(([id]) => id);
  }

  /** @throws ConchError when it is locked already. */
  lock(passphrase: Buffer): void {
    if (this.#lock !== null) throw new ConchError("the agent is locked already");
    this.#lock = digest(passphrase);
  }

  /** Whether the passphrase opens it; if not, `wait` says how many seconds the answer shall take. */
  unlock(passphrase: Buffer): { opened: boolean; wait: number } {
    if (this.#lock === null) throw new ConchError("the agent is not locked");
    if (timingSafeEqual(this.#lock, digest(passphrase))) {
      this.#lock = null;
      this.#wrong = 0;
      return { opened: true, wait: 0 };
    }
    this.#wrong += 1;
    return { opened: false, wait: Math.min(LONGEST_WAIT, this.#wrong / 10) };
  }
}

function digest(passphrase: Buffer): Buffer {
  return createHash("sha256").update(passphrase).digest();
}
