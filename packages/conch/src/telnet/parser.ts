/** The bytes of telnet (RFC 854): data, commands, and what is said about options. */
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { collected } from "../insults/sequence.js";
import { BINARY, CR, DO, DONT, EOR, GA, IAC, LF, NOP, NULL, SB, SE, WILL, WONT } from "./constants.js";
import type { SubnegotiationHandler, TelnetOption } from "./interfaces.js";
import { OptionNegotiation, optionNumber } from "./negotiation.js";

export type TelnetState = "data" | "newline" | "escaped" | "command" | "subnegotiation" | "subnegotiation-escaped";

/** Gets the option of WILL, WONT, DO and DONT; for other commands null. */
export type CommandHandler = (argument: number | null) => MaybeAsync;

/**
 * One end of a telnet connection. Data is delivered as often as something else comes in between, and at the end of each
 * piece that arrives; a CR waits for the byte that follows it, unless the peer sends in binary.
 */
export class Telnet extends OptionNegotiation {
  state: TelnetState = "data";
  /** Handlers by command; what is not here is `unhandledCommand`'s. */
  commandMap = new Map<number, CommandHandler>([
    [WILL, (option) => this.telnet_WILL(option!)],
    [WONT, (option) => this.telnet_WONT(option!)],
    [DO, (option) => this.telnet_DO(option!)],
    [DONT, (option) => this.telnet_DONT(option!)],
  ]);
  /** Handlers of subnegotiations by option; what is not here is `unhandledSubnegotiation`'s. */
  negotiationMap = new Map<number, SubnegotiationHandler>();
  /** Bytes of a subnegotiation; one that is longer ends the connection. */
  maxSubnegotiation = 4096;
  /** Which of WILL, WONT, DO and DONT waits for its option. */
  #command = 0;
  #subnegotiation: number[] = [];

  override dataReceived(data: Buffer): MaybeAsync {
    return collected((result) => {
      const batch = new Batch(data.length + 1); // a CR may be left from before
      for (const byte of data) {
        if (this.isOffended) return;
        const handle = this.#handlerOf(byte, batch);
        if (handle === null) continue;
        this.#deliver(batch, result);
        result(handle());
      }
      this.#deliver(batch, result);
    });
  }

  /** What is no command. The bytes are the application's own. */
  applicationDataReceived(data: Buffer): MaybeAsync {}

  unhandledCommand(command: number, argument: number | null): MaybeAsync {}

  unhandledSubnegotiation(option: number, bytes: Buffer): MaybeAsync {}

  commandReceived(command: number, argument: number | null): MaybeAsync {
    const handler = this.commandMap.get(command);
    return handler === undefined ? this.unhandledCommand(command, argument) : handler(argument);
  }

  /** A subnegotiation: its option and what follows. An empty one is about nothing. */
  negotiate(bytes: Buffer): MaybeAsync {
    const [option] = bytes;
    if (option === undefined) return;
    const rest = bytes.subarray(1);
    const handler = this.negotiationMap.get(option);
    return handler === undefined ? this.unhandledSubnegotiation(option, rest) : handler(rest);
  }

  requestNegotiation(about: TelnetOption, data: Uint8Array): void {
    const bytes = escaped(Buffer.of(optionNumber(about), ...data));
    this._write(Buffer.concat([Buffer.of(IAC, SB), bytes, Buffer.of(IAC, SE)]));
  }

  /** Whether an option is on, for what the peer sends or for what we do. */
  protected isOn(option: number, side: "us" | "him"): boolean {
    return this.options.get(option)?.[side].state === "yes";
  }

  #deliver(batch: Batch, result: (given: unknown) => void): void {
    const data = batch.take();
    if (data.length > 0 && !this.isOffended) result(this.applicationDataReceived(data));
  }

  /** What this byte completes; null while it is data, or something is still to come. */
  #handlerOf(byte: number, batch: Batch): (() => MaybeAsync) | null {
    switch (this.state) {
      case "data":
        return this.#dataByte(byte, batch);
      case "newline":
        return this.#afterReturn(byte, batch);
      case "escaped":
        return this.#afterEscape(byte, batch);
      case "command": {
        this.state = "data";
        const command = this.#command;
        return () => this.commandReceived(command, byte);
      }
      case "subnegotiation":
        if (byte === IAC) this.state = "subnegotiation-escaped";
        else this.#collect(byte);
        return null;
      case "subnegotiation-escaped":
        if (byte === SE) return this.#subnegotiated();
        this.state = "subnegotiation";
        this.#collect(byte);
        return null;
    }
  }

  #dataByte(byte: number, batch: Batch): null {
    if (byte === IAC) this.state = "escaped";
    else if (byte === CR && !this.isOn(BINARY, "him")) this.state = "newline";
    else batch.add(byte);
    return null;
  }

  #afterReturn(byte: number, batch: Batch): null {
    this.state = byte === IAC ? "escaped" : "data";
    if (byte !== LF) batch.add(CR);
    if (byte !== NULL && byte !== IAC) batch.add(byte);
    return null;
  }

  #afterEscape(byte: number, batch: Batch): (() => MaybeAsync) | null {
    this.state = "data";
    if (byte === IAC) {
      batch.add(IAC);
      return null;
    }
    if (byte === SB) {
      this.state = "subnegotiation";
      return null;
    }
    if (byte >= WILL && byte <= DONT) {
      this.state = "command";
      this.#command = byte;
      return null;
    }
    const isSimple = byte === EOR || (byte >= NOP && byte <= GA);
    return () => (isSimple ? this.commandReceived(byte, null) : this.unhandledCommand(byte, null));
  }

  #collect(byte: number): void {
    if (this.#subnegotiation.length < this.maxSubnegotiation) this.#subnegotiation.push(byte);
    else this.offended(`a subnegotiation of more than ${this.maxSubnegotiation} bytes`);
  }

  #subnegotiated(): () => MaybeAsync {
    this.state = "data";
    const bytes = Buffer.from(this.#subnegotiation);
    this.#subnegotiation = [];
    return () => this.negotiate(bytes);
  }
}

/** Each FF twice. */
export function escaped(bytes: Buffer): Buffer {
  return bytes.includes(IAC) ? Buffer.from(bytes.toString("latin1").replaceAll("\xff", "\xff\xff"), "latin1") : bytes;
}

/** Data of one piece, until it is delivered. */
class Batch {
  readonly #bytes: Buffer;
  #start = 0;
  #end = 0;

  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafe(size);
  }

  add(byte: number): void {
    this.#bytes[this.#end++] = byte;
  }

  take(): Buffer {
    const taken = this.#bytes.subarray(this.#start, this.#end);
    this.#start = this.#end;
    return taken;
  }
}
