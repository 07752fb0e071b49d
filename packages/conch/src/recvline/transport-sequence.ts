/** Several terminals as one. */
import { implementer } from "@strombus/reactor/components";
import { AssertionError } from "@strombus/reactor/exceptions";
import { ITerminalTransport } from "../insults/interfaces.js";
import { KEYS, type KeyNames } from "../insults/keys.js";

const METHODS: readonly (keyof ITerminalTransport)[] = [
  "write",
  "writeSequence",
  "loseConnection",
  "getPeer",
  "getHost",
  "cursorUp",
  "cursorDown",
  "cursorForward",
  "cursorBackward",
  "cursorPosition",
  "cursorHome",
  "index",
  "reverseIndex",
  "nextLine",
  "saveCursor",
  "restoreCursor",
  "setModes",
  "resetModes",
  "setPrivateModes",
  "resetPrivateModes",
  "applicationKeypadMode",
  "numericKeypadMode",
  "selectCharacterSet",
  "shiftIn",
  "shiftOut",
  "singleShift2",
  "singleShift3",
  "selectGraphicRendition",
  "horizontalTabulationSet",
  "tabulationClear",
  "tabulationClearAll",
  "doubleHeightLine",
  "singleWidthLine",
  "doubleWidthLine",
  "eraseToLineEnd",
  "eraseToLineBeginning",
  "eraseLine",
  "eraseToDisplayEnd",
  "eraseToDisplayBeginning",
  "eraseDisplay",
  "deleteCharacter",
  "insertLine",
  "deleteLine",
  "setScrollRegion",
  "resetScrollRegion",
  "reportCursorPosition",
  "reset",
  "unhandledControlSequence",
];

class Sequence {
  readonly transports: readonly ITerminalTransport[];

  constructor(...transports: ITerminalTransport[]) {
    if (transports.length === 0) throw new AssertionError("a sequence of no transports");
    this.transports = transports;
  }
}

for (const name of METHODS) {
  const forward = function (this: Sequence, ...args: unknown[]): unknown {
    let result: unknown;
    for (const each of this.transports) {
      result = (each[name] as (...args: unknown[]) => unknown).apply(each, args);
    }
    return result;
  };
  Object.defineProperty(Sequence.prototype, name, { value: forward, writable: true, configurable: true });
}
Object.assign(Sequence.prototype, KEYS);
implementer(ITerminalTransport)(Sequence);

export type TransportSequence = ITerminalTransport & { readonly transports: readonly ITerminalTransport[] };

/** Does to each of its terminals what is done to it, and returns what the last returns. @throws AssertionError for none */
export const TransportSequence: (new (...transports: ITerminalTransport[]) => TransportSequence) & KeyNames =
  Object.assign(Sequence as unknown as new (...transports: ITerminalTransport[]) => TransportSequence, KEYS);
