/** What a user may have forwarded (rule C9): nothing that is not named. */
import { posix } from "node:path";
import type { MaybeLater } from "../interfaces.js";
import { endpoint, permits } from "../permissions/endpoint.js";

/**
 * Hosts and ports: all, those of a list as `permitopen` has them (`"db.internal:5432"`, `"[::1]:80"`, `"*:443"`,
 * `"*.internal:*"`), or those that a function says yes to.
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

/** Whether a host and a port are permitted. */
export type MayUse = (host: string, port: number) => MaybeLater<boolean>;

/** @throws ValueError for a list with anything else in it than hosts and ports, as is `listening` */
export function connecting(rule: HostRule | undefined): MayUse {
  const permitted = hosts(rule);
  return (host, port) => port >= 1 && port <= 65_535 && permitted(host, port);
}

export function listening(rule: HostRule | undefined): MayUse {
  const permitted = rule === true ? (_: string, port: number) => port === 0 || port >= PRIVILEGED : hosts(rule);
  return (host, port) => port <= 65_535 && permitted(host, port);
}

/** A path that is no absolute one, or not in its shortest form, is nobody's. */
export function mayUsePath(rule: PathRule | undefined, path: string): MaybeLater<boolean> {
  if (!isPlainPath(path)) return false;
  if (typeof rule === "function") return rule(path);
  return typeof rule === "object" ? rule.includes(path) : rule === true;
}

function hosts(rule: HostRule | undefined): MayUse {
  if (typeof rule === "function") return rule;
  if (typeof rule !== "object") return () => rule === true;
  const list = rule.map((each) => endpoint(each));
  return (host, port) => permits(list, host, port);
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
