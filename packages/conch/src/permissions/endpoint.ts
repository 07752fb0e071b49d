/** A host and a port, as the options `permitopen` and `permitlisten` name them (sshd(8), sshd_config(5)). */
import { ValueError } from "@strombus/reactor/exceptions";
import { matchesPattern } from "./pattern.js";

export interface Endpoint {
  /** A name or an address, without brackets; `*` and `?` stand for any characters, and for any one. */
  readonly host: string;
  /** Null for every port. */
  readonly port: number | null;
}

/**
 * Reads `host:port`, where a host with colons stands in brackets and the port may be `*`.
 *
 * @param bare whether a port alone will do, which then stands for any host
 * @throws ValueError when it is anything else
 */
export function endpoint(text: string, { bare = false } = {}): Endpoint {
  const whole = bare && /^(\*|\d+)$/.test(text) ? `*:${text}` : text;
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\*|\d{1,5})$/.exec(whole) ?? [];
  const host = bracketed ?? plain;
  const port = digits === "*" ? null : Number(digits);
  if (host === undefined || port === 0 || (port ?? 0) > 65_535) {
    throw new ValueError(`${JSON.stringify(text.slice(0, 64))} is not a host and a port`);
  }
  return { host, port };
}

/** Whether one of the endpoints is this one. An empty host means all addresses, and so is asked for as `*`. */
export function permits(list: readonly Endpoint[], host: string, port: number): boolean {
  const asked = host.replace(/^\[(.*)\]$/, "$1") || "*";
  return list.some((each) => (each.port === null || each.port === port) && matchesPattern(asked, each.host));
}
