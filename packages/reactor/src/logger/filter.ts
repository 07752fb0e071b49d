/** Observers that pass on some events, or keep the last ones (twisted.logger). */
import { CallableObserver, callable, type LogEvent, type LogObserver, passOn } from "./event.js";
import { InvalidLogLevelError, LogLevel, LogLevelConstant } from "./levels.js";

/** A predicate's answer: let it pass, drop it, or let the next predicate decide. */
export const PredicateResult = { yes: "yes", no: "no", maybe: "maybe" } as const;
export type PredicateResult = keyof typeof PredicateResult;

export type LogFilterPredicate = (event: LogEvent) => PredicateResult;

/** Passes an event on when the first predicate with an opinion says yes, or when none has one. */
export class FilteringLogObserver extends CallableObserver {
  readonly #observer: LogObserver;
  readonly #negativeObserver: LogObserver | null;
  readonly #predicates: readonly LogFilterPredicate[];

  /** `negativeObserver` gets what does not pass. */
  constructor(
    observer: LogObserver,
    predicates: Iterable<LogFilterPredicate>,
    { negativeObserver = null }: { negativeObserver?: LogObserver | null } = {},
  ) {
    super();
    this.#observer = observer;
    this.#negativeObserver = negativeObserver;
    this.#predicates = [...predicates];
  }

  /** @throws TypeError for an answer that is no PredicateResult. */
  observe(event: LogEvent): unknown {
    const observer = this.#passes(event) ? this.#observer : this.#negativeObserver;
    return observer === null ? undefined : passOn(this, observer, event);
  }

  #passes(event: LogEvent): boolean {
    for (const predicate of this.#predicates) {
      const result: unknown = predicate(event);
      if (result === PredicateResult.yes) return true;
      if (result === PredicateResult.no) return false;
      if (result !== PredicateResult.maybe) throw new TypeError(`not a PredicateResult: ${String(result)}`);
    }
    return true;
  }
}

const CallablePredicate = callable<LogFilterPredicate>();

/** Drops events below a level, which can be set for each namespace, and then holds for those under it: a, a.b, a.b.c. */
export class LogLevelFilterPredicate extends CallablePredicate {
  readonly defaultLogLevel: LogLevelConstant;
  readonly #levels = new Map<string, LogLevelConstant>();

  constructor({ defaultLogLevel = LogLevel.info }: { defaultLogLevel?: LogLevelConstant } = {}) {
    super();
    this.defaultLogLevel = defaultLogLevel;
  }

  logLevelForNamespace(namespace: string): LogLevelConstant {
    for (let name = namespace; name !== ""; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
      const level = this.#levels.get(name);
      if (level !== undefined) return level;
    }
    return this.#levels.get("") ?? this.defaultLogLevel;
  }

  /** "" stands for all namespaces. @throws InvalidLogLevelError */
  setLogLevelForNamespace(namespace: string, level: LogLevelConstant): void {
    if (!(level instanceof LogLevelConstant)) throw new InvalidLogLevelError(level);
    this.#levels.set(namespace, level);
  }

  clearLogLevels(): void {
    this.#levels.clear();
  }

  observe(event: LogEvent): PredicateResult {
    const { log_level: level, log_namespace: namespace } = event;
    if (level === undefined || namespace === undefined) return PredicateResult.no;
    return level < this.logLevelForNamespace(namespace) ? PredicateResult.no : PredicateResult.maybe;
  }
}
