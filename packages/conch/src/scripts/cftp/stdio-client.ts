/** The commands of cftp, line by line (twisted.conch.scripts.cftp). */
import { constants, readdirSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { reactor } from "@strombus/reactor";
import { implementer } from "@strombus/reactor/components";
import { ConnectionLost } from "@strombus/reactor/error";
import { EOFError, NotImplementedError, ValueError } from "@strombus/reactor/exceptions";
import type { Failure } from "@strombus/reactor/failure";
import { IHalfCloseableProtocol, type MaybeAsync } from "@strombus/reactor/interfaces";
import { connectionDone } from "@strombus/reactor/protocol";
import { LineReceiver } from "@strombus/reactor/protocols/basic";
import { pwd, type UserDatabase } from "../../checkers/passwd.js";
import type { FileTransferClient, ListedEntry } from "../../sftp/client.js";
import { SFTPError, systemError, systemErrorText } from "../../sftp/errors.js";
import { FX_EOF, FX_OP_UNSUPPORTED, FXF_CREAT, FXF_READ, FXF_TRUNC, FXF_WRITE } from "../../sftp/numbers.js";
import { namedMethod } from "../../ssh/service.js";
import type { BytesLike } from "../../wire/writer.js";
import { sentenceOf } from "../exit.js";
import { isPattern, matcher } from "./glob.js";
import { HELP } from "./help.js";
import { entriesOf, joined, matching, split } from "./paths.js";
import { abbrevSize, abbrevTime, FileWrapper, progressLine } from "./progress.js";
import { interactiveShell, outputOf } from "./shell.js";
import { decoded, shown, shownLines } from "../../client/shown.js";
import { download, type TransferOptions, upload } from "./transfer.js";
import { firstName, names } from "./words.js";

/** What a command has to say: text, which is escaped, or bytes of this system's programs. */
export type CommandResult = string | Buffer | null | undefined | void;

export interface StdioClientOptions {
  /** Bytes of a request. Default: 32,768. */
  readonly buffersize?: number;
  /** Requests on their way at a time. Default: 5. */
  readonly requests?: number;
  /** Where to begin; or a file that is to be got, which is all then. */
  readonly remotePath?: string | null;
  /** What that file is called here. */
  readonly localPath?: string | null;
}

/** A word that is no command. */
class UnknownCommand extends Error {}

/**
 * Takes commands from its transport, or from the lines of `f`, and does them one after the other. The session ends with
 * `exit`, with the end of what it reads, and in a batch with the first error of a line without `-` in front.
 */
@implementer(IHalfCloseableProtocol)
export class StdioClient extends LineReceiver {
  override delimiter = "\n";
  /** The prompt. */
  ps = "cftp> ";
  readonly client: FileTransferClient;
  /** The lines of a batch. */
  readonly f: Iterable<string> | null;
  /** Of the server. */
  currentDirectory = "";
  useProgressBar: boolean;
  /** Whose clock tells how long transfers take. */
  reactor: { seconds(): number } = reactor;
  /** Where the user's shell stands. */
  _pwd: UserDatabase = pwd;
  /** How wide lines are. */
  terminal: { readonly columns?: number } = process.stdout;
  /** Whether a batch has ended before its end. */
  failed = false;
  readonly #options: StdioClientOptions;
  #errors = 0;
  #busy = true; // until there is a prompt
  #inputEnded = false;
  #closing = false;

  constructor(client: FileTransferClient, f: Iterable<string> | null = null, options: StdioClientOptions = {}) {
    super();
    this.client = client;
    this.f = f;
    this.useProgressBar = f === null;
    this.#options = options;
  }

  /** Whether the session ends because it was told to here. */
  get finished(): boolean {
    return this.#closing;
  }

  override connectionMade(): MaybeAsync {
    this.pauseProducing();
    return this.#begin();
  }

  override lineReceived(line: Buffer): MaybeAsync {
    this.pauseProducing();
    this.#busy = true;
    return this.#interactive(line.toString());
  }

  readConnectionLost(): MaybeAsync {
    this.#inputEnded = true;
    if (!this.#busy) return this.#ready();
  }

  /** Nobody can be told anything any more. */
  writeConnectionLost(): MaybeAsync {
    if (!this.#closing) this.client.transport?.loseConnection();
  }

  override connectionLost(reason: Failure = connectionDone): MaybeAsync {
    this.#close();
    return super.connectionLost(reason);
  }

  // Lines

  async #begin(): Promise<void> {
    const { remotePath = null } = this.#options;
    const isDone = await this.#try(async () => {
      this.currentDirectory = await this.client.realPath("");
      return remotePath === null ? null : this.#start(remotePath);
    });
    if (!isDone) this.failed = true;
    if (!isDone || this.#closing) this.#close();
    else if (this.f === null) await this.#next();
    else await this.#batch(this.f);
  }

  async #start(path: string): Promise<CommandResult> {
    const { localPath = null } = this.#options;
    const { permissions = 0 } = await this.client.getAttrs(joined(this.currentDirectory, path), true);
    if (localPath === null && isOfType(permissions, constants.S_IFDIR)) return this.#changeDirectory(path);
    this.#closing = true;
    return this.#get(joined(this.currentDirectory, path), localPath ?? split(path)[1]);
  }

  async #batch(lines: Iterable<string>): Promise<void> {
    for (const line of lines) {
      this.transport?.write(`${this.ps}${line}\n`);
      const text = line.trim();
      const goesOn = text.startsWith("-");
      if (text !== "" && !(await this.#obey(goesOn ? text.slice(1).trimStart() : text)) && !goesOn) {
        this.failed = true;
        break;
      }
      if (this.#closing) break;
    }
    this.#close();
  }

  async #interactive(line: string): Promise<void> {
    await Promise.resolve(); // what brought the line looks for no other by itself
    const text = line.trim();
    if (text !== "") await this.#obey(text);
    await this.#next();
  }

  async #next(): Promise<void> {
    if (this.#closing) return;
    this._newLine();
    await this.#ready();
  }

  /** For the next line, which may be there already. */
  async #ready(): Promise<void> {
    this.#busy = false;
    this.resumeProducing();
    if (this.#isBusy || !this.#inputEnded) return;
    const rest = this.clearLineBuffer();
    if (rest.length === 0) this.#close();
    else await this.lineReceived(rest);
  }

  /** Asked anew: it changes in calls. */
  get #isBusy(): boolean {
    return this.#busy;
  }

  #obey(line: string): Promise<boolean> {
    return this.#try(() => this._dispatchCommand(line));
  }

  /** Whether no error was told of. */
  async #try(command: () => Promise<CommandResult>): Promise<boolean> {
    const before = this.#errors;
    try {
      this.#write(await command());
    } catch (error) {
      this._printFailure(error);
    }
    return this.#errors === before;
  }

  /** @returns rejected with what the command fails with */
  async _dispatchCommand(line: string): Promise<CommandResult> {
    if (line.startsWith("!")) return this.cmd_EXEC(line.slice(1).trim());
    const [, word = "", rest = ""] = /^(\S*)\s*([^]*)$/.exec(line)!;
    const name = word === "?" ? "HELP" : word.toUpperCase();
    const command = namedMethod(this, `cmd_${name}`);
    if (command === null) throw new UnknownCommand();
    return (await command(rest)) as CommandResult;
  }

  _printFailure(error: unknown): void {
    this.#errors += 1;
    this.#write(failureText(error));
  }

  _newLine(): void {
    this.transport?.write(this.ps);
  }

  /** The first name of a line, which may be quoted, and the rest. */
  _getFilename(line: string): [name: string, rest: string] {
    return firstName(line);
  }

  #write(result: CommandResult): void {
    if (result == null || result.length === 0) return;
    const text = Buffer.from(typeof result === "string" ? shownLines(result) : result);
    this.transport?.write(text.at(-1) === 0x0a ? text : Buffer.concat([text, Buffer.from("\n")]));
  }

  #close(): void {
    this.#closing = true;
    this.client.transport?.loseConnection();
  }

  // Commands of the server's side

  async cmd_CD(rest: string): Promise<CommandResult> {
    const [path] = firstName(rest);
    await this.#changeDirectory(path === "" ? "/" : path);
  }

  cmd_PWD(rest: string): CommandResult {
    return this.currentDirectory;
  }

  async cmd_LS(rest: string): Promise<CommandResult> {
    const [, flags = "", left = ""] = /^((?:-\S*\s*)*)([^]*)$/.exec(rest)!;
    const unknown = flags.replaceAll(/[-la\s]/g, "");
    if (unknown !== "") throw new ValueError(`ls has no option -${unknown[0]}`);
    const entries = await this.#listed(firstName(left)[0], flags.includes("a"));
    return entries.map(([name, longname]) => shown(flags.includes("l") ? longname : name)).join("\n");
  }

  async cmd_GET(rest: string): Promise<CommandResult> {
    const [remote = ""] = names(rest, 1, "get remote [local]");
    const [local] = firstName(firstName(rest)[1]);
    const [head, tail] = split(remote);
    if (!isPattern(tail)) return this.#get(joined(this.currentDirectory, remote), local === "" ? tail : local);
    if (local !== "" && statSync(local, { throwIfNoEntry: false })?.isDirectory() !== true) {
      return "Wildcard get with non-directory target.";
    }
    const directory = joined(this.currentDirectory, head).toString();
    const found = matching(await entriesOf(this.client, directory), tail);
    await this.#each(found, ([name]) => this.#get(joined(directory, name), local === "" ? name : joined(local, name)));
  }

  async cmd_PUT(rest: string): Promise<CommandResult> {
    const [local = ""] = names(rest, 1, "put local [remote]");
    const [remote] = firstName(firstName(rest)[1]);
    const [head, tail] = split(local);
    const to = (name: BytesLike): Buffer => joined(this.currentDirectory, name);
    if (!isPattern(tail)) return this.#put(local, to(remote === "" ? tail : remote));
    const directory = to(remote).toString();
    const matches = matcher(tail);
    const found = readdirSync(head === "" ? "." : head, { encoding: "buffer" })
      .filter((name) => matches(decoded(name)))
      .sort((a, b) => Buffer.compare(a, b));
    await this.#each(found, (name) => this.#put(Buffer.concat([Buffer.from(head), name]), joined(directory, name)));
  }

  async cmd_RM(rest: string): Promise<CommandResult> {
    const [path] = this.#paths(rest, 1, "rm path");
    await this.client.removeFile(path!);
  }

  async cmd_RMDIR(rest: string): Promise<CommandResult> {
    const [path] = this.#paths(rest, 1, "rmdir path");
    await this.client.removeDirectory(path!);
  }

  async cmd_MKDIR(rest: string): Promise<CommandResult> {
    const [path] = this.#paths(rest, 1, "mkdir path");
    await this.client.makeDirectory(path!, {});
  }

  async cmd_RENAME(rest: string): Promise<CommandResult> {
    const [old, renamed] = this.#paths(rest, 2, "rename old new");
    await this.client.renameFile(old!, renamed!);
  }

  async cmd_LN(rest: string): Promise<CommandResult> {
    const [link, target] = this.#paths(rest, 2, "ln link target");
    await this.client.makeLink(link!, target!);
  }

  async cmd_CHMOD(rest: string): Promise<CommandResult> {
    const [mode = "", path = ""] = names(rest, 2, "chmod mode path");
    if (!/^[0-7]{1,4}$/.test(mode)) throw new ValueError(`${JSON.stringify(mode)} is no mode in octal`);
    await this.client.setAttrs(joined(this.currentDirectory, path), { permissions: Number.parseInt(mode, 8) });
  }

  cmd_CHOWN(rest: string): Promise<CommandResult> {
    return this.#changeOwner("uid", names(rest, 2, "chown uid path"));
  }

  cmd_CHGRP(rest: string): Promise<CommandResult> {
    return this.#changeOwner("gid", names(rest, 2, "chgrp gid path"));
  }

  cmd_VERSION(rest: string): CommandResult {
    return `SFTP version ${this.client.version}`;
  }

  // Commands of this side

  cmd_LPWD(rest: string): CommandResult {
    return process.cwd();
  }

  cmd_LCD(rest: string): CommandResult {
    const [path] = names(rest, 1, "lcd path");
    process.chdir(path!);
  }

  cmd_LLS(rest: string): Promise<CommandResult> {
    return this.cmd_EXEC(`ls ${rest}`);
  }

  cmd_LMKDIR(rest: string): Promise<CommandResult> {
    return this.cmd_EXEC(`mkdir ${rest}`);
  }

  async cmd_EXEC(rest: string): Promise<CommandResult> {
    if (rest !== "") return outputOf(rest, this._pwd);
    await interactiveShell(this._pwd);
  }

  cmd_PROGRESS(rest: string): CommandResult {
    this.useProgressBar = !this.useProgressBar;
    return this.useProgressBar ? "Using progess bar." : "Not using progess bar."; // as Twisted spells it
  }

  cmd_HELP(rest: string): CommandResult {
    return HELP;
  }

  cmd_EXIT(rest: string): CommandResult {
    this.#close();
  }

  cmd_QUIT(rest: string): CommandResult {
    this.#close();
  }

  // Transfers

  /** @param startTime by the reactor's clock, in seconds */
  _printProgressBar(f: FileWrapper, startTime: number): void {
    const line = progressLine(f, this.reactor.seconds() - startTime, this.terminal.columns ?? 80);
    this.transport?.write(`\r${shown(line)}`);
  }

  /** A size in bytes, for people. */
  _abbrevSize(size: number): string {
    return abbrevSize(size);
  }

  /** A time in seconds, for people. */
  _abbrevTime(t: number): string {
    return abbrevTime(t);
  }

  async #get(remote: Buffer, local: BytesLike): Promise<string> {
    return closing(await this.client.openFile(remote, FXF_READ, {}), async (from) => {
      const { permissions = 0, size = 0 } = await from.getAttrs();
      if ((permissions & constants.S_IFMT) !== 0 && !isOfType(permissions, constants.S_IFREG)) {
        return `Can't get non-regular file: ${shown(remote)}`;
      }
      const to = await open(pathOf(local), "w");
      await closing(to, () => this.#transfer(local, Number(size), (options) => download(from, to, options)));
      return `Transferred ${shown(remote)} to ${shown(local)}`;
    });
  }

  async #put(local: BytesLike, remote: Buffer): Promise<string> {
    return closing(await open(pathOf(local), "r"), async (from: FileHandle) => {
      const stat = await from.stat();
      if (stat.isDirectory()) throw systemError("EISDIR");
      const to = await this.client.openFile(remote, FXF_WRITE | FXF_CREAT | FXF_TRUNC, {});
      await closing(to, () => this.#transfer(local, stat.size, (options) => upload(from, to, options)));
      return `Transferred ${shown(local)} to ${shown(remote)}`;
    });
  }

  async #transfer(name: BytesLike, size: number, transfer: (options: TransferOptions) => Promise<void>): Promise<void> {
    const { buffersize = 32_768, requests = 5 } = this.#options;
    const file = new FileWrapper({ name: shown(name) });
    file.size = size;
    const startTime = this.reactor.seconds();
    const draw = (): void => {
      if (this.useProgressBar) this._printProgressBar(file, startTime);
    };
    const progress = (bytes: number): void => {
      file.total += bytes;
      draw();
    };
    await transfer({ buffersize, requests, progress });
    draw();
    if (this.useProgressBar) this.transport?.write("\n");
  }

  /** One after the other; what fails is told, and the rest goes on. */
  async #each<T>(list: readonly T[], transfer: (each: T) => Promise<string>): Promise<void> {
    for (const each of list) await this.#try(() => transfer(each));
  }

  // What commands are made of

  #paths(rest: string, count: number, usage: string): Buffer[] {
    return names(rest, count, usage).map((path) => joined(this.currentDirectory, path));
  }

  async #changeDirectory(path: string): Promise<void> {
    const target = joined(this.currentDirectory, path).toString();
    const directory = await this.client.openDirectory(target.endsWith("/") ? target : `${target}/`);
    await directory.close();
    this.currentDirectory = await this.client.realPath(target);
  }

  /** A directory's entries, those that match, or the one that is no directory. */
  async #listed(path: string, hidden: boolean): Promise<ListedEntry[]> {
    const [head, tail] = split(path);
    const beside = joined(this.currentDirectory, head);
    if (isPattern(tail)) return matching(await entriesOf(this.client, beside), tail, hidden);
    try {
      const entries = await entriesOf(this.client, joined(this.currentDirectory, path));
      return entries.filter(([name]) => hidden || name[0] !== 0x2e);
    } catch (error) {
      if (!(error instanceof SFTPError) || tail === "") throw error;
      const found = (await entriesOf(this.client, beside)).filter(([name]) => name.equals(Buffer.from(tail)));
      if (found.length === 0) throw error;
      return found;
    }
  }

  async #changeOwner(which: "uid" | "gid", [number = "", path = ""]: string[]): Promise<void> {
    if (!/^\d{1,10}$/.test(number)) throw new ValueError(`${JSON.stringify(number)} is no number of an owner`);
    const target = joined(this.currentDirectory, path);
    const { uid, gid } = await this.client.getAttrs(target, true);
    if (uid === undefined || gid === undefined) throw new ValueError("the server does not tell whose the file is");
    const owner = Number(number);
    await this.client.setAttrs(target, which === "uid" ? { uid: owner, gid } : { uid, gid: owner });
  }
}

/** Uses what is to be closed; an error of the use counts more than one of the closing. */
async function closing<F extends { close(): PromiseLike<unknown> }, T>(
  file: F,
  use: (file: F) => Promise<T>,
): Promise<T> {
  let result: T;
  try {
    result = await use(file);
  } catch (error) {
    await Promise.resolve(file.close()).catch(() => {});
    throw error;
  }
  await file.close();
  return result;
}

function failureText(error: unknown): string {
  if (error instanceof UnknownCommand) return HELP;
  if (error instanceof SFTPError) return `remote error ${error.code}: ${error.message}`;
  if (error instanceof EOFError) return `remote error ${FX_EOF}: ${error.message}`;
  if (error instanceof NotImplementedError) return `remote error ${FX_OP_UNSUPPORTED}: ${error.message}`;
  if (error instanceof ConnectionLost) return "error: the connection is gone";
  const local = systemErrorText(error);
  return local === null ? `error: ${sentenceOf(error)}` : `local error ${local[0]}: ${local[1]}`;
}

function isOfType(permissions: number, type: number): boolean {
  return (permissions & constants.S_IFMT) === type;
}

function pathOf(path: BytesLike): string | Buffer {
  return typeof path === "string" ? path : Buffer.from(path);
}
