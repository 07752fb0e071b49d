/** The options of a line in `authorized_keys` (AUTHORIZED_KEYS FILE FORMAT in sshd(8)). */
import { BadKeyError } from "../keys/errors.js";
import { type Endpoint, endpoint, Permissions, type PermissionOptions } from "../permissions.js";
import { SourceList } from "../permissions/source.js";

export interface KeyOptions {
  /** What the connection holds the user to. */
  readonly permissions: Permissions;
  /** Where the user may come from; null for anywhere. */
  readonly from: SourceList | null;
  /** In seconds since 1970; from then on the key is worth nothing. */
  readonly expires: number;
  /** It is no key of the user, but one that signs certificates for them. */
  readonly certAuthority: boolean;
  /** With `certAuthority`: the names of which the certificate must bear one; null for the user's. */
  readonly principals: readonly string[] | null;
  /** Of a security key: whether somebody must touch it, and whether it must know by PIN or finger who. */
  readonly touchRequired: boolean;
  readonly verifyRequired: boolean;
}

export interface ReadingOptions {
  /** False reads the option `environment` and drops what it sets; default true. */
  readonly permitUserEnvironment?: boolean;
}

const MAX_ENVIRONMENT = 128; // variables

type Flag = keyof Pick<Draft, "pty" | "portForwarding" | "agentForwarding" | "x11Forwarding" | "userRc">;
const FLAGS: ReadonlyMap<string, Flag> = new Map<string, Flag>([
  ["pty", "pty"],
  ["port-forwarding", "portForwarding"],
  ["agent-forwarding", "agentForwarding"],
  ["x11-forwarding", "x11Forwarding"],
  ["user-rc", "userRc"],
]);

/** What is being read, one option after the other. */
class Draft {
  pty = true;
  portForwarding = true;
  agentForwarding = true;
  x11Forwarding = true;
  userRc = true;
  command: string | null = null;
  readonly environment = new Map<string, string>();
  readonly permitOpen: Endpoint[] = [];
  readonly permitListen: Endpoint[] = [];
  from: SourceList | null = null;
  expires = Infinity;
  certAuthority = false;
  principals: readonly string[] | null = null;
  touchRequired = true;
  verifyRequired = false;

  /** Options that stand alone; false for one that there is not. */
  setFlag(name: string): boolean {
    const denies = name.startsWith("no-");
    const flag = FLAGS.get(denies ? name.slice(3) : name);
    if (flag !== undefined) this[flag] = !denies;
    else if (name === "restrict") for (const each of FLAGS.values()) this[each] = false;
    else if (name === "cert-authority") this.certAuthority = true;
    else if (name === "no-touch-required") this.touchRequired = false;
    else if (name === "verify-required") this.verifyRequired = true;
    else return false;
    return true;
  }

  /** Options with a value; false for one that there is not. */
  setValue(name: string, value: string): boolean {
    switch (name) {
      case "command":
        this.command = once(name, this.command, value);
        return true;
      case "from":
        this.from = once(name, this.from, new SourceList(value, { patterns: true }));
        return true;
      case "environment":
        this.#setVariable(value);
        return true;
      case "permitopen":
        this.permitOpen.push(endpoint(value));
        return true;
      case "permitlisten":
        this.permitListen.push(endpoint(value, { bare: true }));
        return true;
      case "principals":
        this.principals = once(name, this.principals, value.split(","));
        return true;
      case "expiry-time":
        this.expires = Math.min(this.expires, timeOf(value));
        return true;
      case "tunnel": // there are no tunnels here that it could choose
        if (!/^(any|\d+)$/.test(value)) throw new BadKeyError("malformed option tunnel");
        return true;
      default:
        return false;
    }
  }

  /** The first of a name counts. */
  #setVariable(text: string): void {
    const [, name, value] = /^(\w+)=([^\0]*)$/.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new BadKeyError("malformed option environment");
    if (this.environment.has(name)) return;
    if (this.environment.size === MAX_ENVIRONMENT) throw new BadKeyError("too many options environment");
    this.environment.set(name, value);
  }

  done(): KeyOptions {
    if (this.principals !== null && !this.certAuthority) {
      throw new BadKeyError("option principals without cert-authority");
    }
    const { pty, portForwarding, agentForwarding, x11Forwarding, userRc, command, environment } = this;
    const permissions: PermissionOptions = {
      pty,
      portForwarding,
      agentForwarding,
      x11Forwarding,
      userRc,
      command,
      environment,
      permitOpen: this.permitOpen.length > 0 ? this.permitOpen : null,
      permitListen: this.permitListen.length > 0 ? this.permitListen : null,
    };
    const { from, expires, certAuthority, principals, touchRequired, verifyRequired } = this;
    return {
      permissions: new Permissions(permissions),
      from,
      expires,
      certAuthority,
      principals,
      touchRequired,
      verifyRequired,
    };
  }
}

/**
 * Reads the options that stand before a key: names in any case, with commas between them, values in quotes in which `\"` is a
 * quote.
 *
 * @throws BadKeyError for an option that is unknown or malformed: its key is worth nothing then (A16)
 */
export function parseKeyOptions(text: string, { permitUserEnvironment = true }: ReadingOptions = {}): KeyOptions {
  const draft = new Draft();
  const option = /([A-Za-z0-9-]+)(?:="((?:\\"|[^"])*)")?(,(?=.)|$)/y;
  while (option.lastIndex < text.length) {
    const [all, written, value] = option.exec(text) ?? [];
    if (all === undefined || written === undefined) throw new BadKeyError("malformed options");
    const name = written.toLowerCase();
    if (!(value === undefined ? draft.setFlag(name) : set(draft, name, value.replaceAll('\\"', '"')))) {
      throw new BadKeyError(`unknown option ${JSON.stringify(name.slice(0, 64))}`);
    }
  }
  if (!permitUserEnvironment) draft.environment.clear();
  return draft.done();
}

/** Where the options of a line end: at the first blank that is in no quotes. */
export function endOfOptions(line: string): number {
  const [options = ""] = /^(?:\\"|"(?:\\"|[^"])*"|[^\s"])*/.exec(line) ?? [];
  return options.length;
}

function set(draft: Draft, name: string, value: string): boolean {
  try {
    return draft.setValue(name, value);
  } catch (cause) {
    if (cause instanceof BadKeyError) throw cause;
    throw new BadKeyError(`malformed option ${name}`, { cause });
  }
}

function once<T>(name: string, already: T | null, value: T): T {
  if (already !== null) throw new BadKeyError(`option ${name} stands twice`);
  return value;
}

/** YYYYMMDD, with HHMM or HHMMSS behind it, of our time zone, or of UTC with a Z at the end. */
function timeOf(text: string): number {
  const [, year, month, day, hour = "00", minute = "00", second = "00", utc] =
    /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z?)$/i.exec(text) ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const time = year === undefined ? NaN : Date.parse(utc ? `${iso}Z` : iso);
  // Of the 31st of February JavaScript makes a day in March.
  const zone = utc ? 0 : new Date(time).getTimezoneOffset() * 60_000;
  if (Number.isNaN(time) || new Date(time - zone).toISOString().slice(0, 10) !== iso.slice(0, 10)) {
    throw new BadKeyError("malformed option expiry-time");
  }
  return time / 1000;
}
