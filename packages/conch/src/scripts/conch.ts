/** The program conch: a shell or a command on a server, and ports that are forwarded (twisted.conch.scripts.conch). */
import { Readable } from "node:stream";
import { reactor as processReactor } from "@strombus/reactor";
import { SystemExit } from "@strombus/reactor/exceptions";
import type { IReactorTime } from "@strombus/reactor/interfaces";
import { deferLater } from "@strombus/reactor/task";
import { UsageError } from "@strombus/reactor/usage";
import { shownLines } from "../client/shown.js";
import { SSHConnection } from "./conch/connection.js";
import { ClientOptions } from "./conch/options.js";
import { SSHSession } from "./conch/session.js";
import { Signals } from "./conch/signals.js";
import { UserSide, type UserStreams } from "./conch/user-side.js";
import { connectByOptions } from "./connect.js";
import { ExitWithMessage, sentenceOf } from "./exit.js";
import { startLoggingBy } from "./logging.js";

export { SSHConnection } from "./conch/connection.js";
export { ClientOptions, type Forward } from "./conch/options.js";
export { SSHSession } from "./conch/session.js";
export type { UserStreams } from "./conch/user-side.js";

/** Of OpenSSH's client, for a program of which nobody knows how it ended. */
const UNKNOWN = 255;
const INTERNAL_ERROR = 2;
const RECONNECT_DELAY = 1; // seconds
/** For a server to see the end of a connection that the user has left, often because nothing comes from there any more. */
const QUIT_PATIENCE = 1; // seconds

/**
 * Connects to `options.host`, checks whom it has met and logs in: `connection` is the service that runs then. What it
 * fails with is shown to the user by its message.
 */
export type Connect = (options: ClientOptions, connection: SSHConnection) => PromiseLike<unknown>;

/** The streams are those of the process unless others are given. */
export interface RunOptions extends Partial<UserStreams> {
  /** Makes the connection. Default: as the options say, with questions at the terminal. */
  readonly connect?: Connect;
  /** Counts the second before a connection is made again. */
  readonly reactor?: Pick<IReactorTime, "callLater">;
}

/**
 * Does what the command line says, and sets the status of the process: that of the command or the shell; 255 where the
 * server does not tell it, 1 with a sentence on the standard error when the command line is wrong, when there is no
 * connection or it is lost, 2 for an error of the program's own, and 128 and the signal's number for one that has ended it.
 * Nothing is thrown.
 */
export async function run(
  words: readonly string[] = process.argv.slice(2),
  { connect = connectByOptions, reactor = processReactor, ...given }: RunOptions = {},
): Promise<void> {
  const { stdout = process.stdout, stderr = process.stderr } = given;
  const options = new ClientOptions();
  options.output = stdout;
  try {
    options.parseOptions(words);
    startLoggingBy(options);
    const stdin = options.isSet("null") ? Readable.from([]) : (given.stdin ?? process.stdin);
    process.exitCode = await stay(options, { connect, reactor, stdin, stdout, stderr });
  } catch (error) {
    process.exitCode = statusOf(error);
    if (error instanceof ExitWithMessage) stderr.write(`${error.message}\n`);
    else if (error instanceof UsageError) stderr.write(`ERROR: ${error.message}\n${options.getUsage()}\n`);
    else if (!(error instanceof SystemExit)) stderr.write(`conch: ${shownLines(sentenceOf(error))}\n`);
  }
}

function statusOf(error: unknown): number {
  if (error instanceof SystemExit) return error.code;
  return error instanceof UsageError ? 1 : INTERNAL_ERROR;
}

/** From the first connection to the end of the last. @returns the status */
async function stay(options: ClientOptions, { connect, reactor, ...streams }: Required<RunOptions>): Promise<number> {
  const { host } = options;
  const isLasting = options.isSet("reconnect");
  const user = new UserSide(streams);
  try {
    for (;;) {
      const connection = new SSHConnection(options);
      await orExit(connect(options, connection));
      const end = await use(connection, options, user);
      if (options.command === "" && streams.stdout.isTTY === true) user.say(`Connection to ${host} closed.`);
      if (typeof end === "number") return end;
      if (end === "lost" && !isLasting) throw exiting(`the connection to ${host} was lost`);
      await deferLater(reactor, RECONNECT_DELAY);
    }
  } finally {
    await user.close();
  }
}

/** @returns the status with which the program ends; else why there is none yet */
async function use(
  connection: SSHConnection,
  options: ClientOptions,
  user: UserSide,
): Promise<number | "lost" | "reconnect"> {
  const signals = new Signals(() => connection.transport?.loseConnection());
  const session = options.isSet("noshell") && !options.isSet("agent") ? null : new SSHSession(options, user);
  try {
    void connection.forward(options, (line) => user.tell(`conch: ${line}`));
    const ends = [connection.lost, signals.ended, ...(session === null ? [] : [throughout(session, connection)])];
    await Promise.race(ends);
    if (signals.status !== null) return signals.status;
    if (session?.isOver === true) return session.exitStatus ?? UNKNOWN;
    if (session?.hasQuit === true) {
      if (connection.transport !== null) connection.transport.closeTimeout = QUIT_PATIENCE;
      return UNKNOWN;
    }
    return signals.reconnect ? "reconnect" : "lost";
  } finally {
    signals.forget();
    connection.transport?.loseConnection();
    session?.leave();
  }
}

/** Settles when neither the session nor what goes through the connection keeps it any more. */
async function throughout(session: SSHSession, connection: SSHConnection): Promise<void> {
  await orExit(connection.openChannel(session));
  await session.ended;
  if (!session.hasQuit) await connection.whenEmpty();
}

async function orExit(work: PromiseLike<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw exiting(error);
  }
}

function exiting(cause: unknown): SystemExit {
  if (cause instanceof SystemExit) return cause;
  return new ExitWithMessage(`conch: exiting with error ${shownLines(sentenceOf(cause))}`, { cause });
}
