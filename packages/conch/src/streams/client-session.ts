/** A client's session as Node's streams: a command, a shell or a subsystem of the server. */
import { ConnectionLost } from "@strombus/reactor/error";
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import type { OpenChannelOptions } from "../channel/acting.js";
import type { TerminalModes } from "../interfaces.js";
import { Break, Env, Exec, ExitSignal, ExitStatus, Subsystem } from "../messages/connection.js";
import { packRequest_pty_req, packRequest_window_change } from "../session/terminal.js";
import type { SSHConnection } from "../ssh/connection.js";
import { NS } from "../ssh/common.js";
import type { BytesLike } from "../wire/writer.js";
import { StreamChannel } from "./stream-channel.js";

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** How a program of the server ended: by a status or by a signal; both null when the server did not say. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/**
 * ```ts
 * await using session = await ClientSession.open(conn);
 * await session.exec("sort");
 * session.stream.end("b\na\n");
 * for await (const data of session) process.stdout.write(data);
 * const { code } = await session.exit;
 * ```
 */
export class ClientSession extends StreamChannel {
  protected override closesWhenDone = false;
  /** Settles when the session has closed; rejected when the connection has ended first. */
  readonly exit: Promise<Exit>;
  #settle!: { resolve: (exit: Exit) => void; reject: (error: Error) => void };
  #ending: Exit = { code: null, signal: null };

  constructor() {
    super("session");
    this.exit = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.exit.catch(() => {}); // whoever does not ask need not hear
  }

  /** Opens one. @returns rejected with why there is none */
  static open(conn: SSHConnection, options: OpenChannelOptions = {}): Promise<ClientSession> {
    return conn.openChannel(new ClientSession(), "", options);
  }

  /** Asks for a terminal, before what shall run in it. @returns rejected when it is refused, as are the next three */
  async pty(term: string, { columns, rows }: TerminalSize, modes: TerminalModes = []): Promise<void> {
    const packed = Buffer.alloc(5 * modes.length + 1); // closed by a 0
    modes.forEach(([opcode, value], index) => {
      packed[5 * index] = opcode;
      packed.writeUInt32BE(value, 5 * index + 1);
    });
    await this.#ask("pty-req", packRequest_pty_req(term, [rows, columns, 0, 0], packed));
  }

  async shell(): Promise<void> {
    await this.#ask("shell", "");
  }

  async exec(command: BytesLike): Promise<void> {
    await this.#ask("exec", Exec.encode({ command }));
  }

  async subsystem(name: string): Promise<void> {
    await this.#ask("subsystem", Subsystem.encode({ name }));
  }

  /** Sets a variable, if the server lets us: it does not say. */
  env(name: string, value: string): void {
    void this.conn?.sendRequest(this, "env", Env.encode({ name, value }));
  }

  /** The terminal has another size. */
  resize({ columns, rows }: TerminalSize): void {
    void this.conn?.sendRequest(this, "window-change", packRequest_window_change([rows, columns, 0, 0]));
  }

  /** A signal for the program, by its name without SIG, such as "INT". */
  signal(name: string): void {
    void this.conn?.sendRequest(this, "signal", NS(name));
  }

  /**
   * Breaks the line for so many milliseconds, or for as long as the server likes (RFC 4335).
   * @returns rejected when it is refused: most programs have no line that could be broken
   */
  async break(milliseconds = 0): Promise<void> {
    await this.#ask("break", Break.encode({ milliseconds }));
  }

  request_exit_status(data: Buffer): boolean {
    this.#ending = { code: ExitStatus.decode(data).status, signal: null };
    return true;
  }

  request_exit_signal(data: Buffer): boolean {
    this.#ending = { code: null, signal: ExitSignal.decode(data).signal };
    return true;
  }

  override openFailed(reason: Error): MaybeAsync {
    this.#settle.reject(reason);
    return super.openFailed(reason);
  }

  override closed(): MaybeAsync {
    const { code, signal } = this.#ending;
    if (code === null && signal === null && !this.closing) {
      this.#settle.reject(new ConnectionLost("the connection ended before the session"));
    } else {
      this.#settle.resolve(this.#ending);
    }
    return super.closed();
  }

  async #ask(request: string, data: BytesLike): Promise<void> {
    await this.conn?.sendRequest(this, request, data, true);
  }
}
