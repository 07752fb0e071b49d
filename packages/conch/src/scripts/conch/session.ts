/** The session of conch: a shell, a command or a subsystem of the server. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import type { StandardIO } from "@strombus/reactor/stdio";
import { EXTENDED_DATA_STDERR } from "../../channel/numbers.js";
import { shown } from "../../client/shown.js";
import { Exec, ExitSignal, ExitStatus, Subsystem } from "../../messages/connection.js";
import { packRequest_pty_req, packRequest_window_change } from "../../session/terminal.js";
import { SSHChannel } from "../../ssh/channel.js";
import type { BytesLike } from "../../wire/writer.js";
import { sentenceOf } from "../exit.js";
import { type EscapeCommand, Escapes } from "./escapes.js";
import type { ClientOptions } from "./options.js";
import type { UserSide } from "./user-side.js";

/** The shell, command or subsystem, and what is between it and the user. */
export class SSHSession extends SSHChannel {
  override name = "session";
  /** The user's input and output, as long as it has them. */
  stdio: Pick<StandardIO, "write" | "loseWriteConnection" | "pauseProducing" | "resumeProducing"> | null = null;
  /** What the server says of the program's end. */
  exitStatus: number | null = null;
  /** The server has closed it, or said how the program has ended. */
  isOver = false;
  /** The user has ended it by an escape. */
  hasQuit = false;
  /** Settles when it has ended, in whatever way; rejected when it could not begin. */
  readonly ended: Promise<void>;
  readonly #options: ClientOptions;
  readonly #user: UserSide;
  #escapes: Escapes | null = null;
  #end!: () => void;
  #fail!: (error: unknown) => void;
  #ignoreSize = (): void => {};

  constructor(options: ClientOptions, user: UserSide) {
    super();
    this.#options = options;
    this.#user = user;
    this.ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
  }

  override channelOpen(_specificData: Buffer): MaybeAsync {
    try {
      this.#begin();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** What the user has typed: what is an escape is done, all else is sent. */
  handleInput(typed: Buffer): void {
    for (const part of this.#escapes?.split(typed) ?? [typed]) {
      if (typeof part === "string") this.#act(part);
      else this.write(part);
      if (this.hasQuit) return;
    }
  }

  /** The user types no more. */
  endInput(): void {
    this.conn?.sendEOF(this);
  }

  override dataReceived(data: Buffer): MaybeAsync {
    this.stdio?.write(data);
  }

  override extReceived(dataType: number, data: Buffer): MaybeAsync {
    if (dataType !== EXTENDED_DATA_STDERR) return;
    return new Promise<void>((resolve) => void this.#user.streams.stderr.write(data, () => resolve()));
  }

  override eofReceived(): MaybeAsync {
    this.stdio?.loseWriteConnection();
  }

  override closeReceived(): MaybeAsync {
    this.isOver = true;
    this.loseConnection();
  }

  override closed(): MaybeAsync {
    this.leave();
  }

  /** Whoever waits for it to open tells. */
  override openFailed(): MaybeAsync {}

  override stopWriting(): void {
    this.stdio?.pauseProducing();
  }

  override startWriting(): void {
    this.stdio?.resumeProducing();
  }

  request_exit_status(data: Buffer): boolean {
    this.exitStatus = ExitStatus.decode(data).status;
    this.isOver = true;
    return true;
  }

  request_exit_signal(data: Buffer): boolean {
    this.#user.tell(`conch: the program was ended by signal ${shown(ExitSignal.decode(data).signal)}`);
    this.isOver = true;
    return true;
  }

  /** The user's terminal is theirs again. */
  leave(): void {
    this.#end();
    this.#ignoreSize();
    this.#user.terminal.restore();
    if (this.stdio !== null) this.#user.part();
    this.stdio = null;
  }

  #begin(): void {
    if (this.#options.isSet("agent")) {
      const refused = (): void => this.#user.tell("conch: the server does not take the agent");
      this.#ask("auth-agent-req@openssh.com", "", refused);
    }
    if (this.#options.isSet("noshell")) return;
    if (this.#wantsTerminal) this.#askForTerminal();
    this.stdio = this.#user.join(this);
    const [request, data] = this.#program;
    this.#ask(request, data, () => {
      this.#user.tell(`conch: the server refuses the request ${request}`);
      this.loseConnection();
    });
  }

  /** A command has one when it is asked for; a shell where the user is at one. */
  get #wantsTerminal(): boolean {
    if (this.#options.isSet("notty") || this.#options.isSet("subsystem")) return false;
    return this.#options.isSet("tty") || (this.#options.command === "" && this.#user.terminal.isThere);
  }

  get #program(): [request: string, data: BytesLike] {
    const { command } = this.#options;
    if (this.#options.isSet("subsystem")) return ["subsystem", Subsystem.encode({ name: command })];
    return command === "" ? ["shell", ""] : ["exec", Exec.encode({ command })];
  }

  #askForTerminal(): void {
    const { terminal } = this.#user;
    const { escape } = this.#options;
    if (escape !== null && terminal.isThere) this.#escapes = new Escapes(escape);
    terminal.setRaw();
    this.#ignoreSize = terminal.onResize(() => this.#tellSize());
    this.#ask("pty-req", packRequest_pty_req(terminal.name, terminal.size, []), () => {
      this.#ignoreSize();
      this.#escapes = null;
      terminal.restore();
      this.#user.tell("conch: the server gives no terminal");
    });
  }

  #tellSize(): void {
    void this.conn?.sendRequest(this, "window-change", packRequest_window_change(this.#user.terminal.size));
  }

  #ask(request: string, data: BytesLike, refused: () => void): void {
    this.conn?.sendRequest(this, request, data, true)?.addErrback(() => {
      if (!this.localClosed) refused(); // else there is nobody who could have answered
    });
  }

  #act(command: EscapeCommand): void {
    if (command === "quit") {
      this.hasQuit = true;
      this.leave();
    } else if (command === "suspend") {
      this.#user.terminal.suspend();
      this.#tellSize(); // which may have changed meanwhile
    } else if (command === "rekey") {
      this.#rekey();
    } else {
      this.#user.tell("", ...(command === "help" ? this.#escapes!.help : this.#channels()));
    }
  }

  #rekey(): void {
    try {
      this.conn?.transport?.sendKexInit();
    } catch (error) {
      this.#user.tell("", `conch: ${sentenceOf(error)}`); // one is going on
    }
  }

  #channels(): string[] {
    const lines = Array.from(this.conn?.channels ?? [], ([id, { name }]) => `  #${id} ${shown(name ?? "unknown")}`);
    return ["The following connections are open:", ...lines];
  }
}
