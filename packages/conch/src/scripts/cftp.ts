/** The program cftp: files by SFTP, command by command (twisted.conch.scripts.cftp). */
import { readFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { SystemExit } from "@strombus/reactor/exceptions";
import { StandardIO } from "@strombus/reactor/stdio";
import { UsageError } from "@strombus/reactor/usage";
import { type Connect, connectionByOptions } from "./cftp/connect.js";
import { ClientOptions } from "./cftp/options.js";
import { openSession } from "./cftp/session.js";
import { shownLines } from "../client/shown.js";
import { StdioClient } from "./cftp/stdio-client.js";
import { ExitWithMessage, sentenceOf } from "./exit.js";
import { startLoggingBy } from "./logging.js";

export type { Connect } from "./cftp/connect.js";
export { ClientOptions } from "./cftp/options.js";
export { FileWrapper } from "./cftp/progress.js";
export { SSHSession } from "./cftp/session.js";
export { type CommandResult, StdioClient, type StdioClientOptions } from "./cftp/stdio-client.js";

export interface RunOptions {
  /** Gives the connection. Default: as the options say, with questions at the terminal. */
  readonly connect?: Connect;
  /** Default: those of the process. */
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: { write(text: string): unknown };
}

/**
 * Does what the command line says, and sets the status of the process: 1 with a sentence on its standard error when that is
 * wrong, when there is no connection or it is lost, and when a batch has failed; else 0. Nothing is thrown.
 */
export async function run(
  words: readonly string[] = process.argv.slice(2),
  {
    connect = connectionByOptions,
    stdin = process.stdin,
    stdout = process.stdout,
    stderr = process.stderr,
  }: RunOptions = {},
): Promise<void> {
  const options = new ClientOptions();
  options.output = stdout;
  try {
    options.parseOptions(words);
    startLoggingBy(options);
    process.exitCode = (await transferFiles(options, { connect, stdin, stdout, stderr })) ? 0 : 1;
  } catch (error) {
    process.exitCode = error instanceof SystemExit ? error.code : 1;
    if (error instanceof ExitWithMessage) stderr.write(`${error.message}\n`);
    else if (error instanceof UsageError) stderr.write(`ERROR: ${error.message}\n${options.synopsis}\n`);
    else if (!(error instanceof SystemExit)) stderr.write(`cftp: ${shownLines(sentenceOf(error))}\n`);
  }
}

/** From the connection to its end. @returns whether all went well */
async function transferFiles(
  options: ClientOptions,
  { connect, stdin, stdout, stderr }: Required<RunOptions>,
): Promise<boolean> {
  const lines = batchOf(options);
  const conn = await connect(options);
  try {
    const subsystem = options.get("subsystem") as string;
    const { client, session } = await openSession(conn, { subsystem, stderr });
    const commands = new StdioClient(client, lines, options);
    const stdio = new StandardIO(commands, { stdin, stdout });
    session.stdio = stdio;
    await session.ended;
    stdio.loseConnection();
    if (!commands.finished) stderr.write("cftp: the session ended before its commands\n");
    return commands.finished && !commands.failed;
  } finally {
    conn.transport?.loseConnection();
  }
}

/** Its lines; null where commands come from the standard input. */
function batchOf(options: ClientOptions): string[] | null {
  const path = options.get("batchfile");
  if (typeof path !== "string" || path === "-") return null;
  return readFileSync(path, "utf8").replace(/\n$/, "").split("\n");
}
