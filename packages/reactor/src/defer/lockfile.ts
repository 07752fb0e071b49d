/** Locks in the file system, held by a process (twisted.python.lockfile), and a Deferred way to wait for one. */
import { readlinkSync, renameSync, symlinkSync, unlinkSync } from "node:fs";
import { ValueError } from "../exceptions.js";
import type { IDelayedCall, IReactorTime } from "../interfaces.js";
import { Deferred } from "./deferred.js";
import { AlreadyTryingToLockError, TimeoutError } from "./errors.js";
import { fail, succeed } from "./functions.js";

const RETRY_INTERVAL = 1; // seconds

/** A symbolic link named `name` whose target is the number of the process that holds the lock. */
export class FilesystemLock {
  readonly name: string;
  locked = false;
  /** False if the last holder ended without unlocking. */
  clean = true;

  constructor(name: string) {
    this.name = name;
  }

  /** Tries once: true if it is ours now. A lock whose process is gone is taken over. @throws what the file system says */
  lock(): boolean {
    for (let clean = true; ; clean = false) {
      try {
        symlinkSync(String(process.pid), this.name);
        this.locked = true;
        this.clean = clean;
        return true;
      } catch (error) {
        if (codeOf(error) !== "EEXIST") throw error;
      }
      const holder = holderOf(this.name);
      if (holder !== null && isAlive(holder)) return false;
      if (holder !== null) this.#removeStale();
    }
  }

  /** @throws ValueError if this process does not hold it. */
  unlock(): void {
    if (holderOf(this.name) !== process.pid) throw new ValueError(`the lock ${this.name} is not held by this process`);
    unlinkSync(this.name);
    this.locked = false;
  }

  /** Whether a living process holds the lock of that name. */
  static isLocked(name: string): boolean {
    const holder = holderOf(name);
    return holder !== null && isAlive(holder);
  }

  // Moved away first: of several who find it stale, only one removes it.
  #removeStale(): void {
    const aside = `${this.name}.${process.pid}`;
    try {
      renameSync(this.name, aside);
      unlinkSync(aside);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }
}

/** A FilesystemLock that can be waited for, on the clock of `scheduler`. */
export class DeferredFilesystemLock extends FilesystemLock {
  readonly #scheduler: Pick<IReactorTime, "callLater">;
  #attempt: Attempt | null = null;

  constructor(name: string, scheduler: Pick<IReactorTime, "callLater">) {
    super(name);
    this.#scheduler = scheduler;
  }

  /** Tries now and every second. Fails with TimeoutError after `timeout` seconds, with AlreadyTryingToLockError meanwhile. */
  deferUntilLocked({ timeout = null }: { timeout?: number | null } = {}): Deferred<null> {
    if (this.#attempt !== null) return fail(new AlreadyTryingToLockError(`already waiting for the lock ${this.name}`));
    const deferred = new Deferred<null>(() => void this.#settle());
    try {
      if (this.lock()) return succeed(null);
    } catch (error) {
      return fail(error);
    }
    this.#attempt = { deferred, timeout: null, retry: this.#scheduler.callLater(RETRY_INTERVAL, () => this.#retry()) };
    if (timeout !== null) {
      this.#attempt.timeout = this.#scheduler.callLater(timeout, () =>
        this.#settle()?.errback(new TimeoutError(timeout, `locking ${this.name}`)),
      );
    }
    return deferred;
  }

  #retry(): void {
    const attempt = this.#attempt!;
    try {
      if (this.lock()) this.#settle()?.callback(null);
      else attempt.retry = this.#scheduler.callLater(RETRY_INTERVAL, () => this.#retry());
    } catch (error) {
      this.#settle()?.errback(error);
    }
  }

  /** Ends the attempt; its Deferred is to be fired. */
  #settle(): Deferred<null> | null {
    const attempt = this.#attempt;
    this.#attempt = null;
    if (attempt?.retry.active()) attempt.retry.cancel();
    if (attempt?.timeout?.active()) attempt.timeout.cancel();
    return attempt?.deferred ?? null;
  }
}

interface Attempt {
  readonly deferred: Deferred<null>;
  retry: IDelayedCall;
  timeout: IDelayedCall | null;
}

/** The process that the link names; null if the link is not there. */
function holderOf(name: string): number | null {
  try {
    return Number(readlinkSync(name));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== "ESRCH"; // EPERM: it is there, and somebody else's
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
