/** Questions to whoever sits at the terminal, or to what is piped into a program. */
import { StringDecoder } from "node:string_decoder";
import { EOFError, SystemExit } from "@strombus/reactor/exceptions";

/** Of a terminal, `setRawMode` takes its own echo and line editing away. */
export type Answers = NodeJS.ReadableStream & { readonly isTTY?: boolean; setRawMode?(mode: boolean): unknown };

/** Where questions go. */
export interface Prompts {
  write(text: string): unknown;
}

/** The status of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

/** What a key does to a hidden answer that is being typed. */
const KEYS: ReadonlyMap<string, "erase" | "clear" | "end" | "interrupt"> = new Map([
  ["\x03", "interrupt"],
  ["\x04", "end"],
  ["\b", "erase"],
  ["\x7f", "erase"],
  ["\x15", "clear"],
]);

/** Asks one question after the other. What is typed ahead is the answer to the next. */
export class Questioner {
  readonly #answers: Answers;
  readonly #prompts: Prompts;
  readonly #decoder = new StringDecoder();
  /** Characters that came and belong to no answer yet. */
  readonly #ahead: string[] = [];
  #listening = false;
  #ended = false;
  /** Wakes who waits. */
  #arrived = (): void => {};

  constructor(answers: Answers, prompts: Prompts) {
    this.#answers = answers;
    this.#prompts = prompts;
  }

  /** The answer without its newline. @throws EOFError when nothing more comes */
  async ask(prompt: string): Promise<string> {
    this.#prompts.write(prompt);
    return this.#line();
  }

  /** The same, and a terminal does not show what is typed. @throws SystemExit for Ctrl-C */
  async askHidden(prompt: string): Promise<string> {
    const answers = this.#answers;
    if (answers.isTTY !== true) return this.ask(prompt);
    answers.setRawMode?.(true); // before the prompt: who types at once is not shown either
    try {
      this.#prompts.write(prompt);
      return await this.#typed();
    } finally {
      answers.setRawMode?.(false);
      this.#prompts.write("\n");
    }
  }

  async #line(): Promise<string> {
    let line = "";
    for (;;) {
      const character = await this.#next();
      if (character === null && line === "") throw new EOFError("the input ended before the answer");
      if (character === null || character === "\n") return line.replace(/\r$/, "");
      line += character;
    }
  }

  async #typed(): Promise<string> {
    let line: string[] = [];
    for (;;) {
      const character = await this.#next();
      if (character === "\r" || character === "\n") return line.join("");
      const key = character === null ? "end" : KEYS.get(character);
      if (key === undefined) line.push(character!);
      else if (key === "interrupt") throw new SystemExit(INTERRUPTED);
      else if (key === "clear") line = [];
      else if (key === "erase") line.pop();
      else if (line.length === 0 || character === null) throw new EOFError("the input ended before the answer");
    }
  }

  /** Null at the end. */
  async #next(): Promise<string | null> {
    while (this.#ahead.length === 0 && !this.#ended) await this.#more();
    return this.#ahead.shift() ?? null;
  }

  /** Reads only while somebody waits: a stream that is read keeps the process. */
  #more(): Promise<void> {
    const answers = this.#answers;
    if (!this.#listening) this.#listen();
    return new Promise((resolve) => {
      const arrived = (): void => {
        answers.pause();
        resolve();
      };
      this.#arrived = arrived;
      answers.resume();
    });
  }

  #listen(): void {
    this.#listening = true;
    const ended = (): void => {
      this.#ended = true;
      this.#arrived();
    };
    const received = (data: Buffer | string): void => {
      const text = typeof data === "string" ? data : this.#decoder.write(data);
      for (const character of text) this.#ahead.push(character);
      this.#arrived();
    };
    this.#answers.on("data", received).on("end", ended).on("error", ended).on("close", ended).pause();
  }
}
