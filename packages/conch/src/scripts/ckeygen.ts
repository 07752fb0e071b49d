/** The program ckeygen: makes keys, shows them and their fingerprints, changes passphrases (twisted.conch.scripts.ckeygen). */
import { existsSync, mkdirSync } from "node:fs";
import { homedir, hostname, userInfo } from "node:os";
import { basename, dirname, join } from "node:path";
import { SystemExit } from "@strombus/reactor/exceptions";
import { UsageError } from "@strombus/reactor/usage";
import { contentOf } from "../keys/file.js";
import {
  BadFingerPrintFormat,
  BadKeyError,
  EncryptedKeyError,
  FingerprintFormats,
  Key,
  type KeyType,
} from "../ssh/keys.js";
import { createPrivateFile, replacePrivateFile, writePublicFile } from "./ckeygen/files.js";
import { GeneralOptions, type InputCollector } from "./ckeygen/options.js";
import { type PrivateKeyFile, readPrivateKey } from "./ckeygen/private-key.js";
import { ExitWithMessage, sentenceOf } from "./exit.js";

export { GeneralOptions, type InputCollector } from "./ckeygen/options.js";

const GENERATORS = new Map<string, (options: GeneralOptions) => Promise<void>>([
  ["rsa", generateRSAkey],
  ["dsa", generateDSAkey],
  ["ecdsa", generateECDSAkey],
  ["ed25519", generateEd25519key],
]);

const FORMATS: ReadonlyMap<unknown, symbol> = new Map([
  ["md5-hex", FingerprintFormats.MD5_HEX],
  ["sha256-base64", FingerprintFormats.SHA256_BASE64],
]);

/** The types of keys as options and the names of files have them. */
const TYPE_NAMES: ReadonlyMap<KeyType, string> = new Map([
  ["EC", "ecdsa"],
  ["Ed25519", "ed25519"],
  ["RSA", "rsa"],
  ["DSA", "dsa"],
]);

/**
 * Does what the command line says, and sets the status of the process: 0, or 1 with a sentence on its standard error. Nothing
 * is thrown.
 */
export async function run(
  words: readonly string[] = process.argv.slice(2),
  options: GeneralOptions = new GeneralOptions(),
  errors: { write(text: string): unknown } = process.stderr,
): Promise<void> {
  try {
    await act(words, options);
  } catch (error) {
    if (error instanceof ExitWithMessage) errors.write(`${error.message}\n`);
    else if (error instanceof UsageError) errors.write(`ERROR: ${error.message}\n${options.getUsage()}\n`);
    else if (!(error instanceof SystemExit)) errors.write(`ckeygen: ${sentenceOf(error)}\n`);
    process.exitCode = error instanceof SystemExit ? error.code : 1;
  }
}

async function act(words: readonly string[], options: GeneralOptions): Promise<void> {
  options.parseOptions(words);
  const type = options.text("type");
  if (type !== null) {
    const generate = GENERATORS.get(type.toLowerCase());
    if (generate === undefined) {
      throw new ExitWithMessage(`Key type was ${type}, must be one of ${[...GENERATORS.keys()].join(", ")}`);
    }
    enumrepresentation(options); // before the work is done
    options.say(`Generating public/private ${type} key pair.`);
    await generate(options);
  } else if (options.isSet("fingerprint")) await printFingerprint(options);
  else if (options.isSet("changepass")) await changePassPhrase(options);
  else if (options.isSet("showpub")) await displayPublicKey(options);
  else options.opt_help();
}

/**
 * Puts the format of fingerprints into the options as one of FingerprintFormats, where there was its name.
 * @throws BadFingerPrintFormat
 */
export function enumrepresentation(options: GeneralOptions): GeneralOptions {
  options.set("format", formatOf(options));
  return options;
}

/** Exponent 65537, 2048 bits by default. */
export async function generateRSAkey(options: GeneralOptions): Promise<void> {
  await _saveKey(generate("rsa", options, 2048), options);
}

