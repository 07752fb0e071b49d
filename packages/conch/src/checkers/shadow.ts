/** The passwords of a UNIX system, as Python's `spwd` module shows them (shadow(5)). */
import { readFileSync } from "node:fs";
import { KeyError } from "@strombus/reactor/exceptions";

/** One line of `/etc/shadow`. Dates and periods are in days, dates from 1970; null where the field is empty. */
export interface ShadowEntry {
  readonly sp_namp: string;
  /** The hash of the password, or what no password has. */
  readonly sp_pwdp: string;
  /** When the password was changed; 0 if it must be. */
  readonly sp_lstchg: number | null;
  readonly sp_min: number | null;
  /** How long a password is good. */
  readonly sp_max: number | null;
  readonly sp_warn: number | null;
  readonly sp_inact: number | null;
  /** When the account ends. */
  readonly sp_expire: number | null;
}

/** Where the passwords of users are looked up. */
export interface ShadowDatabase {
  /** @throws KeyError for a user who is unknown; the entry may be a Promise too. */
  getspnam(name: string): ShadowEntry | PromiseLike<ShadowEntry>;
}

/** The passwords in `/etc/shadow`, read anew each time: for root, and the group of that file. */
export const spwd = {
  /** Where they stand; a test may put another file in its place. */
  path: "/etc/shadow",

  getspnam(name: string): ShadowEntry {
    for (const line of readFileSync(spwd.path, "utf8").split("\n")) {
      const [sp_namp, sp_pwdp, ...dates] = line.split(":");
      if (sp_namp !== name || sp_pwdp === undefined || dates.length !== 7) continue;
      const [sp_lstchg, sp_min, sp_max, sp_warn, sp_inact, sp_expire] = dates.map(dayOf) as DayFields;
      return { sp_namp, sp_pwdp, sp_lstchg, sp_min, sp_max, sp_warn, sp_inact, sp_expire };
    }
    throw new KeyError(`no user ${JSON.stringify(name)}`);
  },
} satisfies ShadowDatabase & Record<string, unknown>;

type Day = number | null;
type DayFields = [Day, Day, Day, Day, Day, Day, Day];

/**
 * Why a right password does not let in any more, by shadow(5); null if nothing speaks against it. Who must change the
 * password first is kept out, as it cannot be changed here.
 *
 * @param today in days from 1970.
 */
export function expiry({ sp_lstchg, sp_max, sp_expire }: ShadowEntry, today: number): string | null {
  if (sp_expire !== null && today >= sp_expire) return "the account has expired";
  if (sp_lstchg === 0) return "the password must be changed";
  if (sp_lstchg !== null && sp_max !== null && today > sp_lstchg + sp_max) return "the password has expired";
  return null;
}

function dayOf(field: string): Day {
  return /^\d+$/.test(field) ? Number(field) : null;
}
