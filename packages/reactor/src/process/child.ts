/** What children on pipes and children on terminals have in common: a protocol, a pid, and an end (twisted.internet.process). */
import { toBuffer } from "../bytes.js";
import { ProcessExitedAlready } from "../error.js";
import { NotImplementedError, OSError } from "../exceptions.js";
import type { Failure } from "../failure.js";
import type {
  BytesLike,
  IAddress,
  IChildProcess,
  IProcessProtocol,
  IPullProducer,
  IPushProducer,
  MaybeAsync,
} from "../interfaces.js";
import { signalNumber } from "./exit.js";
import { guarded } from "./guard.js";
import type { Input } from "./input.js";

export abstract class Child implements IChildProcess {
  readonly #protocol: IProcessProtocol;
  readonly #leadsGroup: boolean;
  #pid: number | null;
  #reason: Failure | null = null; // known when the process is gone
  #ended = false;

  constructor(protocol: IProcessProtocol, pid: number, leadsGroup: boolean) {
    this.#protocol = protocol;
    this.#pid = pid;
    this.#leadsGroup = leadsGroup;
  }

  get pid(): number | null {
    return this.#pid;
  }

  // Input

  write(data: BytesLike): void {
    this.stdin?.write(toBuffer(data));
  }

  writeSequence(data: Iterable<BytesLike>): void {
    for (const chunk of data) this.write(chunk);
  }

  registerProducer(producer: IPushProducer | IPullProducer, streaming: boolean): void {
    if (this.stdin === null) guarded(() => producer.stopProducing());
    else this.stdin.registerProducer(producer, streaming);
  }

  unregisterProducer(): void {
    this.stdin?.unregisterProducer();
  }

  abstract writeToChild(fd: number, data: BytesLike): void;
  /** The child's standard input, if we write to it. */
  protected abstract readonly stdin: Input | null;

  // Output

  abstract pauseProducing(): void;
  abstract resumeProducing(): void;

  stopProducing(): void {
    this.loseConnection();
  }

  // Ends

  abstract loseConnection(): void;
  abstract closeChildFD(fd: number): void;

  closeStdin(): void {
    this.closeChildFD(0);
  }

  closeStdout(): void {
    this.closeChildFD(1);
  }

  closeStderr(): void {
    this.closeChildFD(2);
  }

  signalProcess(signal: string | number): void {
    this.#signal(signal, 1);
  }

  signalGroup(signal: string | number): void {
    if (!this.#leadsGroup) throw new NotImplementedError("the process is in our own group");
    this.#signal(signal, -1);
  }

  getPeer(): IAddress {
    throw new NotImplementedError("a process has no address");
  }

  getHost(): IAddress {
    throw new NotImplementedError("a process has no address");
  }

  // For those who watch it

  /** Connects the protocol. */
  begin(): void {
    this.guard((protocol) => protocol.makeConnection(this));
  }

  /** The process is gone; its descriptors may still be open. */
  protected exited(reason: Failure): void {
    this.#pid = null;
    this.#reason = reason;
    this.guard((protocol) => protocol.processExited(reason));
    this.endIfAllIsOver();
  }

  protected get hasExited(): boolean {
    return this.#reason !== null;
  }

  /** Whether all descriptors are closed. */
  protected abstract readonly isClosed: boolean;

  protected endIfAllIsOver(): void {
    const reason = this.#reason;
    if (this.#ended || reason === null || !this.isClosed) return;
    this.#ended = true;
    this.guard((protocol) => protocol.processEnded(reason));
  }

  /** What the protocol throws is logged and changes nothing. */
  protected guard(call: (protocol: IProcessProtocol) => MaybeAsync): void {
    guarded(() => call(this.#protocol));
  }

  #signal(signal: string | number, sign: 1 | -1): void {
    const number = signalNumber(signal);
    if (this.#pid === null) throw new ProcessExitedAlready();
    try {
      process.kill(sign * this.#pid, number);
    } catch (error) {
      const { code, errno, message } = error as NodeJS.ErrnoException;
      if (code === "ESRCH") throw new ProcessExitedAlready();
      throw new OSError(message, { cause: error, ...(code && { code }), errno: errno === undefined ? null : -errno });
    }
  }
}
