/** A channel as Node's streams. */
import type { Duplex } from "node:stream";
import { ConnectionLost } from "@strombus/reactor/error";
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { EXTENDED_DATA_STDERR } from "../channel/numbers.js";
import { SSHChannel, type SSHChannelOptions } from "../ssh/channel.js";
import { PortStream } from "./port-stream.js";

/**
 * A channel whose data goes through streams: `stream` is for ordinary data and `stderr` for extended data of type 1, both
 * of them both ways. Who does not read holds the peer back. When both directions have ended the channel is closed.
 *
 * ```ts
 * await using channel = await conn.openChannel(new StreamChannel("echo@example.com"));
 * channel.stream.end("hello");
 * for await (const data of channel) console.log(String(data));
 * ```
 */
export class StreamChannel extends SSHChannel implements AsyncDisposable {
  override name: string | null;
  /** Whether the channel closes when both directions have ended. A session does not: its exit status comes after. */
  protected closesWhenDone = true;
  readonly #stream: PortStream;
  #stderr: PortStream | null = null;
  readonly #full = new Set<PortStream>();
  #peerClosed = false;
  #isOver = false;
  readonly #over: Promise<void>;
  #tellOver!: () => void;

  constructor(name: string | null = null, options: SSHChannelOptions = {}) {
    super(options);
    this.name = name;
    this.#stream = this.#newStream(null);
    this.#over = new Promise((resolve) => (this.#tellOver = resolve));
  }

  get stream(): Duplex {
    return this.#stream;
  }

  /** Until it is asked for the first time, what the peer sends of it is dropped. */
  get stderr(): Duplex {
    this.#stderr ??= this.#newStream(EXTENDED_DATA_STDERR);
    return this.#stderr;
  }

  /** The data that the peer sends. Who leaves the loop early closes the channel. */
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<Buffer> {
    return this.#stream[Symbol.asyncIterator]() as NodeJS.AsyncIterator<Buffer>;
  }

  /** Closes the channel when all that was written is sent, and waits until the peer has closed it too. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.loseConnection();
    if (this.id !== null && this.conn !== null) await this.#over;
  }

  override dataReceived(data: Buffer): MaybeAsync {
    this.#stream.deliver(data);
  }

  override extReceived(dataType: number, data: Buffer): MaybeAsync {
    if (dataType === EXTENDED_DATA_STDERR) this.#stderr?.deliver(data);
  }

  override eofReceived(): MaybeAsync {
    this.#stream.ended();
    this.#stderr?.ended();
  }

  override startWriting(): void {
    this.#stream.drained();
    this.#stderr?.drained();
  }

  override openFailed(reason: Error): MaybeAsync {
    this.#end(reason);
  }

  override closeReceived(): MaybeAsync {
    this.#peerClosed = true;
    this.loseConnection();
  }

  override closed(): MaybeAsync {
    const meant = this.#peerClosed || this.closing || this.remoteEOF;
    this.#end(meant ? undefined : new ConnectionLost("the connection ended"));
  }

  #end(reason?: Error): void {
    this.#isOver = true;
    if (reason !== undefined && this.#stream.listenerCount("error") === 0) this.#stream.on("error", () => {});
    this.#stream.lost(reason);
    this.#stderr?.lost();
    this.#tellOver();
  }

  #newStream(type: number | null): PortStream {
    const stream: PortStream = new PortStream({
      write: (data) => (type === null ? this.write(data) : this.writeExtended(type, data)),
      end: () => {
        if (type !== null) return;
        this.conn?.sendEOF(this);
      },
      pause: () => {
        this.#full.add(stream);
        this.pauseProducing();
      },
      resume: () => {
        if (this.#full.delete(stream) && this.#full.size === 0) this.resumeProducing();
      },
      done: (clean) => {
        this.#full.delete(stream);
        if (this.#full.size === 0) this.resumeProducing();
        if (type === null && !this.#isOver && (!clean || this.closesWhenDone)) this.loseConnection();
      },
    });
    return stream;
  }
}
