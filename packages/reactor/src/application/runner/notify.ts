/**
 * Telling systemd how the service is (sd_notify). The messages are datagrams on a UNIX socket, which Node has not, so
 * systemd's own program `systemd-notify` sends them: a unit needs `NotifyAccess=all`, since another process speaks.
 */
import { spawn } from "node:child_process";
import { Logger } from "../../logger.js";

const log = new Logger({ namespace: "strombus.runner" });

export class ServiceManager {
  readonly #socket: string | undefined;
  readonly #watchdog: number; // seconds between two signs of life; 0 for none
  #pinging: NodeJS.Timeout | null = null;
  #sending: Promise<void> = Promise.resolve();

  /** Takes the variables out of the environment: children of the application are not the service. */
  constructor(environment: NodeJS.ProcessEnv = process.env, pid = process.pid) {
    const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = environment;
    this.#socket = NOTIFY_SOCKET;
    const watched = WATCHDOG_PID === undefined || WATCHDOG_PID === String(pid);
    this.#watchdog = watched ? (Number(WATCHDOG_USEC ?? 0) || 0) / 2_000_000 : 0;
    for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) Reflect.deleteProperty(environment, name);
  }

  /** Half the time after which systemd takes the service for dead; 0 if it does not watch. */
  get watchdogInterval(): number {
    return this.#watchdog;
  }

  /** Ready; from now on, signs of life for as long as `isAlive` says so. */
  ready(isAlive: () => boolean = () => true): void {
    this.#send("READY=1");
    if (this.#watchdog === 0 || this.#socket === undefined || this.#pinging !== null) return;
    this.#pinging = setInterval(() => {
      if (isAlive()) this.#send("WATCHDOG=1");
    }, this.#watchdog * 1000).unref();
  }

  reloading(): void {
    const now = process.hrtime.bigint() / 1000n; // CLOCK_MONOTONIC, in microseconds
    this.#send("RELOADING=1", `MONOTONIC_USEC=${now}`);
  }

  stopping(): void {
    this.#send("STOPPING=1");
  }

  /** Settles when all is sent, and ends the signs of life. */
  async close(): Promise<void> {
    if (this.#pinging !== null) clearInterval(this.#pinging);
    await this.#sending;
  }

  /** One after the other: systemd takes them in the order in which they come. */
  #send(...assignments: string[]): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#sending = this.#sending.then(() => notify(socket, assignments));
  }
}

function notify(socket: string, assignments: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn("systemd-notify", assignments, {
      env: { ...process.env, NOTIFY_SOCKET: socket },
      stdio: "ignore",
    });
    child.once("error", (error) => {
      log.warn("systemd was not told {what}: {reason}", { what: assignments.join(" "), reason: error.message });
      resolve();
    });
    child.once("exit", (code) => {
      if (code !== 0)
        log.warn("systemd was not told {what}: exit status {code}", { what: assignments.join(" "), code });
      resolve();
    });
  });
}
