/** Telling of an event: to the observers of the connection's factory, and to the log. */
import { isIP } from "node:net";
import { escapeText, Logger, type LogFields } from "@strombus/reactor/logger";
import { peerLog } from "../peer-log.js";
import { type ConnectionFields, type EventFields, type EventName, LINES, type SSHEvent } from "./catalogue.js";
import type { SSHEvents } from "./observers.js";

const log = new Logger({ namespace: "strombus.conch.events" });

const SHOWN = 256; // characters of what a peer wrote

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A connection, as far as events tell of it. In memory it may have less. */
interface Reporting {
  readonly isClient?: boolean;
  readonly otherVersionString?: string;
  readonly hassh?: string | null;
  readonly factory?: { readonly events?: SSHEvents } | null;
  getPeer?(): { readonly address: unknown };
}

const { pid } = process; // asked once: the system is, each time
let connections = 0;
const known = new WeakMap<object, Mutable<ConnectionFields>>();

/** Tells of an event of a server's connection; a client's has none. */
export function report<N extends EventName>(
  transport: object | null | undefined,
  name: N,
  fields: EventFields[N],
): void {
  const connection = transport as Reporting | null | undefined;
  if (connection == null || connection.isClient === true) return;
  const event = eventOf(connection, name, fields);
  tellObservers(connection, event);
  const line = LINES[name];
  if (line === null) return;
  const to = line.once === true ? log : peerLog(log, connection);
  to[line.level](line.format, event as unknown as LogFields);
}

/** The event, for who logs it in words of his own; `report` does the rest. */
export function eventOf<N extends EventName>(connection: object, name: N, fields: EventFields[N]): SSHEvent<N> {
  const facts = factsOf(connection);
  return { "event.name": name, time: Date.now() / 1000, ...facts, ...fields } as unknown as SSHEvent<N>;
}

/** Tells observers alone. */
export function tellObservers<N extends EventName>(connection: object, event: SSHEvent<N>): void {
  (connection as Reporting).factory?.events?.tell(event as unknown as SSHEvent);
}

/** Who has logged in on this connection, from now on. */
export function named(transport: object, user: string): void {
  factsOf(transport)["user.name"] = plain(user);
}

/** What a peer wrote, fit to be a field. */
export function plain(text: string): string {
  return escapeText(text, SHOWN);
}

function factsOf(connection: Reporting): Mutable<ConnectionFields> {
  let facts = known.get(connection);
  if (facts === undefined) {
    facts = { "ssh.connection.id": `${pid}-${++connections}`, ...whereabouts(connection), ...NOTHING_KNOWN };
    known.set(connection, facts);
  }
  facts["ssh.hassh"] ??= connection.hassh ?? null;
  const { otherVersionString: version } = connection;
  if (facts["ssh.client.version"] === null && version) facts["ssh.client.version"] = plain(version);
  return facts;
}

const NOTHING_KNOWN = { "ssh.hassh": null, "ssh.client.version": null, "user.name": null };

/** Where the connection comes from, as far as its transport can tell. */
function whereabouts(
  connection: Reporting,
): Pick<ConnectionFields, "client.address" | "client.port" | "network.transport" | "network.type"> {
  let address: { host?: unknown; port?: unknown; name?: unknown } = {};
  try {
    address = connection.getPeer?.().address ?? {};
  } catch {
    // gone already
  }
  const { host, port, name } = address;
  if (typeof host !== "string") {
    const isUNIX = name !== undefined;
    const path = typeof name === "string" || Buffer.isBuffer(name) ? plain(String(name)) : "";
    return {
      "client.address": path === "" ? "unknown" : path,
      "client.port": null,
      "network.transport": isUNIX ? "unix" : "other",
      "network.type": null,
    };
  }
  const version = isIP(host.replace(/%.*/, ""));
  return {
    "client.address": host,
    "client.port": typeof port === "number" ? port : null,
    "network.transport": "tcp",
    "network.type": version === 0 ? null : version === 4 ? "ipv4" : "ipv6",
  };
}
