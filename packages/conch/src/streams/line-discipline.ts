/** What a terminal does with the keys of a program that reads lines: echo, erase, and the keys with a meaning (termios(3)). */

const LONGEST_LINE = 4096; // bytes, as on Linux

const [INTERRUPT, END, BELL, BACKSPACE, NEWLINE, RETURN, KILL, DELETE] = [3, 4, 7, 8, 10, 13, 21, 127];

export interface LineReader {
  /** What the keys show, before what they do. */
  echo(data: Buffer): void;
  /** A line with its end, or without when the end-of-file key sent it off. */
  line(data: Buffer): void;
  /** The end-of-file key at the beginning of a line. */
  end(): void;
  interrupt(): void;
}

export class LineDiscipline {
  readonly #reader: LineReader;
  #line: number[] = [];
  /** What is to be shown of the keys so far. */
  #shown: number[] = [];

  constructor(reader: LineReader) {
    this.#reader = reader;
  }

  feed(data: Buffer): void {
    for (const byte of data) this.#key(byte);
    this.#show();
  }

  /** What was typed and not sent off, when the program wants single keys from now on. */
  take(): Buffer {
    const typed = Buffer.from(this.#line);
    this.#line = [];
    return typed;
  }

  #key(byte: number): void {
    switch (byte) {
      case INTERRUPT:
        this.#line = [];
        this.#echo("^C\r\n");
        this.#show();
        this.#reader.interrupt();
        return;
      case END:
        this.#show();
        if (this.#line.length === 0) this.#reader.end();
        else this.#reader.line(this.take());
        return;
      case NEWLINE:
      case RETURN:
        this.#line.push(NEWLINE);
        this.#echo("\r\n");
        this.#show();
        this.#reader.line(this.take());
        return;
      case BACKSPACE:
      case DELETE:
        this.#erase();
        return;
      case KILL:
        while (this.#line.length > 0) this.#erase();
        return;
    }
    if (this.#line.length >= LONGEST_LINE - 1) {
      this.#shown.push(BELL);
      return;
    }
    this.#line.push(byte);
    // Of the control characters only the tab moves nothing that an erase could not take back.
    if (byte < 32 && byte !== 9) this.#echo(`^${String.fromCharCode(byte + 64)}`);
    else this.#shown.push(byte);
  }

  /** The last character: its bytes from the first to the last of UTF-8. */
  #erase(): void {
    let last = this.#line.pop();
    if (last === undefined) return;
    const width = last < 32 && last !== 9 ? 2 : 1;
    while (last !== undefined && (last & 0xc0) === 0x80) last = this.#line.pop();
    this.#echo("\b \b".repeat(width));
  }

  #echo(text: string): void {
    this.#shown.push(...Buffer.from(text));
  }

  #show(): void {
    if (this.#shown.length === 0) return;
    const shown = Buffer.from(this.#shown);
    this.#shown = [];
    this.#reader.echo(shown);
  }
}
