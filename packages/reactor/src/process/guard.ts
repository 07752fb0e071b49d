/** What a process protocol throws, or its promise rejects with, is logged and changes nothing. */
import { callLogged } from "../logged-calls.js";
import { Logger } from "../logger.js";

const log = new Logger({ namespace: "strombus.reactor.process" });

export function guarded(call: () => unknown): void {
  callLogged(log, "a process protocol", call);
}
