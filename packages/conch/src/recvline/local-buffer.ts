/** Programs that see what is on their terminal. */
import type { Constructor } from "../class.js";
import type { BytesLike, IAddress, MaybeAsync } from "@strombus/reactor/interfaces";
import { TerminalBuffer } from "../insults/buffer.js";
import type { ITerminalTransport } from "../insults/interfaces.js";
import type { TerminalProtocol } from "../insults/terminal-protocol.js";
import { TransportSequence } from "./transport-sequence.js";

export interface WithLocalBuffer {
  /** What the terminal shows. */
  terminalCopy: TerminalBuffer;
  /** The text on the terminal. */
  toString(): string;
}

/** Keeps a copy of the screen: `class Editor extends LocalTerminalBufferMixin(HistoricRecvLine)`. */
export function LocalTerminalBufferMixin<Base extends Constructor<TerminalProtocol>>(
  base: Base,
): Base & Constructor<WithLocalBuffer> {
  abstract class Local extends base implements WithLocalBuffer {
    declare terminalCopy: TerminalBuffer;

    override makeConnection(terminal: ITerminalTransport): MaybeAsync {
      this.terminalCopy = new Copy(terminal);
      void this.terminalCopy.makeConnection(terminal);
      return super.makeConnection(new TransportSequence(terminal, this.terminalCopy));
    }

    override terminalSize(width: number, height: number): MaybeAsync {
      const kept = [...this.terminalCopy.modes];
      Object.assign(this.terminalCopy, { width, height });
      this.terminalCopy.reset();
      this.terminalCopy.setModes(kept);
      return super.terminalSize(width, height);
    }

    override toString(): string {
      return this.terminalCopy.toString();
    }
  }
  return Local;
}

/** What a screen in memory cannot do, the terminal beside it does. */
class Copy extends TerminalBuffer {
  readonly #terminal: ITerminalTransport;

  constructor(terminal: ITerminalTransport) {
    super();
    this.#terminal = terminal;
  }

  override writeSequence(data: Iterable<BytesLike>): void {
    for (const each of data) this.write(each);
  }

  override getHost(): IAddress {
    return this.#terminal.getHost();
  }

  override getPeer(): IAddress {
    return this.#terminal.getPeer();
  }

  override loseConnection(): void {}
  override horizontalTabulationSet(): void {}
  override tabulationClear(): void {}
  override tabulationClearAll(): void {}
  override doubleHeightLine(): void {}
  override singleWidthLine(): void {}
  override doubleWidthLine(): void {}
}
