/** What each session of a soak does: by chance, and the same again for the same seed. */

export const PASSWORD = "the right password";
/** Seconds for one session, and for each step of it. */
export const PATIENCE = 300;
export const FAULT = "a fault of the application that is meant";

/** Which program is the client. */
export type Kind = "ours" | "ssh2" | "openssh";

export const WORKS = [
  "shell", // an echo
  "source", // a command that sends
  "sink", // a command that is sent to
  "upper", // a process
  "terminal", // a process on a terminal
  "dial", // forwarding, ours to the server's side
  "listen", // forwarding, the server's side to ours
  "rekey",
  "ask", // a global request
  "fault", // an application that throws
  "refused", // a channel that nobody has
  "abandon", // a channel that is left as it is
] as const;
export type Work = (typeof WORKS)[number];

export interface Plan {
  readonly number: number;
  readonly kind: Kind;
  readonly user: "user" | "streams" | "nobody";
  /** Passwords in turn; none is a client that leaves before it logs in. */
  readonly passwords: readonly string[];
  readonly works: readonly Work[];
  /** Bytes of the server's after which the client is gone without a word. */
  readonly cut: number | null;
  readonly end: "close" | "cut" | "the server cuts" | "the server leaves";
  /** Bytes that a work moves, about. */
  readonly bytes: number;
}

/** A session's plan: a matter of the seed and of its number alone. */
export function planOf(seed: number, number: number): Plan {
  const chance = new Chance(seed ^ Math.imul(number + 1, 0x9e3779b1));
  const kind = chance.odds(0.005) ? "openssh" : chance.odds(0.1) ? "ssh2" : "ours";
  const fails = chance.odds(0.06);
  const right = fails ? [] : [PASSWORD];
  const wrong = Array.from({ length: fails ? chance.below(3) : chance.odds(0.03) ? 1 : 0 }, () => "wrong");
  // A process costs more than all the rest, and a byte that is moved costs little.
  const works = Array.from({ length: 1 + chance.below(3) }, () =>
    chance.odds(0.03) ? chance.pick(["upper", "terminal"] as const) : chance.pick(USUAL),
  );
  return {
    number,
    kind,
    user: fails && chance.odds(0.5) ? "nobody" : chance.odds(0.3) ? "streams" : "user",
    passwords: [...wrong, ...right],
    works,
    cut: chance.odds(0.2) ? chance.below(8000) : null,
    end: chance.odds(0.1) ? chance.pick(["cut", "the server cuts", "the server leaves"] as const) : "close",
    bytes: chance.odds(0.02) ? 300_000 : chance.below(5000),
  };
}

const USUAL = WORKS.filter((work) => work !== "upper" && work !== "terminal");

/** The generator mulberry32. */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to 1, 1 excluded. */
  part(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.part() * limit);
  }

  odds(part: number): boolean {
    return this.part() < part;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}
