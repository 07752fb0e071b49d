/** An application in this process: started, and stopped in an orderly way. */
import { maybeDeferred } from "../../defer.js";
import { Logger } from "../../logger.js";
import { reactor } from "../../reactor.js";
import { deferLater } from "../../task.js";
import { drained } from "./drain.js";
import { RunError } from "./errors.js";
import { HealthServer } from "./health.js";
import { loadApplication } from "./load.js";
import { beginLogging, REOPEN_SIGNAL } from "./logging.js";
import { ServiceManager } from "./notify.js";
import type { RunOptions } from "./options.js";
import { writePidfile } from "./pidfile.js";
import { dropPrivileges } from "./privileges.js";
import { SupervisorLink } from "./worker.js";

const log = new Logger({ namespace: "strombus.runner" });

/** Who learns how the process is doing. */
interface Watcher {
  ready(): void;
  stopping(): void;
  close(): unknown;
}

/** Runs until the reactor has stopped. @throws RunError if it cannot start */
export async function runHere(options: RunOptions): Promise<void> {
  const supervisor = SupervisorLink.find();
  const reopenLog = beginLogging(options);
  if (supervisor !== null) supervisor.onReopenLog(reopenLog);
  else if (options.logfile !== null) process.on(REOPEN_SIGNAL, reopenLog);
  const removePidfile = supervisor === null && options.pidfile !== null ? writePidfile(options.pidfile) : () => {};
  const watchers = supervisor === null ? await ownWatchers(options) : [linkTo(supervisor)];
  try {
    const { service, process: wanted } = await loadApplication(options.module, options.args);
    await started("privileged services", () => service.privilegedStartService());
    dropPrivileges({ uid: options.uid ?? wanted?.uid ?? null, gid: options.gid ?? wanted?.gid ?? null });
    if (wanted?.processName != null) process.title = wanted.processName;

    reactor.addSystemEventTrigger("before", "shutdown", async () => {
      for (const watcher of watchers) watcher.stopping();
      await deferLater(reactor, options.drainDelay);
      await maybeDeferred(() => service.stopService());
      const left = await drained(reactor.openTransports, options.drain, reactor);
      if (left > 0) log.warn("closing {left} connections after {drain} seconds", { left, drain: options.drain });
    });
    reactor.drainTime = options.drain;
    const stopped = reactor.run();
    supervisor?.onLost(() => {
      if (reactor.running) reactor.stop();
    });
    // Told to stop meanwhile, it does not wait for a start that takes its time.
    await Promise.race([started("services", () => service.startService()), stopped]);
    if (reactor.running) {
      for (const watcher of watchers) watcher.ready();
      log.info("{module} runs as process {pid}", { module: options.module, pid: process.pid });
    }
    await stopped;
    log.info("{module} has stopped", { module: options.module });
  } finally {
    removePidfile();
    for (const watcher of watchers) await watcher.close();
  }
}

async function ownWatchers({ health }: RunOptions): Promise<Watcher[]> {
  const watchers: Watcher[] = [new ServiceManager()];
  if (health !== null) watchers.push(asWatcher(await HealthServer.listen(health)));
  return watchers;
}

function asWatcher(health: HealthServer): Watcher {
  return {
    ready: () => (health.ready = true),
    stopping: () => (health.ready = false),
    close: () => health.close(),
  };
}

function linkTo(supervisor: SupervisorLink): Watcher {
  return { ready: () => supervisor.ready(), stopping() {}, close() {} };
}

async function started(what: string, start: () => unknown): Promise<void> {
  try {
    await start();
  } catch (cause) {
    throw new RunError(`the ${what} did not start: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
