/** The command line of conch (twisted.conch.scripts.conch). */
import { type FlagRow, type ParameterRow, UsageError } from "@strombus/reactor/usage";
import { ConchOptions } from "../../client/options.js";
import type { HostPort } from "../../forwarding/addresses.js";
import { ExitWithMessage } from "../exit.js";

/** Where is listened, a port of 0 being a free one, and what a connection to it leads to. */
export type Forward = readonly [port: number, to: HostPort];

const MAX_PORT = 65_535;

/** The options of conch: those of all clients, and its own. */
export class ClientOptions extends ConchOptions {
  static override optParameters: readonly ParameterRow[] = [
    ["escape", "e", "~", "The escape character of a session at a terminal: one character, ^X, or none."],
    ["localforward", "L", null, "port:host:hostport: a port of this machine leads to the host by way of the server."],
    ["remoteforward", "R", null, "port:host:hostport: a port of the server leads to the host by way of this machine."],
  ];
  static override optFlags: readonly FlagRow[] = [
    ["null", "n", "Have no input."],
    ["fork", "f", "Cannot be done: the program stays in the foreground."],
    ["tty", "t", "Have a terminal there, with a command too."],
    ["notty", "T", "Have no terminal there."],
    ["noshell", "N", "Run nothing: forward ports only."],
    ["subsystem", "s", "The command is the name of a subsystem."],
  ];

  override synopsis = "Usage: conch [options] [user@]host [command]";
  override longdesc =
    "conch logs in by SSH: with a command it runs that and ends with its status, else it is a shell on the server.";

  /** What runs there; "" for a shell. */
  command = "";
  localForwards: Forward[] = [];
  remoteForwards: Forward[] = [];
  #hasHost = false;

  override isSet(
    flag: Parameters<ConchOptions["isSet"]>[0] | "null" | "fork" | "tty" | "notty" | "noshell" | "subsystem",
  ): boolean {
    return this.get(flag) === 1;
  }

  /** The byte that an escape begins with; null for none. */
  get escape(): number | null {
    const escape = this.get("escape");
    return typeof escape === "string" ? escape.charCodeAt(0) : null;
  }

  /** @throws SystemExit for what is no character that a key can send */
  opt_escape(text: string): void {
    if (text === "none") this.set("escape", null);
    else if (/^[\0-\x7f]$/.test(text)) this.set("escape", text);
    else if (/^\^[@-_a-z]$/.test(text)) this.set("escape", String.fromCharCode(text.charCodeAt(1) & 0x1f));
    else throw new ExitWithMessage(`Bad escape character '${text}'.`);
  }

  opt_localforward(text: string): void {
    this.localForwards.push(forwardOf(text));
  }

  opt_remoteforward(text: string): void {
    this.remoteForwards.push(forwardOf(text));
  }

  /** Options may also stand behind the host, where programs put them that run ssh. */
  override parseArgs(...words: string[]): void {
    if (!this.#hasHost) {
      this.#takeHost(words.shift());
      if (words[0]?.startsWith("-") === true) return this.parseOptions(words);
    }
    this.command = words.join(" ");
  }

  override postOptions(): void {
    if (this.isSet("subsystem") && this.command === "") throw new UsageError("--subsystem needs the name of one");
    if (this.isSet("fork")) {
      throw new ExitWithMessage("conch: --fork cannot be done by a Node program: run it in the background instead");
    }
  }

  #takeHost(target: string | undefined): void {
    if (target === undefined) throw new UsageError("Wrong number of arguments.");
    const [, user = null, bracketed, name = ""] = /^(?:([^]*)@)?(?:\[([^\]]+)\]|([^@]*))$/.exec(target) ?? [];
    this.host = bracketed ?? name;
    if (this.host === "" || user === "") throw new UsageError(`${JSON.stringify(target)} is not [user@]host`);
    if (user !== null) this.set("user", user);
    this.#hasHost = true;
  }
}

/** @throws UsageError */
function forwardOf(text: string): Forward {
  const [, listen, bracketed, host, port] = /^(\d{1,5}):(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const [from, to] = [Number(listen), Number(port)];
  if (from <= MAX_PORT && to >= 1 && to <= MAX_PORT) return [from, [bracketed ?? host!, to]];
  throw new UsageError(`${JSON.stringify(text)} is not port:host:hostport`);
}
