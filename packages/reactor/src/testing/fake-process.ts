/** A child process that a test plays: it keeps what was asked of it, and says what the test has it say. */
import { toBuffer } from "../bytes.js";
import { implementer } from "../components.js";
import { ProcessExitedAlready } from "../error.js";
import { KeyError, NotImplementedError, RuntimeError } from "../exceptions.js";
import {
  type BytesLike,
  type IAddress,
  type IProcessProtocol,
  type IPullProducer,
  type IPushProducer,
  ITerminalProcess,
  type SpawnProcessOptions,
} from "../interfaces.js";
import { exitReason, signalNumber } from "../process/exit.js";
import { guarded } from "../process/guard.js";

let lastPid = 1000;

/**
 * ```ts
 * const [child] = reactor.processes;
 * child.says("hello\n");
 * child.exit(0);
 * ```
 */
@implementer(ITerminalProcess)
export class FakeProcess implements ITerminalProcess {
  readonly terminalName = "/dev/pts/fake";
  pid: number | null = ++lastPid;
  /** The numbers of the signals that it got; those for its group are negative. */
  readonly signals: number[] = [];
  /** What was written to each descriptor. */
  readonly written = new Map<number, Buffer>();
  /** Those that are open still. */
  readonly open: Set<number>;
  /** Its terminal's sizes: rows, columns, pixels. */
  readonly windowSizes: [rows: number, columns: number, xPixels: number, yPixels: number][] = [];
  producer: IPushProducer | IPullProducer | null = null;
  /** Its outputs are paused. */
  paused = false;
  /** `loseConnection` was called. */
  disconnecting = false;
  readonly #onTerminal: boolean;

  constructor(
    readonly protocol: IProcessProtocol,
    readonly executable: string,
    readonly args: readonly string[],
    readonly options: SpawnProcessOptions,
  ) {
    this.#onTerminal = options.usePTY !== undefined && options.usePTY !== false;
    const named = Object.keys(options.childFDs ?? { 0: "w", 1: "r", 2: "r" });
    this.open = new Set(this.#onTerminal ? [1] : named.map(Number));
  }

  /** All that was written to its standard input. */
  get input(): string {
    return (this.written.get(0) ?? "").toString();
  }

  /** Connects the protocol: its reactor does. */
  begin(): void {
    guarded(() => this.protocol.makeConnection(this));
  }

  // What a test has it do

  /** Writes to a descriptor of its own. */
  says(data: BytesLike, fd = 1): void {
    guarded(() => this.protocol.childDataReceived(fd, toBuffer(data)));
  }

  /** Closes one of its descriptors. */
  closes(fd: number): void {
    if (!this.open.delete(fd) || this.#onTerminal) return;
    guarded(() => this.protocol.childConnectionLost(fd));
  }

  /** Ends, by itself or by a signal: its descriptors close, then its protocol hears of it. */
  exit(code: number | null, signal: string | number | null = null): void {
    if (this.pid === null) throw new ProcessExitedAlready();
    for (const fd of [...this.open]) this.closes(fd);
    this.pid = null;
    const reason = exitReason(code, signal === null ? null : signalNumber(signal));
    guarded(() => this.protocol.processExited(reason));
    guarded(() => this.protocol.processEnded(reason));
  }

  // What is asked of it

  write(data: BytesLike): void {
    if (this.open.has(0) || this.#onTerminal) this.#keep(0, data);
  }

  writeSequence(data: Iterable<BytesLike>): void {
    for (const chunk of data) this.write(chunk);
  }

  writeToChild(fd: number, data: BytesLike): void {
    if (this.#onTerminal) throw new NotImplementedError("a terminal has no descriptors");
    if (!this.open.has(fd)) throw new KeyError(`descriptor ${fd} is not open`);
    this.#keep(fd, data);
  }

  closeStdin(): void {
    this.closes(0);
  }

  closeStdout(): void {
    this.closes(1);
  }

  closeStderr(): void {
    this.closes(2);
  }

  closeChildFD(fd: number): void {
    this.closes(fd);
  }

  loseConnection(): void {
    this.disconnecting = true;
    for (const fd of [0, 2, 1]) this.closes(fd);
  }

  signalProcess(signal: string | number): void {
    if (this.pid === null) throw new ProcessExitedAlready();
    this.signals.push(signalNumber(signal));
  }

  signalGroup(signal: string | number): void {
    if (!this.#onTerminal && this.options.newSession !== true) throw new NotImplementedError("it is in our own group");
    if (this.pid === null) throw new ProcessExitedAlready();
    this.signals.push(-signalNumber(signal));
  }

  setWindowSize(rows: number, columns: number, xPixels = 0, yPixels = 0): void {
    this.windowSizes.push([rows, columns, xPixels, yPixels]);
  }

  registerProducer(producer: IPushProducer | IPullProducer, streaming: boolean): void {
    if (this.producer !== null) throw new RuntimeError("a producer is registered already");
    this.producer = producer;
  }

  unregisterProducer(): void {
    this.producer = null;
  }

  pauseProducing(): void {
    this.paused = true;
  }

  resumeProducing(): void {
    this.paused = false;
  }

  stopProducing(): void {
    this.loseConnection();
  }

  getPeer(): IAddress {
    throw new NotImplementedError("a process has no address");
  }

  getHost(): IAddress {
    throw new NotImplementedError("a process has no address");
  }

  #keep(fd: number, data: BytesLike): void {
    this.written.set(fd, Buffer.concat([this.written.get(fd) ?? Buffer.alloc(0), toBuffer(data)]));
  }
}
