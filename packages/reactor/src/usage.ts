/** Options of command lines, declared by a class (twisted.python.usage). */
import { SystemExit } from "./exceptions.js";
import {
  type Argument,
  type Declared,
  declaredOptions,
  type DocRow,
  type FlagRow,
  type ParameterRow,
} from "./usage/declared.js";
import { usageText } from "./usage/text.js";

export type { DocRow, FlagRow, ParameterRow } from "./usage/declared.js";

/** What the user typed is no command line of this program; the message is for them. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code = "ERR_USAGE";
}

/**
 * The options of a program, by long name once they are parsed. A subclass declares flags, which count from 0 to 1, and
 * parameters, which have a value; rows of the classes above it come first. A method `opt_some_name` is the option
 * `--some-name` and gets every value given, or is a flag when it takes no argument; `optDocs` says what it does.
 *
 * ```ts
 * class ServerOptions extends Options {
 *   static override optFlags: FlagRow[] = [["verbose", "v", "say more"]];
 *   static override optParameters: ParameterRow[] = [["port", "p", 22, "where to listen", Number]];
 * }
 * const options = new ServerOptions();
 * options.parseOptions(process.argv.slice(2));
 * options.get("port");
 * ```
 */
export class Options extends Map<string, unknown> {
  static optFlags: readonly FlagRow[] = [];
  static optParameters: readonly ParameterRow[] = [];
  /** What the usage says of options that are methods and have no row. */
  static optDocs: readonly DocRow[] = [
    ["help", "Display this help and exit."],
    ["version", "Display the version and exit."],
  ];

  /** The first line of the usage; by default the program's name and its place for options. */
  synopsis: string | null = null;
  /** Stands below the options in the usage. */
  longdesc: string | null = null;
  /** Printed by `--version`. */
  version = "unknown";
  /** Where `--help` and `--version` print. */
  output: { write(text: string): unknown } = process.stdout;

  readonly #declared: Declared;

  constructor() {
    super();
    this.#declared = declaredOptions(this);
    for (const [name, value] of this.#declared.defaults) this.set(name, value);
  }

  /**
   * Parses words; those from the first on that is no option are `parseArgs`'s.
   * @throws UsageError for what is no command line; SystemExit when there is nothing left to do, as after `--help`
   */
  parseOptions(words: readonly string[] = process.argv.slice(2)): void {
    const left = [...words];
    while (left[0]?.startsWith("-") === true && left[0] !== "-") {
      const word = left.shift()!;
      if (word === "--") break;
      if (word.startsWith("--")) this.#long(word.slice(2), left);
      else this.#short(word.slice(1), left);
    }
    const required = this.parseArgs.length;
    if (left.length < required) throw new UsageError("Wrong number of arguments.");
    this.parseArgs(...left);
    this.postOptions();
  }

  /** Takes the words behind the options; by default there may be none. */
  parseArgs(...words: string[]): void {
    if (words.length > 0) throw new UsageError("Wrong number of arguments.");
  }

  /** Called when all is parsed: a place to check what goes together. */
  postOptions(): void {}

  /** What `--help` prints, for lines of so many characters. */
  getUsage(width = Number(process.env["COLUMNS"] ?? 80) || 80): string {
    return usageText(this.#declared.entries, { synopsis: this.synopsis, longdesc: this.longdesc, width });
  }

  /** Display this help and exit. */
  opt_help(): void {
    this.output.write(`${this.getUsage()}\n`);
    throw new SystemExit(0);
  }

  /** Display the version and exit. */
  opt_version(): void {
    this.output.write(`${this.version}\n`);
    throw new SystemExit(0);
  }

  #long(word: string, left: string[]): void {
    const [typed = "", ...rest] = word.split("=");
    const value = word.includes("=") ? rest.join("=") : null;
    const names = [...this.#declared.long.keys()].filter((name) => name.startsWith(typed));
    const name = names.includes(typed) ? typed : names.length === 1 ? names[0]! : null;
    if (name === null || typed === "") {
      throw new UsageError(`option --${typed} ${names.length > 1 ? "not a unique prefix" : "not recognized"}`);
    }
    const option = this.#declared.long.get(name)!;
    if (!option.takesValue && value !== null) throw new UsageError(`option --${name} must not have an argument`);
    this.#set(option, `--${name}`, value, left);
  }

  #short(letters: string, left: string[]): void {
    for (let at = 0; at < letters.length; at++) {
      const letter = letters[at]!;
      const option = this.#declared.short.get(letter);
      if (option === undefined) throw new UsageError(`option -${letter} not recognized`);
      const rest = letters.slice(at + 1);
      this.#set(option, `-${letter}`, option.takesValue && rest !== "" ? rest : null, left);
      if (option.takesValue) return;
    }
  }

  #set(option: Argument, shown: string, given: string | null, left: string[]): void {
    if (!option.takesValue) return option.set("");
    const value = given ?? left.shift();
    if (value === undefined) throw new UsageError(`option ${shown} requires argument`);
    option.set(value);
  }
}
