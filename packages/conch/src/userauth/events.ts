/** What user authentication writes to the log: one event for each login that succeeds or fails (L3). */
import { escapeText, Logger } from "@strombus/reactor/logger";
import { eventOf, plain, tellObservers } from "../events/report.js";

export const log = new Logger({ namespace: "strombus.conch.userauth" });

const SHOWN = 64; // characters

/** One attempt to log in, without any secret. */
export interface LoginEvent {
  readonly user: string;
  readonly method: string;
  readonly fingerprint: string | null;
  /** The class of the checker that was asked. */
  readonly checker: string | null;
  readonly transport: object;
}

export function logLogin(event: LoginEvent, outcome: "accepted" | "partly accepted" | "refused", why: string): void {
  const told = eventOf(event.transport, "ssh.login", {
    "ssh.login.outcome": outcome,
    "ssh.login.method": plain(event.method),
    "ssh.key.fingerprint": event.fingerprint,
    "ssh.login.checker": event.checker,
    "ssh.login.reason": why === "" ? null : plain(why),
  });
  const login = Object.assign(told, { "user.name": plain(event.user) });
  tellObservers(event.transport, login);
  log.info("login {outcome}: user {user} by {method} from {address} port {port}{key}{why}", {
    outcome,
    user: shown(event.user),
    method: shown(event.method),
    address: login["client.address"],
    port: login["client.port"],
    fingerprint: event.fingerprint,
    checker: event.checker,
    key: event.fingerprint === null ? "" : ` key ${event.fingerprint}`,
    why: why === "" ? "" : `: ${escapeText(why, 256)}`,
    ...login,
  });
}

/** Text of the peer in quotes, cut, on one line, and without what would move a terminal's cursor. */
export function shown(text: string): string {
  return `"${escapeText(text, SHOWN)}"`;
}
