/**
 * What a user may do once logged in, beyond having logged in: the restrictions of the key, the certificate or the checker
 * that let them in (OpenSSH's AUTHORIZED_KEYS FILE FORMAT in sshd(8), CERTIFICATES in ssh-keygen(1)).
 *
 * They belong to the connection, whatever avatar the realm gave, and the connection itself enforces them before any channel
 * or avatar is asked: a pty, agent or X11 forwarding that is forbidden is refused, so is a forwarding to an address or of a
 * port that is not permitted, and where a command is forced, a shell, another command or a subsystem becomes that command.
 * What is left to those who run something for the user is to ask:
 *
 * ```ts
 * const { environment, userRc } = permissionsOf(channel.conn); // variables to set; whether ~/.ssh/rc may run
 * const asked = originalCommandOf(channel); // for SSH_ORIGINAL_COMMAND; null when no command is forced
 * permissionsOf(conn).mayConnect("db.example", 5432); // where a forwarding begins elsewhere than in a request of the client
 * ```
 */
import { UnauthorizedLogin } from "@strombus/cred/error";
import { type Endpoint, permits } from "./permissions/endpoint.js";

export { type Endpoint, endpoint } from "./permissions/endpoint.js";
export { originalCommandOf } from "./permissions/gate.js";

/** What {@link Permissions} is made of; all of it is permitted by default. */
export interface PermissionOptions {
  readonly pty?: boolean;
  /** Of TCP ports and of sockets in the file system, both ways. */
  readonly portForwarding?: boolean;
  readonly agentForwarding?: boolean;
  readonly x11Forwarding?: boolean;
  /** Running the user's `~/.ssh/rc`. */
  readonly userRc?: boolean;
  /** Runs instead of whatever the client asks for; null leaves the choice to the client. */
  readonly command?: string | null;
  /** Variables for the programs of the user. */
  readonly environment?: ReadonlyMap<string, string>;
  /** Where a forwarding may lead to; null for anywhere. */
  readonly permitOpen?: readonly Endpoint[] | null;
  /** Where a forwarding may listen; null for anywhere. */
  readonly permitListen?: readonly Endpoint[] | null;
}

type Lists = readonly (readonly Endpoint[])[];

/** A value: what one login may do. */
export class Permissions {
  readonly pty: boolean;
  readonly portForwarding: boolean;
  readonly agentForwarding: boolean;
  readonly x11Forwarding: boolean;
  readonly userRc: boolean;
  readonly command: string | null;
  readonly environment: ReadonlyMap<string, string>;
  /** A place must be in each of the lists. */
  readonly #open: Lists;
  readonly #listen: Lists;

  constructor(options: PermissionOptions = {}, lists: { open?: Lists; listen?: Lists } = {}) {
    this.pty = options.pty ?? true;
    this.portForwarding = options.portForwarding ?? true;
    this.agentForwarding = options.agentForwarding ?? true;
    this.x11Forwarding = options.x11Forwarding ?? true;
    this.userRc = options.userRc ?? true;
    this.command = options.command ?? null;
    this.environment = options.environment ?? new Map();
    this.#open = [...(lists.open ?? []), ...(options.permitOpen ? [options.permitOpen] : [])];
    this.#listen = [...(lists.listen ?? []), ...(options.permitListen ? [options.permitListen] : [])];
  }

  /** Whether a forwarding may connect to this host and port. */
  mayConnect(host: string, port: number): boolean {
    return this.portForwarding && this.#open.every((list) => permits(list, host, port));
  }

  /** Whether a forwarding may listen on this address and port; the address may be empty, or a name. */
  mayListen(host: string, port: number): boolean {
    return this.portForwarding && this.#listen.every((list) => permits(list, host, port));
  }

  /** Whether forwardings may lead to sockets of the file system: not where TCP is limited to a list of places. */
  get mayConnectLocally(): boolean {
    return this.portForwarding && this.#open.length === 0;
  }

  /** Whether forwardings may listen on sockets of the file system: not where TCP is limited to a list of places. */
  get mayListenLocally(): boolean {
    return this.portForwarding && this.#listen.length === 0;
  }

  /**
   * What both permit.
   * @throws UnauthorizedLogin when each of them forces another command
   */
  and(other: Permissions): Permissions {
    if (other === Permissions.all || other === this) return this;
    if (this.command !== null && other.command !== null && this.command !== other.command) {
      throw new UnauthorizedLogin("two different commands are forced");
    }
    return new Permissions(
      {
        pty: this.pty && other.pty,
        portForwarding: this.portForwarding && other.portForwarding,
        agentForwarding: this.agentForwarding && other.agentForwarding,
        x11Forwarding: this.x11Forwarding && other.x11Forwarding,
        userRc: this.userRc && other.userRc,
        command: this.command ?? other.command,
        environment: new Map([...other.environment, ...this.environment]),
      },
      { open: [...this.#open, ...other.#open], listen: [...this.#listen, ...other.#listen] },
    );
  }

  /** Everything. */
  static readonly all = new Permissions();
  /** Nothing that can be forbidden: what the option `restrict` leaves. */
  static readonly none = new Permissions({
    pty: false,
    portForwarding: false,
    agentForwarding: false,
    x11Forwarding: false,
    userRc: false,
  });
}

const byBearer = new WeakMap<object, Permissions>();

/**
 * Narrows what may be done: a checker calls it with the credentials that it accepts, before it answers. What it forbids
 * holds for the whole login, also when other credentials follow. A server may call it later with the transport of a
 * connection, to narrow what that one may still begin.
 *
 * ```ts
 * requestAvatarId(credentials: IUsernamePassword) {
 *   if (credentials.username === "backup") restrict(credentials, new Permissions({ command: "internal-sftp" }));
 * ```
 */
export function restrict(credentialsOrTransport: object, permissions: Permissions): void {
  const already = byBearer.get(credentialsOrTransport);
  byBearer.set(credentialsOrTransport, already?.and(permissions) ?? permissions);
}

/** What was said of these credentials, or of this transport; everything, if nothing was. */
export function restrictionsOf(credentialsOrTransport: object): Permissions {
  return byBearer.get(credentialsOrTransport) ?? Permissions.all;
}

/** What the user of this connection may do; everything on a connection that nobody logged in on, such as a client's. */
export function permissionsOf(connection: { readonly transport: object | null } | null | undefined): Permissions {
  return connection?.transport ? restrictionsOf(connection.transport) : Permissions.all;
}
