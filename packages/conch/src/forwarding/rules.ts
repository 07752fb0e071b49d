/** What a user may have forwarded (rule C9): nothing that is not named. */
import { posix } from "node:path";
import type { MaybeLater } from "../interfaces.js";

/**
 * Hosts and ports: all, those of a list as `permitopen` has them (`"db.internal:5432"`, `"[::1]:80"`, `"*:443"`,
 * `"web.internal:*"`), or those that a function says yes to.
 */
export type HostRule = boolean | readonly string[] | ((host: string, port: number) => MaybeLater<boolean>);

/** Sockets of the file system: all, those of a list of paths, or those that a function says yes to. */
export type PathRule = boolean | readonly string[] | ((path: string) => MaybeLater<boolean>);

export interface ForwardingRules {
  /** Where we connect to for the user: ssh's -L, -D, -W and ProxyJump. */
  readonly connect?: HostRule;
  /** Where we listen for the user: ssh's -R. A list or a function must name ports below 1024; `true` has none of them. */
  readonly listen?: HostRule;
  /** Sockets of the file system that we connect to for the user. */
  readonly connectUNIX?: PathRule;
  /** Sockets of the file system that we make for the user; they are readable by our own user alone. */
  readonly listenUNIX?: PathRule;
  /** Listen on the addresses that the user asks for; else only this machine itself can connect, whatever is asked. */
  readonly gatewayPorts?: boolean;
}

const PRIVILEGED = 1024;
const LONGEST_PATH = 107; // bytes: what the address of a socket holds on Linux

export function mayConnect(rule: HostRule | undefined, host: string, port: number): MaybeLater<boolean> {
  if (port < 1 || port > 65_535) return false;
  return permits(rule, host, port);
}

export function mayListen(rule: HostRule | undefined, host: string, port: number): MaybeLater<boolean> {
  if (port > 65_535) return false;
  if (rule === true) return port === 0 || port >= PRIVILEGED;
  return permits(rule, host, port);
}

/** A path that is no absolute one, or not in its shortest form, is nobody's. */
export function mayUsePath(rule: PathRule | undefined, path: string): MaybeLater<boolean> {
  if (!isPlainPath(path)) return false;
  if (typeof rule === "function") return rule(path);
  return typeof rule === "object" ? rule.includes(path) : rule === true;
}

function permits(rule: HostRule | undefined, host: string, port: number): MaybeLater<boolean> {
  if (typeof rule === "function") return rule(host, port);
  return typeof rule === "object" ? rule.some((each) => matches(each, host, port)) : rule === true;
}

/** The port is what follows the last colon. */
function matches(entry: string, host: string, port: number): boolean {
  const colon = entry.lastIndexOf(":");
  const [entryHost, entryPort] = [entry.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), entry.slice(colon + 1)];
  if (entryPort !== "*" && entryPort !== String(port)) return false;
  return entryHost === "*" || entryHost.toLowerCase() === host.toLowerCase();
}

/** Nothing in it that a system call would cut, follow or take for something else than a file's name. */
function isPlainPath(path: string): boolean {
  return (
    path.startsWith("/") &&
    !path.includes("\0") &&
    posix.normalize(path) === path &&
    !path.endsWith("/") &&
    Buffer.byteLength(path) <= LONGEST_PATH
  );
}
