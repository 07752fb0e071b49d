/** What user authentication writes to the log: one event for each login that succeeds or fails (L3). */
import { escapeText, Logger } from "@strombus/reactor/logger";

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
  log.info("login {outcome}: user {user} by {method} from {address} port {port}{key}{why}", {
    outcome,
    user: shown(event.user),
    method: shown(event.method),
    ...peerOf(event.transport),
    fingerprint: event.fingerprint,
    checker: event.checker,
    key: event.fingerprint === null ? "" : ` key ${event.fingerprint}`,
    why: why === "" ? "" : `: ${escapeText(why, 256)}`,
  });
}

/** Text of the peer in quotes, cut, on one line, and without what would move a terminal's cursor. */
export function shown(text: string): string {
  return `"${escapeText(text, SHOWN)}"`;
}

/** Where the connection comes from, as far as its transport can tell. */
function peerOf(transport: object): { address: string; port: number | null } {
  try {
    const { address } = (transport as { getPeer(): { address: unknown } }).getPeer();
    const { host, port } = address as { host?: unknown; port?: unknown };
    return { address: typeof host === "string" ? host : String(address), port: typeof port === "number" ? port : null };
  } catch {
    return { address: "unknown", port: null };
  }
}
