/** A child on a terminal of its own, by node-pty. */
import { chownSync, closeSync, constants, openSync, readSync, statSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import { implementer } from "../components.js";
import { NotImplementedError } from "../exceptions.js";
import { type BytesLike, type IProcessProtocol, ITerminalProcess, type TerminalOptions } from "../interfaces.js";
import { Logger } from "../logger.js";
import { Child } from "./child.js";
import type { Command } from "./command.js";
import { exitReason } from "./exit.js";
import { type Identity, withGroups } from "./identity.js";
import { Input, type Sink } from "./input.js";
import { type NativePTY, nativePTY, spawnHelper } from "./node-pty.js";

const log = new Logger({ namespace: "strombus.reactor.process" });

const REST = 262_144; // bytes; a terminal holds less
const READ = 4096; // bytes; what a terminal gives at a time
const QUIET = 200; // milliseconds without output after which a terminal whose program is gone is empty
const LARGEST = 0xffff; // rows, columns or pixels: the system keeps 16 bits of each

/** Our ends of the terminals that there are. */
export const openMasters = new Set<number>();

export interface TerminalChildOptions extends TerminalOptions {
  env: Readonly<Record<string, string>>;
  folder: string;
  identity: Identity | null;
}

/** One stream: what the program writes, to whichever output, comes as descriptor 1. Its end is no event, only the child's is. */
@implementer(ITerminalProcess)
export class TerminalChild extends Child implements ITerminalProcess {
  readonly terminalName: string;
  readonly #native: NativePTY;
  readonly #fd: number;
  readonly #output: ReadStream;
  protected override readonly stdin: Input;
  readonly #sink: TerminalSink;
  /**
   * The program's end, open on our side too as long as its leader runs: a leader that has closed it and is about to end
   * would else leave a terminal that nobody has, which we would close, and that would hang it up in its last moment.
   */
  #held: number | null;
  #isClosed = false;
  #isPaused = false;
  #rest = REST; // bytes that may still come when the program is gone
  #lingering: NodeJS.Timeout | null = null;

  /** @throws NotImplementedError without node-pty. */
  static start(protocol: IProcessProtocol, command: Command, options: TerminalChildOptions): TerminalChild {
    const { env, folder, identity, rows = 24, columns = 80, xPixels = 0, yPixels = 0 } = options;
    const native = nativePTY();
    if (identity !== null && process.platform === "darwin") {
      throw new NotImplementedError("on macOS node-pty starts processes for its own user only");
    }
    const { uid, gid } = identity ?? { uid: -1, gid: -1 };
    let child: TerminalChild | null = null;
    const fork = () =>
      native.fork(
        command.file,
        command.args.slice(1),
        Object.entries(env).map(([name, value]) => `${name}=${value}`),
        folder,
        bounded(columns),
        bounded(rows),
        uid,
        gid,
        true,
        spawnHelper(),
        (code, signal) => child!.#exited(code, signal), // never before fork has returned
      );
    const { fd, pid, pty } = identity === null ? fork() : withGroups(identity.groups, fork);
    if (identity !== null) handOver(pty, uid);
    openMasters.add(fd);
    child = new TerminalChild(protocol, native, fd, pid, pty);
    if (xPixels > 0 || yPixels > 0) child.setWindowSize(rows, columns, xPixels, yPixels);
    return child;
  }

  constructor(protocol: IProcessProtocol, native: NativePTY, fd: number, pid: number, name: string) {
    super(protocol, pid, true);
    this.terminalName = name;
    this.#native = native;
    this.#fd = fd;
    this.#held = opened(name);
    this.#sink = new TerminalSink(fd);
    this.stdin = new Input(this.#sink);
    this.#output = new ReadStream(fd);
    this.#output.on("end", () => this.#drain());
    this.#output.on("error", () => {}); // EIO: nobody has the terminal open any more; "close" follows
    this.#output.on("close", () => this.#lost());
  }

  /** Connects the protocol, then lets data in. */
  override begin(): void {
    super.begin();
    this.#output.on("data", (data: Buffer) => this.#received(data));
    if (this.#isPaused) this.#output.pause();
  }

  setWindowSize(rows: number, columns: number, xPixels = 0, yPixels = 0): void {
    if (this.#isClosed) return;
    this.#native.resize(this.#fd, bounded(columns), bounded(rows), bounded(xPixels), bounded(yPixels));
  }

  override writeToChild(fd: number, data: BytesLike): never {
    throw new NotImplementedError("a terminal has no descriptors: write to it");
  }

  #received(data: Buffer): void {
    this.guard((protocol) => protocol.childDataReceived(1, data));
    if (!this.hasExited) return;
    this.#rest -= data.length;
    this.#linger();
  }

  /** libuv takes a read that does not fill its buffer for the last, as soon as the other end is closed: a terminal never fills it. */
  #drain(): void {
    for (;;) {
      const buffer = Buffer.allocUnsafe(READ);
      let length: number;
      try {
        length = readSync(this.#fd, buffer);
      } catch {
        return; // EIO: that was all
      }
      if (length === 0) return;
      this.#received(buffer.subarray(0, length));
    }
  }

  override pauseProducing(): void {
    this.#isPaused = true;
    this.#output.pause();
  }

  override resumeProducing(): void {
    this.#isPaused = false;
    if (this.#isClosed) return;
    this.#output.resume();
    if (this.hasExited) this.#linger();
  }

  /** Hangs up: the system sends SIGHUP to what runs there. */
  override loseConnection(): void {
    if (this.#isClosed) return;
    this.stdin.closed();
    this.#output.destroy();
  }

  override closeChildFD(fd: number): never {
    throw new NotImplementedError("a terminal cannot be closed one way");
  }

  override closeStdin(): void {}
  override closeStdout(): void {}
  override closeStderr(): void {}

  #exited(code: number, signal: number): void {
    this.#letGo();
    this.exited(exitReason(code, signal === 0 ? null : signal));
    this.#linger();
  }

  /**
   * The session is over when its leader is, although what runs in the background may hold the terminal open. So what
   * the leader wrote last is read, as soon as its reader wants it, and then the terminal is closed.
   */
  #linger(): void {
    if (this.#lingering !== null) clearTimeout(this.#lingering);
    this.#lingering = null;
    if (this.#isClosed || this.#isPaused) return;
    if (this.#rest <= 0) this.#output.destroy();
    else this.#lingering = setTimeout(() => this.#lookOnce(), QUIET);
  }

  /** We may have been busy all the while: what is there is read before the end. */
  #lookOnce(): void {
    const { bytesRead } = this.#output;
    setImmediate(() => {
      if (this.#output.bytesRead === bytesRead && !this.#isPaused) this.#output.destroy();
    });
  }

  #letGo(): void {
    if (this.#held !== null) closeSync(this.#held);
    this.#held = null;
  }

  #lost(): void {
    this.#isClosed = true;
    this.#letGo();
    if (this.#lingering !== null) clearTimeout(this.#lingering);
    openMasters.delete(this.#fd);
    this.stdin.closed();
    this.#sink.close();
    this.endIfAllIsOver();
  }

  protected override get isClosed(): boolean {
    return this.#isClosed;
  }
}

/** A terminal is its user's, who may open it by its name; its group is the system's choice, for write(1) and its like. */
function handOver(name: string, uid: number): void {
  try {
    chownSync(name, uid, statSync(name).gid);
  } catch (error) {
    log.warn("the terminal {name} stays ours: {reason}", { name, reason: String(error) });
  }
}

/** Null where it cannot be opened: then a leader should not close it before it ends. */
function opened(name: string): number | null {
  try {
    return openSync(name, constants.O_RDWR | constants.O_NOCTTY);
  } catch (error) {
    log.debug("the terminal {name} is not held open: {reason}", { name, reason: String(error) });
    return null;
  }
}

function bounded(size: number): number {
  return Math.max(0, Math.min(LARGEST, Math.trunc(size)));
}

/**
 * What is typed. Node can only block on a terminal's other end or turn in circles when the program does not read; so we
 * try again, after a while that grows.
 */
class TerminalSink implements Sink {
  readonly #fd: number;
  #queue: { data: Buffer; done: () => void }[] = [];
  #patience = 0; // milliseconds until the next try
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(data: Buffer, done: () => void): void {
    this.#queue.push({ data, done });
    if (this.#timer === null && this.#queue.length === 1) this.#flush();
  }

  end(): void {}

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#queue = [];
  }

  #flush(): void {
    this.#timer = null;
    for (let next = this.#queue[0]; next !== undefined && !this.#isClosed; next = this.#queue[0]) {
      const written = this.#tryWrite(next.data);
      if (written === null) return this.close();
      if (written < next.data.length) {
        next.data = next.data.subarray(written);
        this.#patience = written > 0 ? 1 : Math.min(MOST_PATIENCE, this.#patience * 2);
        this.#timer = setTimeout(() => this.#flush(), this.#patience);
        return;
      }
      this.#queue.shift();
      this.#patience = 1;
      next.done();
    }
  }

  /** How many bytes the terminal took; null when there is nobody. */
  #tryWrite(data: Buffer): number | null {
    try {
      return writeSync(this.#fd, data);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EAGAIN" ? 0 : null;
    }
  }
}

const MOST_PATIENCE = 32; // milliseconds
