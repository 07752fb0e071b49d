/** The command line of `strombus run`. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { LogLevel, type LogLevelConstant } from "../../logger.js";
import { RunError } from "./errors.js";

export interface RunOptions {
  /** The module that exports the application, as a path. */
  readonly module: string;
  /** What follows it, for the application. */
  readonly args: readonly string[];
  readonly uid: number | string | null;
  readonly gid: number | string | null;
  readonly pidfile: string | null;
  readonly logfile: string | null;
  readonly json: boolean;
  readonly logLevel: LogLevelConstant;
  /** Seconds for connections to end by themselves once the process was told to stop. */
  readonly drain: number;
  /** Seconds between saying that it is not ready any more and closing the ports. */
  readonly drainDelay: number;
  /** Where readiness can be asked for. */
  readonly health: { readonly host: string; readonly port: number } | null;
  /** 0: this process itself; else that many, and one that watches over them. */
  readonly processes: number;
}

export const USAGE = `usage: strombus run [options] MODULE [ARGUMENT...]

Runs the application that MODULE exports as \`application\`, \`makeService\` or default:
JavaScript, or TypeScript where Node.js can load it.

  --uid USER, --gid GROUP   whom to become when privileged services have started
  --pidfile FILE            where to write the process id
  --logfile FILE            where to log; default standard output. SIGUSR2 opens it anew
  --json                    log one JSON object a line
  --log-level LEVEL         debug, info (default), warn, error, critical
  --drain SECONDS           how long connections may take to end after SIGTERM; default 30
  --drain-delay SECONDS     how long to go on accepting after SIGTERM, not ready any more; default 0
  --health [HOST:]PORT      answer GET /ready and GET /live by HTTP; default host 127.0.0.1
  --processes N             that many processes behind the same ports, or "auto"; SIGHUP restarts
                            them one by one and refuses no connection
  --help
`;

/** @throws RunError for what it does not understand */
export function parseOptions(args: readonly string[]): RunOptions | "help" {
  const { values, positionals } = parsed(args);
  if (values.help === true) return "help";
  const [command, module, ...rest] = positionals;
  if (command !== "run") throw new RunError(`what to do? There is only "run".\n\n${USAGE}`);
  if (module === undefined) throw new RunError(`no module was named.\n\n${USAGE}`);
  return {
    module,
    args: rest,
    uid: account(values.uid),
    gid: account(values.gid),
    pidfile: values.pidfile ?? null,
    logfile: values.logfile ?? null,
    json: values.json === true,
    logLevel: level(values["log-level"] ?? "info"),
    drain: seconds("--drain", values.drain ?? "30"),
    drainDelay: seconds("--drain-delay", values["drain-delay"] ?? "0"),
    health: values.health === undefined ? null : hostAndPort(values.health),
    processes: values.processes === undefined ? 0 : processes(values.processes),
  };
}

function parsed(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  // What follows the module is the application's, dashes and all.
  const own = ownArguments(args);
  try {
    const { values, positionals } = parseArgs({
      args: own,
      allowPositionals: true,
      options: {
        help: flag,
        json: flag,
        uid: text,
        gid: text,
        pidfile: text,
        logfile: text,
        "log-level": text,
        drain: text,
        "drain-delay": text,
        health: text,
        processes: text,
      },
    });
    return { values, positionals: [...positionals, ...args.slice(own.length)] };
  } catch (error) {
    throw new RunError(`${(error as Error).message}\n\n${USAGE}`);
  }
}

const WITHOUT_VALUE: ReadonlySet<string> = new Set(["--help", "--json"]);

/** All up to the module: the second word that is neither an option nor an option's value. */
function ownArguments(args: readonly string[]): string[] {
  let words = 0;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (!arg.startsWith("-")) words += 1;
    else if (!WITHOUT_VALUE.has(arg) && !arg.includes("=")) at += 1;
    if (words === 2) return args.slice(0, at + 1);
  }
  return [...args];
}

function account(name: string | undefined): number | string | null {
  if (name === undefined) return null;
  return /^[0-9]+$/.test(name) ? Number(name) : name;
}

function level(name: string): LogLevelConstant {
  try {
    return LogLevel.levelWithName(name);
  } catch {
    throw new RunError(`--log-level is debug, info, warn, error or critical, not ${JSON.stringify(name)}`);
  }
}

function seconds(option: string, text: string): number {
  const value = Number(text);
  if (text === "" || !(value >= 0 && value < Infinity))
    throw new RunError(`${option} takes seconds, not ${JSON.stringify(text)}`);
  return value;
}

function processes(text: string): number {
  if (text === "auto") return availableParallelism();
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new RunError(`--processes is a number from 1, or auto, not ${JSON.stringify(text)}`);
  return count;
}

function hostAndPort(text: string): { host: string; port: number } {
  const match = /^(?:\[?(?<host>[^\]]*?)\]?:)?(?<port>[0-9]+)$/.exec(text);
  const port = Number(match?.groups?.["port"]);
  if (match === null || !(port <= 65535))
    throw new RunError(`--health takes a port, or host:port, not ${JSON.stringify(text)}`);
  return { host: match.groups?.["host"] ?? "127.0.0.1", port };
}
