/** Who is let in before anything is known of them but an address. A server's transport asks; `Defence` answers. */
import type { IAddress } from "@strombus/reactor/interfaces";

/** What a connection can have done wrong by its end without a login. */
export type Offence =
  | "protocol" // it broke the protocol
  | "login" // it failed to log in
  | "timeout" // it let a deadline pass
  | "nothing"; // it went without trying to log in

/** One connection, from the moment it was let in. */
export interface Visit {
  /** The user has logged in: it no longer counts among those that have not. */
  loggedIn(): void;
  /** The worst of what it did counts at its end. */
  commit(offence: Offence): void;
  /** The connection is over. Called once. */
  left(): void;
}

export interface Gate {
  /** null turns the peer away: its connection is cut without a word. */
  admit(peer: IAddress): Visit | null;
  /** Why the last one was turned away, in a word that no peer chose. */
  readonly lastRefusal?: string | null;
}
