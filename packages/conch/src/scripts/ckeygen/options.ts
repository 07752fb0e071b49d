/** The command line of ckeygen (twisted.conch.scripts.ckeygen). */
import { type FlagRow, Options, type ParameterRow, UsageError } from "@strombus/reactor/usage";
import { Questioner } from "../../client/questioner.js";
import { askHiddenOnTerminal } from "../../client/terminal.js";

/** Asks one question and gives the answer. */
export type InputCollector = (prompt: string) => string | PromiseLike<string>;

/** The options of ckeygen. */
export class GeneralOptions extends Options {
  static override optParameters: readonly ParameterRow[] = [
    ["bits", "b", null, "The size of the key: 2048 by default for rsa, 1024 for dsa, 256 for ecdsa.", wholeNumber],
    ["filename", "f", null, "The file of the private key; the public key's has .pub behind it."],
    ["type", "t", null, "Make a key of this type: rsa, dsa, ecdsa or ed25519."],
    ["comment", "C", null, "What the key is called; by default user@host."],
    ["newpass", "N", null, "The new passphrase, with --changepass."],
    ["pass", "P", null, "The passphrase; with --changepass, the old one."],
    ["format", "o", "sha256-base64", "How to show a fingerprint: sha256-base64 or md5-hex."],
    ["private-key-subtype", null, null, "How to write the private key: PEM, PKCS8 or v1, OpenSSH's own."],
  ];
  static override optFlags: readonly FlagRow[] = [
    ["fingerprint", "l", "Show the fingerprint of a key."],
    ["changepass", "p", "Change the passphrase of a private key."],
    ["quiet", "q", "Say nothing but questions and errors."],
    ["no-passphrase", null, "Make a key without a passphrase, and do not ask for one."],
    ["showpub", "y", "Show the public key of a private one."],
  ];

  override synopsis = "Usage: ckeygen [options]";
  override longdesc = "ckeygen makes keys for SSH, shows them and their fingerprints, and changes their passphrases.";

  readonly #questioner = new Questioner(process.stdin, process.stdout);
  /** Asks what may be seen. */
  input: InputCollector = (prompt) => this.#questioner.ask(prompt);
  /** Asks for a passphrase, which a terminal does not show. */
  getpass: InputCollector = (prompt) => askHiddenOnTerminal(prompt, this.#questioner);

  /** The value of a parameter; null when it was not given. */
  text(name: string): string | null {
    const value = this.get(name);
    return typeof value === "string" ? value : null;
  }

  /** Whether a flag was given. */
  isSet(name: string): boolean {
    return Boolean(this.get(name));
  }

  /** Prints a line, unless it is to be quiet. */
  say(line: string): void {
    if (!this.isSet("quiet")) this.output.write(`${line}\n`);
  }
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new UsageError(`${JSON.stringify(text)} is no number of bits`);
  return Number(text);
}