/** 1024 bits by default, all that SSH knows. */
export async function generateDSAkey(options: GeneralOptions): Promise<void> {
  await _saveKey(generate("dsa", options, 1024), options);
}

/** On the NIST curve of so many bits, 256 by default. */
export async function generateECDSAkey(options: GeneralOptions): Promise<void> {
  await _saveKey(generate("ecdsa", options, 256), options);
}

/** Of one size. */
export async function generateEd25519key(options: GeneralOptions): Promise<void> {
  await _saveKey(Key.generate("ed25519"), options);
}

/** The file that is named; else asks for it, and offers the usual one. The options stay as they are. */
export async function _getKeyOrDefault(
  options: GeneralOptions,
  inputCollector: InputCollector = options.input,
  keyTypeName = "rsa",
): Promise<string> {
  const filename = options.text("filename");
  if (filename !== null && filename !== "") return filename;
  const usual = usualFile(keyTypeName);
  const answer = await inputCollector(`Enter file in which the key is (${usual}): `);
  return answer.trim() || usual;
}

/** Asks where to save a key. */
export async function _inputSaveFile(prompt: string, inputCollector: InputCollector): Promise<string> {
  return inputCollector(prompt);
}

/**
 * Writes both files of a new key, and says so.
 * @throws SystemExit where a file is there and is to stay
 */
export async function _saveKey(
  key: Key,
  options: GeneralOptions,
  inputCollector: InputCollector = options.input,
): Promise<void> {
  const format = formatOf(options);
  const named = options.text("filename");
  const filename = named === null || named === "" ? await askWhereToSave(key, inputCollector) : named;
  const exists = existsSync(filename);
  if (exists) {
    options.output.write(`${filename} already exists.\n`);
    const answer = await inputCollector("Overwrite (y/n)? ");
    if (!/^\s*y/i.test(answer)) throw new SystemExit(0);
  }
  const passphrase = options.isSet("no-passphrase")
    ? null
    : (options.text("pass") ?? (await askTwice(options, "Enter passphrase (empty for no passphrase): ")));
  const comment = options.text("comment") ?? `${userName()}@${hostname()}`;
  const subtype = options.text("private-key-subtype");
  const content = key.toString("openssh", { subtype, passphrase, comment });
  try {
    if (dirname(filename) === dirname(usualFile(""))) mkdirSync(dirname(filename), { recursive: true, mode: 0o700 });
    (exists ? replacePrivateFile : createPrivateFile)(filename, content);
    writePublicFile(`${filename}.pub`, key.public().toString("openssh", { comment }));
  } catch (error) {
    throw new ExitWithMessage(`${filename} could not be saved: ${sentenceOf(error)}`, { cause: error });
  }
  options.say(`Your identification has been saved in ${filename}`);
  options.say(`Your public key has been saved in ${filename}.pub`);
  options.say(`The key fingerprint in <FingerprintFormats=${format.description}> is:`);
  options.say(key.fingerprint(format));
}

/** Prints the size of a key, its fingerprint and the file that it is in: the public one's where there is one. */
export async function printFingerprint(options: GeneralOptions): Promise<void> {
  const format = formatOf(options);
  const named = await _getKeyOrDefault(options);
  const filename = existsSync(`${named}.pub`) ? `${named}.pub` : named;
  let key: Key;
  try {
    key = Key.fromString(fileOf(filename), { passphrase: null });
  } catch (cause) {
    if (cause instanceof BadKeyError) throw new ExitWithMessage("bad key", { cause });
    if (!(cause instanceof EncryptedKeyError)) throw cause;
    throw new ExitWithMessage(`${filename} is encrypted, and there is no ${filename}.pub`, { cause });
  }
  options.output.write(`${key.size()} ${key.fingerprint(format)} ${basename(filename)}\n`);
}

/**
 * Gives a private key another passphrase, and reads what it is going to write before it does. The file's form and comment
 * stay, unless the options say otherwise.
 */
