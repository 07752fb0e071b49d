/** The user of conch: what they type and see. */
import type { Readable } from "node:stream";
import { implementer } from "@strombus/reactor/components";
import { IHalfCloseableProtocol, type IPushProducer, type MaybeAsync } from "@strombus/reactor/interfaces";
import { Protocol } from "@strombus/reactor/protocol";
import { StandardIO } from "@strombus/reactor/stdio";
import { Terminal, type TerminalInput, type TerminalOutput } from "./terminal.js";

export interface UserStreams {
  readonly stdin: Readable & TerminalInput;
  readonly stdout: TerminalOutput;
  readonly stderr: TerminalOutput;
}

/** What has the user's side: a session, which is held back by a screen that takes no more. */
export interface Joined extends IPushProducer {
  /** The server has ended its output. */
  readonly remoteEOF: boolean;
  handleInput(typed: Buffer): void;
  /** The user types no more. */
  endInput(): void;
  loseConnection(): void;
}

/** Sessions have it one after the other; in between nothing is read. */
@implementer(IHalfCloseableProtocol)
export class UserSide extends Protocol implements IHalfCloseableProtocol {
  readonly streams: UserStreams;
  readonly terminal: Terminal;
  readonly #lost: Promise<void>;
  #stdio: StandardIO | null = null;
  #session: Joined | null = null;
  #hasEnded = false;
  #end!: () => void;

  constructor(streams: UserStreams) {
    super();
    this.streams = streams;
    this.terminal = new Terminal(streams.stdin, [streams.stdout, streams.stderr]);
    this.#lost = new Promise((resolve) => (this.#end = resolve));
    streams.stderr.on("error", () => {}); // nobody reads what it complains of
  }

  /** What is typed goes to the session from now on, which may write. */
  join(session: Joined): StandardIO {
    this.#session = session;
    const stdio = (this.#stdio ??= new StandardIO(this, this.streams));
    stdio.registerProducer(session, true);
    stdio.resumeProducing();
    if (this.#hasEnded) session.endInput();
    return stdio;
  }

  /** The session has ended. */
  part(): void {
    this.#session = null;
    this.#stdio?.unregisterProducer();
    this.#stdio?.pauseProducing();
  }

  /** A line for the user, whatever state the terminal is in. */
  tell(...lines: string[]): void {
    this.streams.stderr.write(lines.map((line) => `${line}${this.terminal.isRaw ? "\r\n" : "\n"}`).join(""));
  }

  /** A line that is part of the output. */
  say(line: string): void {
    const { stdout } = this.streams;
    if (stdout.writable) stdout.write(`${line}\n`);
  }

  /** Settles when all is written, and nothing is read any more. */
  async close(): Promise<void> {
    this.terminal.restore();
    if (this.#stdio === null) return;
    this.#stdio.loseConnection();
    await this.#lost;
  }

  override dataReceived(data: Buffer): MaybeAsync {
    this.#session?.handleInput(data);
  }

  readConnectionLost(): MaybeAsync {
    this.#hasEnded = true;
    this.#session?.endInput();
  }

  /** The server has ended its output; else nobody reads it any more. */
  writeConnectionLost(): MaybeAsync {
    if (this.#session?.remoteEOF === false) this.#session.loseConnection();
  }

  override connectionLost(): MaybeAsync {
    this.#session?.loseConnection();
    this.#end();
  }
}
