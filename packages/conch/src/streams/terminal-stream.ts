/** A session's terminal as what Node's programs expect of `process.stdin` and `process.stdout`. */
import { clearLine, clearScreenDown, cursorTo, type Direction, moveCursor } from "node:readline";
import { WriteStream } from "node:tty";
import { LineDiscipline } from "./line-discipline.js";
import { type Port, PortStream } from "./port-stream.js";

export interface TerminalSettings {
  readonly term: string;
  readonly columns: number;
  readonly rows: number;
  /** The session's variables, which tell how many colours there are. */
  readonly env: Readonly<Record<string, string>>;
}

/** What may be shown of keys while output waits, as on Linux; more is typed unseen. */
const MAX_ECHO = 4096; // bytes

const NEWLINE = 10;
const RETURN = 13;

/**
 * Reads and writes as `tty.ReadStream` and `tty.WriteStream` do, in one object: `node:readline`, `node:repl`, Ink and their
 * like take it for a terminal. Until `setRawMode(true)` it echoes what is typed and gives it out by lines; Ctrl-C is the
 * event "SIGINT" then. It emits "resize" when the client's window changes.
 */
export class TerminalStream extends PortStream {
  readonly isTTY = true;
  isRaw = false;
  columns: number;
  rows: number;
  readonly term: string;
  readonly #env: Record<string, string>;
  readonly #port: Port;
  #last = 0; // the byte before
  #echoWaits = 0; // bytes
  readonly #lines = new LineDiscipline({
    echo: (data) => this.#echo(data),
    line: (data) => super.deliver(data),
    end: () => this.ended(),
    interrupt: () => void this.emit("SIGINT"),
  });

  constructor(port: Port, { term, columns, rows, env }: TerminalSettings) {
    super(port);
    this.#port = port;
    this.term = term;
    this.columns = columns;
    this.rows = rows;
    this.#env = { ...env, TERM: term };
  }

  /** The client's window has another size. */
  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    this.emit("resize");
  }

  getWindowSize(): [columns: number, rows: number] {
    return [this.columns, this.rows];
  }

  /** Keys as they are typed, or lines that are edited and echoed here. */
  setRawMode(mode: boolean): this {
    this.isRaw = mode;
    const typed = this.#lines.take();
    if (typed.length > 0) super.deliver(typed);
    return this;
  }

  override deliver(data: Buffer): void {
    if (this.isRaw) super.deliver(data);
    else this.#lines.feed(data);
  }

  override drained(): void {
    this.#echoWaits = 0;
    super.drained();
  }

  /** In bits: 1, 4, 8 or 24, as the terminal's name and the session's variables have it. */
  getColorDepth(env: object = this.#env): number {
    return WriteStream.prototype.getColorDepth.call(this as unknown as WriteStream, env);
  }

  hasColors(count?: number | object, env: object = this.#env): boolean {
    const [wanted, variables] = typeof count === "object" ? [16, count] : [count ?? 16, env];
    return wanted <= 2 ** this.getColorDepth(variables);
  }

  cursorTo(x: number, y?: number | (() => void), callback?: () => void): boolean {
    return typeof y === "function" ? cursorTo(this, x, undefined, y) : cursorTo(this, x, y, callback);
  }

  moveCursor(dx: number, dy: number, callback?: () => void): boolean {
    return moveCursor(this, dx, dy, callback);
  }

  clearLine(direction: Direction, callback?: () => void): boolean {
    return clearLine(this, direction, callback);
  }

  clearScreenDown(callback?: () => void): boolean {
    return clearScreenDown(this, callback);
  }

  /** Who leaves a loop over it early may go on to write to it. */
  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<Buffer> {
    return this.iterator({ destroyOnReturn: false }) as NodeJS.AsyncIterator<Buffer>;
  }

  /** It keeps no process alive: the connection does. */
  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  /** As a terminal does, with a return before each newline that has none. */
  protected override outgoing(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk;
    const pieces: Buffer[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) {
      const before = at === 0 ? this.#last : chunk[at - 1];
      if (before === RETURN) continue;
      pieces.push(chunk.subarray(from, at), Buffer.of(RETURN));
      from = at;
    }
    this.#last = chunk[chunk.length - 1]!;
    return from === 0 && pieces.length === 0 ? chunk : Buffer.concat([...pieces, chunk.subarray(from)]);
  }

  /** Keys do not wait for their echo, since one may be Ctrl-C. */
  #echo(data: Buffer): void {
    if (this.#echoWaits >= MAX_ECHO) return;
    if (!this.#port.write(data)) this.#echoWaits += data.length;
  }
}
