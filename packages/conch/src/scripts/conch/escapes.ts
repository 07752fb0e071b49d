/** Escapes: commands to conch itself among what is typed for the server (those of OpenSSH's client). */

export type EscapeCommand = "quit" | "suspend" | "rekey" | "channels" | "help";

const COMMANDS: ReadonlyMap<number, EscapeCommand> = new Map<number, EscapeCommand>(
  (
    [
      [".", "quit"],
      ["\x1a", "suspend"],
      ["R", "rekey"],
      ["#", "channels"],
      ["?", "help"],
    ] as const
  ).map(([key, command]) => [key.charCodeAt(0), command]),
);

const [LF, CR] = [0x0a, 0x0d];

/** Finds them: the escape character at the beginning of a line, and a key. */
export class Escapes {
  readonly #escape: number;
  #isLineStart = true;
  /** The character has come, and no key yet. */
  #isArmed = false;

  /** @param escape the byte of the escape character */
  constructor(escape: number) {
    this.#escape = escape;
  }

  /** What is to be sent, and commands, in their order. A key that is no command is sent with what came before it. */
  split(typed: Buffer): (Buffer | EscapeCommand)[] {
    const parts: (Buffer | EscapeCommand)[] = [];
    let from = 0;
    for (const [at, byte] of typed.entries()) {
      if (this.#isArmed) {
        this.#isArmed = false;
        const command = COMMANDS.get(byte);
        if (command !== undefined) {
          parts.push(command);
          from = at + 1;
          continue; // and the line has still to begin
        }
        if (byte !== this.#escape) parts.push(Buffer.of(this.#escape));
      } else if (this.#isLineStart && byte === this.#escape) {
        this.#isArmed = true;
        if (at > from) parts.push(typed.subarray(from, at));
        from = at + 1;
        continue;
      }
      this.#isLineStart = byte === CR || byte === LF;
    }
    if (from < typed.length) parts.push(typed.subarray(from));
    return parts;
  }

  /** For the user. */
  get help(): string[] {
    const shown =
      this.#escape < 0x20 ? `^${String.fromCharCode(this.#escape + 0x40)}` : String.fromCharCode(this.#escape);
    return [
      "At the beginning of a line:",
      `  ${shown}.   ends the connection`,
      `  ${shown}^Z  suspends conch`,
      `  ${shown}R   has new keys made`,
      `  ${shown}#   lists the channels that are open`,
      `  ${shown}?   shows this`,
      `  ${shown}${shown}   sends the escape character itself`,
    ];
  }
}
