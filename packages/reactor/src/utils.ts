/** Programs whose output or exit code is all that one wants of them (twisted.internet.utils). */
import { Deferred } from "./defer.js";
import { type ProcessDone, ProcessTerminated } from "./error.js";
import { OSError } from "./exceptions.js";
import type { Failure } from "./failure.js";
import type { BytesLike, IReactorProcess } from "./interfaces.js";
import { ProcessProtocol } from "./protocol.js";
import { reactor as theReactor } from "./reactor.js";

export interface ProcessOptions {
  /** What follows the program's name. */
  readonly args?: readonly string[];
  /** Its whole environment; null is ours, the default none. */
  readonly env?: Readonly<Record<string, string>> | null;
  /** Its working directory; null, the default, is ours. */
  readonly path?: string | null;
  readonly reactor?: IReactorProcess;
}

export interface ProcessOutputOptions extends ProcessOptions {
  /** What it complains of belongs to its output; by default it fails the Deferred. */
  readonly errortoo?: boolean;
}

export interface ProcessOutputAndValueOptions extends ProcessOptions {
  /** What it reads. */
  readonly stdinBytes?: BytesLike | null;
}

/** A program wrote to its standard error. */
export class UnexpectedErrorOutput extends OSError {
  override readonly name: string = "UnexpectedErrorOutput";

  constructor(
    text: string,
    /** Fires when the program has ended. */
    readonly processEnded: Deferred<void>,
  ) {
    super(`the program wrote to its standard error: ${text}`);
  }
}

/** A signal ended a program, whose output so far is here. */
export class ProcessKilled extends ProcessTerminated {
  override readonly name: string = "ProcessKilled";

  constructor(
    readonly out: Buffer,
    readonly err: Buffer,
    signal: number | null,
    status: number | null,
  ) {
    super(null, signal, status);
  }
}

/** Gathers what a program writes, until it has ended. */
class Gatherer extends ProcessProtocol {
  readonly out: Buffer[] = [];
  readonly err: Buffer[] = [];
  readonly #input: BytesLike | null;
  readonly #ended: (how: ProcessDone | ProcessTerminated) => void;

  constructor(input: BytesLike | null, ended: (how: ProcessDone | ProcessTerminated) => void) {
    super();
    this.#input = input;
    this.#ended = ended;
  }

  override connectionMade(): void {
    if (this.#input === null) return;
    this.transport!.write(this.#input);
    this.transport!.closeStdin();
  }

  override outReceived(data: Buffer): void {
    this.out.push(data);
  }

  override errReceived(data: Buffer): void {
    this.err.push(data);
  }

  override processEnded({ value }: Failure): void {
    this.#ended(value as ProcessDone | ProcessTerminated);
  }
}

/**
 * Fires with what the program writes to its standard output, whatever its exit code. What it writes to its standard error
 * ends it and fails the Deferred with UnexpectedErrorOutput, unless that is wanted too. Cancelled, it is killed.
 */
export function getProcessOutput(executable: string, options: ProcessOutputOptions = {}): Deferred<Buffer> {
  const { errortoo = false } = options;
  const ended = new Deferred<void>();
  return gather<Buffer>(executable, options, null, (output, gatherer) => {
    const errReceived = (data: Buffer): void => {
      if (errortoo) gatherer.outReceived(data);
      else if (!output.called) {
        output.errback(new UnexpectedErrorOutput(data.toString(), ended));
        gatherer.transport!.loseConnection();
      }
    };
    gatherer.errReceived = errReceived;
    return () => {
      if (!output.called) output.callback(Buffer.concat(gatherer.out));
      ended.callback();
    };
  });
}

/** Fires with the exit code, which is null for a program that a signal ended. Cancelled, it is killed. */
export function getProcessValue(executable: string, options: ProcessOptions = {}): Deferred<number | null> {
  return gather<number | null>(executable, options, null, (value, gatherer) => {
    const ignore = (): void => {};
    gatherer.outReceived = gatherer.errReceived = ignore;
    return ({ exitCode }) => {
      if (!value.called) value.callback(exitCode);
    };
  });
}

/**
 * Fires with what it writes to its standard output and to its standard error, and its exit code; fails with ProcessKilled
 * if a signal ends it. Cancelled, it is killed.
 */
export function getProcessOutputAndValue(
  executable: string,
  options: ProcessOutputAndValueOptions = {},
): Deferred<readonly [out: Buffer, err: Buffer, code: number]> {
  const { stdinBytes = null } = options;
  return gather<readonly [Buffer, Buffer, number]>(executable, options, stdinBytes, (all, gatherer) => {
    return ({ exitCode, signal, status }) => {
      if (all.called) return;
      const [out, err] = [Buffer.concat(gatherer.out), Buffer.concat(gatherer.err)];
      if (exitCode !== null) all.callback([out, err, exitCode]);
      else all.errback(new ProcessKilled(out, err, signal, status));
    };
  });
}

/** Starts it; `prepare` says what is to be done when it has ended. A program that cannot be started is a failure. */
function gather<T>(
  executable: string,
  { args = [], env = {}, path = null, reactor = theReactor }: ProcessOptions,
  input: BytesLike | null,
  prepare: (result: Deferred<T>, gatherer: Gatherer) => (how: ProcessDone | ProcessTerminated) => void,
): Deferred<T> {
  const result = new Deferred<T>(() => {
    if (gatherer.transport?.pid != null) gatherer.transport.signalProcess("KILL");
  });
  let ended: (how: ProcessDone | ProcessTerminated) => void = () => {};
  const gatherer = new Gatherer(input, (how) => ended(how));
  ended = prepare(result, gatherer);
  try {
    reactor.spawnProcess(gatherer, executable, [executable, ...args], { env, path });
  } catch (error) {
    result.errback(error);
  }
  return result;
}
