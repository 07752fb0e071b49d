/** A terminal protocol on the terminal of the process. */
import { PassThrough, type Readable, type Writable } from "node:stream";
import { reactor as theReactor } from "@strombus/reactor";
import { RuntimeError } from "@strombus/reactor/exceptions";
import { Failure } from "@strombus/reactor/failure";
import type { IReactorCore, MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { StandardIO, type StandardIOOptions } from "@strombus/reactor/stdio";
import { after, settle } from "../channel/later.js";
import type { Source } from "../class.js";
import type { ITerminalProtocol } from "../insults/interfaces.js";
import { ServerProtocol } from "../insults/server.js";
import { sizeOf } from "../session/terminal.js";
import { stop } from "./stop.js";

const log = new Logger({ namespace: "strombus.conch.stdio" });

/** Signals that would end the process with its terminal as it is. */
const DEADLY = ["SIGHUP", "SIGQUIT"] as const;

export type Keyboard = Readable & { readonly isTTY?: boolean; setRawMode?(mode: boolean): unknown };
export type Screen = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

export interface RunWithOptions {
  /** Default: those of the process. */
  readonly stdin?: Keyboard;
  readonly stdout?: Screen;
  readonly reactor?: RunningReactor;
}

export type RunningReactor = NonNullable<StandardIOOptions["reactor"]> &
  Pick<IReactorCore, "run" | "stop"> & { callWhenRunning(callable: () => unknown): unknown };

/**
 * Runs the reactor with a terminal protocol of this class on the terminal, which is in raw mode until the protocol is lost:
 * Ctrl-C is a key. When it is lost the reactor stops. However this ends, the terminal has the mode then that it had before, and
 * its screen is clear.
 *
 * @throws RuntimeError where standard input or output is no terminal
 */
export async function runWithProtocol(
  klass: Source<ITerminalProtocol, []>,
  { stdin = process.stdin, stdout = process.stdout, reactor = theReactor }: RunWithOptions = {},
): Promise<void> {
  if (stdin.isTTY !== true || stdout.isTTY !== true) {
    throw new RuntimeError("standard input and output have to be a terminal");
  }
  const terminal = new RawTerminal(stdin, stdout);
  try {
    const finished = reactor.run();
    reactor.callWhenRunning(() => {
      const { keys } = terminal;
      new StandardIO(new Local(klass, terminal, reactor), { stdin: keys, stdout, reactor });
    });
    await finished;
  } finally {
    terminal.restore();
  }
}

/** The terminal in raw mode. What takes its keys may close them: standard input, whose mode it is, stays open. */
class RawTerminal {
  readonly keys = new PassThrough();
  #isRaw = true;

  constructor(
    readonly stdin: Keyboard,
    readonly stdout: Screen,
  ) {
    stdin.setRawMode?.(true);
    process.on("exit", this.restore);
    for (const signal of DEADLY) process.on(signal, this.#killed);
    stdin.on("error", this.#failed);
    stdin.pipe(this.keys);
  }

  /** Once: the mode as it was, and a clear screen. */
  readonly restore = (): void => {
    if (!this.#isRaw) return;
    this.#isRaw = false;
    process.off("exit", this.restore);
    for (const signal of DEADLY) process.off(signal, this.#killed);
    this.stdin.unpipe(this.keys);
    this.stdin.pause();
    this.stdin.off("error", this.#failed);
    this.stdin.setRawMode?.(false);
    if (!this.stdout.destroyed && !this.stdout.writableEnded) this.stdout.write("\r\x1bc\r");
  };

  readonly #killed = (signal: NodeJS.Signals): void => {
    this.restore();
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };

  /** A terminal that has hung up has no keys any more. */
  readonly #failed = (error: Error): void => {
    this.keys.destroy(error);
  };
}

/** Tells the size, at the begin and when it changes; its end is that of raw mode and of the reactor. */
class Local extends ServerProtocol {
  readonly #raw: RawTerminal;
  readonly #reactor: Pick<IReactorCore, "stop">;

  constructor(klass: Source<ITerminalProtocol, []>, terminal: RawTerminal, reactor: Pick<IReactorCore, "stop">) {
    super(klass);
    this.#raw = terminal;
    this.#reactor = reactor;
  }

  override connectionMade(): MaybeAsync {
    this.#raw.stdout.on("resize", this.#resized);
    return after(super.connectionMade(), () => this.#tellSize());
  }

  override connectionLost(reason?: Failure): MaybeAsync {
    this.#raw.stdout.off("resize", this.#resized);
    this.#raw.restore();
    try {
      return super.connectionLost(reason);
    } finally {
      stop(this.#reactor);
    }
  }

  readonly #resized = (): void => {
    settle(
      () => this.#tellSize(),
      () => {},
      (error) => {
        log.failure("a terminal protocol failed at another size", new Failure(error));
        this.loseConnection();
      },
    );
  };

  #tellSize(): MaybeAsync {
    const { columns, rows } = sizeOf(this.#raw.stdout.columns ?? 0, this.#raw.stdout.rows ?? 0);
    return this.terminalSize(columns, rows);
  }
}
