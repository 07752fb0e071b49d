/** A conversation with a directory server, by the package ldapts: one connection each, which ends with it. */
import { type Socket, connect, isIP } from "node:net";
import { type ConnectionOptions, connect as connectSecurely } from "node:tls";
import { ValueError } from "@strombus/reactor/exceptions";
import { optional } from "../optional.js";

/** How to reach a directory. */
export interface DirectoryOptions {
  /** `ldaps://host:port` or `ldap://host:port`. */
  readonly url: string;
  /** Turns to TLS before anything else is said on an `ldap:` connection (RFC 4511 section 4.14); default false. */
  readonly startTLS?: boolean;
  /** What TLS is to trust, for instance `{ ca }`; names are checked unless it says otherwise. */
  readonly tls?: ConnectionOptions;
  /** Allows passwords to travel to another machine in the clear; default false. */
  readonly insecure?: boolean;
  /** How long to wait for a connection, and for each answer, in seconds; default 10. */
  readonly timeout?: number;
}

/** An entry: its DN, and those attributes that were asked for. */
export type Entry = { readonly dn: string } & Readonly<Record<string, unknown>>;

export interface Search {
  readonly scope: "base" | "sub";
  readonly filter: string;
  readonly attributes: string[];
  readonly sizeLimit?: number;
}

/** What may be said. */
export interface Conversation {
  bind(dn: string, password: string): Promise<void>;
  search(base: string, search: Search): Promise<{ searchEntries: Entry[] }>;
}

/** The part of ldapts that is used here. */
interface LDAP {
  readonly Client: new (options: object) => Conversation & { startTLS(options: ConnectionOptions): Promise<void> };
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** A directory server. */
export class Directory {
  readonly #options: DirectoryOptions;
  readonly #client: LDAP["Client"];
  readonly #host: string;
  /** TLS from the start. */
  readonly #secure: boolean;

  /**
   * @throws ValueError for a URL that is none, or passwords in the clear; NotImplementedError without the package ldapts.
   */
  constructor(options: DirectoryOptions) {
    const { protocol, hostname } = URL.canParse(options.url) ? new URL(options.url) : { protocol: "", hostname: "" };
    if (protocol !== "ldap:" && protocol !== "ldaps:") throw new ValueError("a directory's URL is of ldap: or ldaps:");
    if (protocol === "ldap:" && options.startTLS !== true && options.insecure !== true && !LOOPBACK.test(hostname)) {
      throw new ValueError(`passwords would go to ${hostname} in the clear: use ldaps:, startTLS, or say insecure`);
    }
    this.#secure = protocol === "ldaps:";
    if (this.#secure && options.startTLS === true) throw new ValueError("ldaps: has TLS from its start");
    this.#options = options;
    this.#host = hostname.replace(/^\[|\]$/g, "");
    this.#client = optional<LDAP>("ldapts", "Asking a directory").Client;
  }

  /** Connects, talks, and ends the connection whatever happened. */
  async converse<T>(talk: (conversation: Conversation) => Promise<T>): Promise<T> {
    const { url, startTLS = false, tls = {}, timeout = 10 } = this.#options;
    const sockets: Socket[] = [];
    const keep = <S extends Socket>(socket: S): S => (sockets.push(socket), socket);
    const security: ConnectionOptions = { host: this.#host, ...tls };
    if (isIP(this.#host) === 0) security.servername ??= this.#host;
    const client = new this.#client({
      url,
      timeout: timeout * 1000,
      connectTimeout: timeout * 1000,
      ...(this.#secure && { tlsOptions: security }), // with these ldapts begins with TLS, whatever the URL says
      createConnection: (port: number, host: string) => keep(connect(port, host)),
      createSecureConnection: (...args: Parameters<typeof connectSecurely>) => keep(connectSecurely(...args)),
    });
    try {
      if (startTLS) await client.startTLS(security);
      return await talk(client);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  }
}