export async function changePassPhrase(options: GeneralOptions): Promise<void> {
  const filename = await _getKeyOrDefault(options);
  const data = fileOf(filename);
  const file = await openToChange(data, options);
  if (file.key.isPublic()) throw notChanged("key not encrypted");
  const passphrase =
    options.text("newpass") ?? (await askTwice(options, "Enter new passphrase (empty for no passphrase): "));
  try {
    const subtype = options.text("private-key-subtype") ?? file.subtype;
    const content = file.key.toString("openssh", {
      subtype,
      passphrase,
      comment: options.text("comment") ?? file.comment,
    });
    if (!Key.fromString(content, { passphrase }).equals(file.key)) throw new BadKeyError("another key was written");
    replacePrivateFile(filename, content);
  } catch (cause) {
    throw notChanged(sentenceOf(cause), cause);
  }
  options.say("Your identification has been saved with the new passphrase.");
}

/**
 * Prints a key's public half, without a comment.
 * @throws BadKeyError for a file that is no key, or a wrong passphrase
 */
export async function displayPublicKey(options: GeneralOptions): Promise<void> {
  const filename = await _getKeyOrDefault(options);
  const data = fileOf(filename);
  let key: Key;
  try {
    key = Key.fromString(data);
  } catch (error) {
    if (!(error instanceof EncryptedKeyError)) throw error;
    key = Key.fromString(data, { passphrase: await passphraseOf(options, "Enter passphrase: ") });
  }
  options.output.write(`${key.public().toString("openssh").toString()}\n`);
}

async function openToChange(data: Buffer, options: GeneralOptions): Promise<PrivateKeyFile> {
  try {
    return readPrivateKey(data, null);
  } catch (error) {
    if (!(error instanceof EncryptedKeyError)) throw notChanged(sentenceOf(error), error);
  }
  const passphrase = await passphraseOf(options, "Enter old passphrase: ");
  if (passphrase === "") throw notChanged("Passphrase must be provided for an encrypted key");
  try {
    return readPrivateKey(data, passphrase);
  } catch (cause) {
    throw notChanged(cause instanceof BadKeyError ? "old passphrase error" : sentenceOf(cause), cause);
  }
}

function notChanged(why: string, cause?: unknown): ExitWithMessage {
  return new ExitWithMessage(`Could not change passphrase: ${why}`, { cause });
}

function generate(type: "rsa" | "dsa" | "ecdsa", options: GeneralOptions, usual: number): Key {
  const bits = options.get("bits");
  return Key.generate(type, typeof bits === "number" ? bits : usual);
}

function askWhereToSave(key: Key, inputCollector: InputCollector): Promise<string> {
  const usual = usualFile(TYPE_NAMES.get(key.type()) ?? "key");
  return _inputSaveFile(`Enter file in which to save the key (${usual}): `, inputCollector).then(
    (answer) => answer.trim() || usual,
  );
}

/** The one that is given, unless it is empty, which opens nothing. */
async function passphraseOf(options: GeneralOptions, question: string): Promise<string> {
  const given = options.text("pass");
  return given === null || given === "" ? options.getpass(question) : given;
}

async function askTwice(options: GeneralOptions, prompt: string): Promise<string> {
  for (;;) {
    const passphrase = await options.getpass(prompt);
    if (passphrase === (await options.getpass("Enter same passphrase again: "))) return passphrase;
    options.output.write("The passphrases differ. Try again.\n");
  }
}

function fileOf(filename: string): Buffer {
  try {
    return contentOf(filename);
  } catch (cause) {
    if (cause instanceof BadKeyError) throw cause;
    throw new ExitWithMessage(`${filename} could not be opened, please specify a file.`, { cause });
  }
}

function formatOf(options: GeneralOptions): symbol {
  const format = options.get("format");
  const found = typeof format === "symbol" ? format : FORMATS.get(format);
  if (found === undefined) throw new BadFingerPrintFormat(`Unsupported fingerprint format: ${String(format)}`);
  return found;
}

function usualFile(keyTypeName: string): string {
  return join(homedir(), ".ssh", `id_${keyTypeName}`);
}

/** Some containers have no name for who runs in them. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env["USER"] ?? "user";
  }
}
