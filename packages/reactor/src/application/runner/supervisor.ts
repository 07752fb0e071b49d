/**
 * Several processes behind the same ports. The listening sockets belong to all of them: the first worker binds, the
 * supervisor keeps what was bound, and every later worker inherits it. So a worker can be replaced while connections
 * wait in the socket's queue, and none is refused.
 */
import { Logger } from "../../logger.js";
import { HealthServer } from "./health.js";
import { beginLogging, REOPEN_SIGNAL } from "./logging.js";
import { ServiceManager } from "./notify.js";
import type { RunOptions } from "./options.js";
import { writePidfile } from "./pidfile.js";
import { RunError } from "./errors.js";
import { SocketShelf, WorkerProcess } from "./worker-process.js";

const log = new Logger({ namespace: "strombus.runner" });
const FIRST_PAUSE = 0.1; // seconds until a worker that died is replaced, doubled each time
const LONGEST_PAUSE = 60; // seconds
const KILL_AFTER = 10; // seconds beyond what a worker may take to stop

/** Runs until it was told to stop and all workers have. @throws RunError if the first worker cannot start */
export async function supervise(options: RunOptions, args: readonly string[]): Promise<void> {
  const reopenLog = beginLogging(options);
  const removePidfile = options.pidfile === null ? () => {} : writePidfile(options.pidfile);
  const manager = new ServiceManager();
  const health = options.health === null ? null : await HealthServer.listen(options.health);
  try {
    const supervisor = new Supervisor(options, args, manager, health);
    if (options.logfile !== null) {
      process.on(REOPEN_SIGNAL, () => {
        reopenLog();
        supervisor.reopenLogs();
      });
    }
    await supervisor.run();
  } finally {
    removePidfile();
    health?.close();
    await manager.close();
  }
}

class Supervisor {
  readonly #options: RunOptions;
  readonly #args: readonly string[];
  readonly #manager: ServiceManager;
  readonly #health: HealthServer | null;
  readonly #sockets = new SocketShelf();
  /** The workers that are to run, one a place. */
  readonly #places: WorkerProcess[] = [];
  /** All that run, those that were replaced and still drain too. */
  readonly #workers = new Set<WorkerProcess>();
  #state: "starting" | "running" | "stopping" = "starting";
  #reloading = false;
  #reloadAgain = false;
  #stopped: () => void = () => {};

  constructor(options: RunOptions, args: readonly string[], manager: ServiceManager, health: HealthServer | null) {
    this.#options = options;
    this.#args = args;
    this.#manager = manager;
    this.#health = health;
  }

  async run(): Promise<void> {
    const stopped = new Promise<void>((resolve) => (this.#stopped = resolve));
    const keepAlive = setInterval(() => {}, 2 ** 31 - 1);
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => this.#stop());
    process.on("SIGHUP", () => void this.#reload());

    // The first alone: it binds what the others share.
    for (let place = 0; place < this.#options.processes && !this.#isStopping(); place++) {
      const worker = this.#launch();
      if (!(await worker.ready) && !this.#isStopping()) {
        for (const each of this.#workers) each.stop();
        throw new RunError("the application did not start");
      }
      this.#keep(place, worker);
    }
    if (!this.#isStopping()) this.#running();
    await stopped;
    clearInterval(keepAlive);
    log.info("all processes have stopped");
  }

  /** In every worker, those that drain too. */
  reopenLogs(): void {
    for (const worker of this.#workers) worker.reopenLog();
  }

  #running(): void {
    this.#state = "running";
    if (this.#health !== null) this.#health.ready = true;
    this.#manager.ready(() => this.#lookForStuckWorkers());
    log.info("{processes} processes run under process {pid}", {
      processes: this.#places.length,
      pid: process.pid,
    });
  }

  #isStopping(): boolean {
    return this.#state === "stopping";
  }

  #launch(): WorkerProcess {
    const worker = new WorkerProcess(this.#args, this.#sockets);
    this.#workers.add(worker);
    void worker.ended.then(() => {
      this.#workers.delete(worker);
      if (this.#isStopping() && this.#workers.size === 0) this.#stopped();
    });
    return worker;
  }

  /** Whenever the worker of this place ends by itself, another takes its place, after pauses that grow. */
  #keep(place: number, worker: WorkerProcess, pause = FIRST_PAUSE): void {
    this.#places[place] = worker;
    const started = Date.now();
    void worker.ended.then((how) => {
      if (this.#isStopping() || this.#places[place] !== worker) return;
      log.error("process {pid} ended by itself ({how}); another takes its place", { pid: worker.pid, how });
      const livedLong = Date.now() - started > LONGEST_PAUSE * 1000;
      const next = livedLong ? FIRST_PAUSE : Math.min(pause * 2, LONGEST_PAUSE);
      setTimeout(() => {
        if (!this.#isStopping() && this.#places[place] === worker) this.#keep(place, this.#launch(), next);
      }, pause * 1000);
    });
  }

  /** One place after the other gets a new worker; the old one is told to stop when that is ready. */
  async #reload(): Promise<void> {
    if (this.#reloading) this.#reloadAgain = true;
    if (this.#reloading || this.#state !== "running") return;
    this.#reloading = true;
    this.#manager.reloading();
    do {
      this.#reloadAgain = false;
      await this.#replaceAll();
    } while (this.#takeReloadAgain());
    this.#reloading = false;
    if (!this.#isStopping()) this.#manager.ready();
  }

  #takeReloadAgain(): boolean {
    return this.#reloadAgain && !this.#isStopping();
  }

  async #replaceAll(): Promise<void> {
    for (let place = 0; place < this.#places.length && !this.#isStopping(); place++) {
      const [old, worker] = [this.#places[place]!, this.#launch()];
      if (!(await worker.ready)) {
        log.error("the new process did not start; those that run go on");
        return;
      }
      this.#keep(place, worker);
      old.stop();
    }
    log.info("the processes were replaced");
  }

  #stop(): void {
    if (this.#isStopping()) {
      for (const worker of this.#workers) worker.kill();
      process.exit(1); // asked twice
    }
    this.#state = "stopping";
    if (this.#health !== null) this.#health.ready = false;
    this.#manager.stopping();
    const limit = this.#options.drainDelay + this.#options.drain + KILL_AFTER;
    setTimeout(() => {
      for (const worker of this.#workers) worker.kill();
    }, limit * 1000).unref();
    for (const worker of this.#workers) worker.stop();
    if (this.#workers.size === 0) this.#stopped();
  }

  /** For systemd's watchdog: we are alive, and see to it that the workers are. */
  #lookForStuckWorkers(): boolean {
    for (const worker of this.#places) {
      if (worker.isSilentFor(this.#manager.watchdogInterval * 2)) {
        log.error("process {pid} is stuck and is killed", { pid: worker.pid });
        worker.kill();
      } else worker.askForLife();
    }
    return true;
  }
}
