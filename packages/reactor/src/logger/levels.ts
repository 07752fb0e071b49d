/** Log levels, ordered (twisted.logger). */

/** One level; compare levels by `value`, or with `<`. */
export class LogLevelConstant {
  constructor(
    readonly name: LogLevelName,
    readonly value: number,
  ) {}

  valueOf(): number {
    return this.value;
  }

  toString(): string {
    return `<LogLevel=${this.name}>`;
  }
}

export type LogLevelName = "debug" | "info" | "warn" | "error" | "critical";

/** Something that is no log level. */
export class InvalidLogLevelError extends Error {
  override readonly name = "InvalidLogLevelError";
  readonly code = "ERR_INVALID_LOG_LEVEL";

  constructor(readonly level: unknown) {
    super(`not a log level: ${String(level)}`);
  }
}

const levels = [
  new LogLevelConstant("debug", 0),
  new LogLevelConstant("info", 1),
  new LogLevelConstant("warn", 2),
  new LogLevelConstant("error", 3),
  new LogLevelConstant("critical", 4),
] as const;

/** debug < info < warn < error < critical. */
export const LogLevel = {
  debug: levels[0],
  info: levels[1],
  warn: levels[2],
  error: levels[3],
  critical: levels[4],

  /** @throws InvalidLogLevelError */
  levelWithName(name: string): LogLevelConstant {
    const level = levels.find((each) => each.name === name);
    if (level === undefined) throw new InvalidLogLevelError(name);
    return level;
  },

  iterconstants(): IterableIterator<LogLevelConstant> {
    return levels.values();
  },
} as const;
