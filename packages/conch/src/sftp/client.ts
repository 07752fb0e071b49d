/** The client of SFTP: calls become requests, and answers what they give (twisted.conch.ssh.filetransfer). */
import { sep } from "node:path";
import { implementer } from "@strombus/reactor/components";
import { Deferred, fail, FirstError, gatherResults, succeed } from "@strombus/reactor/defer";
import { ConnectionLost } from "@strombus/reactor/error";
import { EOFError, NotImplementedError } from "@strombus/reactor/exceptions";
import type { Failure } from "@strombus/reactor/failure";
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { connectionDone } from "@strombus/reactor/protocol";
import { ProtocolError } from "../error.js";
import { type Extensions, type FileAttributes, ISFTPFile } from "../interfaces.js";
import { Subsystem } from "../messages/connection.js";
import * as messages from "../messages/sftp.js";
import type { SSHChannel } from "../ssh/channel.js";
import { NS } from "../ssh/common.js";
import type { SSHConnection } from "../ssh/connection.js";
import { type BytesLike, keep, toBuffer } from "../wire/writer.js";
import { FileTransferBase } from "./base.js";
import { TransferChannel } from "./channel.js";
import { SFTPError } from "./errors.js";
import { FX_EOF, FX_OK, FX_OP_UNSUPPORTED } from "./numbers.js";

/** Bytes of data that every server takes in one packet (section 3). */
const MAX_WRITE = 32_768;

/** An entry of a directory, as a server tells it. */
export type ListedEntry = readonly [filename: Buffer, longname: Buffer, attrs: FileAttributes];

/** What is said of a success: a text and its language, both mostly empty. */
export type Success = readonly [message: string, language: string];

/** A packet that asks for something; what it is made of follows the id. */
interface Request {
  readonly number: number;
  readonly encode: (values: never) => Buffer;
}

/** A WRITE whose data go out behind it, and are not copied. */
const WRITE: Request = { number: messages.Write.number, encode: messages.WriteHead.encode };

/** What the answer to a request has when it is a success. */
type Answer = "done" | "handle" | "data" | "names" | "attributes" | "reply";

/**
 * Asks an SFTP server:
 *
 * ```ts
 * await using sftp = await FileTransferClient.open(conn);
 * for await (const [name] of await sftp.openDirectory(".")) console.log(name.toString());
 * ```
 *
 * As in Twisted it can be connected by hand to a channel whose request for the subsystem `sftp` has succeeded:
 *
 * ```ts
 * const client = new FileTransferClient();
 * client.makeConnection(channel);
 * channel.dataReceived = (data) => client.dataReceived(data);
 * channel.closed = () => client.connectionLost();
 * ```
 *
 * Calls fail with SFTPError, with EOFError or NotImplementedError where the server says so, and with ConnectionLost when
 * it is gone. Paths that are strings are UTF-8.
 */
export class FileTransferClient extends FileTransferBase {
  readonly extData: Extensions;
  /** The id of the next request. */
  counter = 0;
  /** Id of a request to what its answer goes to. */
  readonly openRequests = new Map<number, Deferred>();
  /** What is spoken, once the server has said so. */
  version: number | null = null;
  readonly #expected = new Map<number, Answer>();
  /** Of whoever waits for the server's first answer. */
  #greeted: Deferred<void> | null = null;
  #error: Error | null = new ConnectionLost("there is no connection yet");

  constructor(extData: Extensions = {}) {
    super();
    this.extData = extData;
  }

  /**
   * SFTP in a session of its own, of a user who has logged in.
   *
   * @param extData the extensions that the client has
   * @returns rejected when the server refuses it, or is gone before it has answered
   */
  static async open(conn: SSHConnection, extData: Extensions = {}): Promise<FileTransferClient> {
    const client = new FileTransferClient(extData);
    const channel = await conn.openChannel(new TransferChannel(client));
    try {
      await conn.sendRequest(channel, "subsystem", Subsystem.encode({ name: "sftp" }), true);
      await client.greet(channel);
    } catch (error) {
      channel.loseConnection();
      throw error;
    }
    return client;
  }

  /** Begins on a channel where an SFTP server is; fires when that has answered. @internal */
  greet(channel: SSHChannel): Deferred<void> {
    const greeted = (this.#greeted = new Deferred<void>());
    void this.makeConnection(channel);
    return greeted;
  }

  override connectionMade(): MaybeAsync {
    this.#error = null;
    this.sendPacket(
      messages.Init.number,
      messages.Init.encode({ version: Math.max(...this.versions), extensions: this.extData }),
    );
  }

  /** Every call that waits, and every later one, fails with ConnectionLost. */
  override connectionLost(reason: Failure = connectionDone): MaybeAsync {
    void super.connectionLost(reason);
    const error = new ConnectionLost("the SFTP connection is gone", reason.value);
    this.#error = error;
    const waiting = [...this.openRequests.values()];
    this.openRequests.clear();
    this.#expected.clear();
    for (const each of waiting) each.errback(error);
    this.#takeGreeted()?.errback(error);
  }

  /** Closes the session. What waits for an answer fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.transport?.loseConnection();
    await Promise.resolve();
  }

  /** The server has told its version and extensions: a hook. */
  gotServerVersion(serverVersion: number, extData: ReadonlyMap<string, Buffer>): MaybeAsync {}

  /** @param flags the FXF_ bits */
  openFile(filename: BytesLike, flags: number, attrs: FileAttributes): Deferred<ClientFile> {
    return this.ask<Buffer>(messages.Open, "handle", { filename, flags, attrs }).addCallback((handle) => {
      const file = new ClientFile(this, handle);
      file.name = filename;
      return file;
    });
  }

  removeFile(filename: BytesLike): Deferred<Success> {
    return this.ask(messages.Remove, "done", { path: filename });
  }

  renameFile(oldpath: BytesLike, newpath: BytesLike): Deferred<Success> {
    return this.ask(messages.Rename, "done", { oldPath: oldpath, newPath: newpath });
  }

  makeDirectory(path: BytesLike, attrs: FileAttributes): Deferred<Success> {
    return this.ask(messages.Mkdir, "done", { path, attrs });
  }

  removeDirectory(path: BytesLike): Deferred<Success> {
    return this.ask(messages.Rmdir, "done", { path });
  }

  openDirectory(path: BytesLike): Deferred<ClientDirectory> {
    return this.ask<Buffer>(messages.Opendir, "handle", { path }).addCallback((handle) => {
      const directory = new ClientDirectory(this, handle);
      directory.name = path;
      return directory;
    });
  }

  /** Of a link, its own attributes unless they are to be followed. */
  getAttrs(path: BytesLike, followLinks: boolean | 0 | 1 = false): Deferred<FileAttributes> {
    return this.ask(followLinks ? messages.Stat : messages.Lstat, "attributes", { path });
  }

  setAttrs(path: BytesLike, attrs: FileAttributes): Deferred<Success> {
    return this.ask(messages.Setstat, "done", { path, attrs });
  }

  readLink(path: BytesLike): Deferred<string> {
    return this.ask<ListedEntry[]>(messages.Readlink, "names", { path }).addCallback(firstName);
  }

  makeLink(linkPath: BytesLike, targetPath: BytesLike): Deferred<Success> {
    const [first, second] = this.linkTargetFirst ? [targetPath, linkPath] : [linkPath, targetPath];
    return this.ask(messages.Symlink, "done", { first, second });
  }

  realPath(path: BytesLike): Deferred<string> {
    return this.ask<ListedEntry[]>(messages.Realpath, "names", { path }).addCallback(firstName);
  }

  /**
   * @param data what follows the request's name, in a form of its own
   * @returns the reply, in such a form; or that it succeeded, where the server says no more
   */
  extendedRequest(request: string, data: BytesLike): Deferred<Buffer | Success> {
    return this.ask(messages.Extended, "reply", { name: request, data: toBuffer(data) });
  }

  // Answers

  packet_VERSION(data: Buffer): MaybeAsync {
    const { version, extensions } = messages.Version.decode(data);
    this.otherVersion = version;
    this.version = version;
    this.#takeGreeted()?.callback();
    return this.gotServerVersion(version, extensions);
  }

  packet_STATUS(data: Buffer): void {
    const { id, code, message, language } = messages.Status.decode(data);
    const waiting = this.#answered(id);
    if (waiting === null) return;
    const [request, expected] = waiting;
    if (code === FX_OK && (expected === "done" || expected === "reply")) request.callback([message, language]);
    else if (code === FX_OK) request.errback(new ProtocolError(`a success without ${WITH[expected]}`));
    else if (code === FX_EOF) request.errback(new EOFError(message));
    else if (code === FX_OP_UNSUPPORTED) request.errback(new NotImplementedError(message));
    else request.errback(new SFTPError(code, message, language));
  }

  packet_HANDLE(data: Buffer): void {
    const { id, handle } = messages.Handle.decode(data);
    this.#give(id, "handle", keep(handle));
  }

  packet_DATA(data: Buffer): void {
    const { id, data: chunk } = messages.Data.decode(data);
    this.#give(id, "data", chunk);
  }

  packet_NAME(data: Buffer): void {
    const { id, entries } = messages.Name.decode(data);
    const names = entries.map(({ filename, longname, attrs }) => [keep(filename), keep(longname), attrs]);
    this.#give(id, "names", names);
  }

  packet_ATTRS(data: Buffer): void {
    const { id, attrs } = messages.Attrs.decode(data);
    this.#give(id, "attributes", attrs);
  }

  packet_EXTENDED_REPLY(data: Buffer): void {
    const { id, data: reply } = messages.ExtendedReply.decode(data);
    this.#give(id, "reply", keep(reply));
  }

  /** An answer that cannot be read fails its request. */
  protected override packetFailed(name: string, data: Buffer, error: unknown): void {
    super.packetFailed(name, data, error);
    if (name === "VERSION" || !(error instanceof ProtocolError) || data.length < 4) return;
    const id = data.readUInt32BE(0);
    if (this.openRequests.has(id)) this.#answered(id)?.[0].errback(error);
  }

  /** For files and directories. @param bulk the data that follow those values @internal */
  ask<T>(request: Request, answer: Answer, values: object, bulk?: Buffer): Deferred<T> {
    if (this.#error !== null) return fail(this.#error);
    const id = this.counter;
    const encode = request.encode as (values: object) => Buffer;
    const packet = encode({ id, ...values });
    this.counter = (this.counter + 1) >>> 0;
    const waiting = new Deferred<unknown>();
    this.openRequests.set(id, waiting);
    this.#expected.set(id, answer);
    this.sendPacket(request.number, packet, bulk);
    return waiting as Deferred<T>;
  }

  // What those are made of

  #takeGreeted(): Deferred<void> | null {
    const greeted = this.#greeted;
    this.#greeted = null;
    return greeted;
  }

  /** Who waits for an answer; null, and a line in the log, when nobody does. */
  #answered(id: number): readonly [request: Deferred, expected: Answer] | null {
    const request = this.openRequests.get(id);
    const expected = this.#expected.get(id);
    this.openRequests.delete(id);
    this.#expected.delete(id);
    if (request !== undefined) return [request, expected!];
    this.lines.warn("an SFTP answer to no request, {id}", { id });
    return null;
  }

  #give(id: number, what: Answer, value: unknown): void {
    const waiting = this.#answered(id);
    if (waiting === null) return;
    const [request, expected] = waiting;
    if (expected === what) request.callback(value);
    else request.errback(new ProtocolError(`an answer with ${WITH[what]} and not with ${WITH[expected]}`));
  }
}

const WITH: Readonly<Record<Answer, string>> = {
  done: "a status",
  handle: "a handle",
  data: "data",
  names: "names",
  attributes: "attributes",
  reply: "a reply of its own",
};

/** A file that is open at the server. */
@implementer(ISFTPFile)
export class ClientFile implements ISFTPFile {
  readonly parent: FileTransferClient;
  /** As it goes onto the wire, its length in front. */
  readonly handle: Buffer;
  /** The path under which it was opened. */
  name: BytesLike = "";

  constructor(parent: FileTransferClient, handle: Buffer) {
    this.parent = parent;
    this.handle = NS(handle);
  }

  close(): Deferred<Success> {
    return this.#ask(messages.Close, "done");
  }

  /** Up to `length` bytes; servers may give fewer. Fails with EOFError at the end. */
  readChunk(offset: number | bigint, length: number): Deferred<Buffer> {
    return this.#ask(messages.Read, "data", { offset, length });
  }

  /** What is more than every server takes at once goes out in several requests. */
  writeChunk(offset: number | bigint, data: BytesLike): Deferred<Success> {
    const bytes = toBuffer(data);
    const write = (from: number): Deferred<Success> => {
      const at = typeof offset === "bigint" ? offset + BigInt(from) : offset + from;
      const piece = bytes.subarray(from, from + MAX_WRITE);
      return this.#ask(WRITE, "done", { offset: at, length: piece.length }, piece);
    };
    if (bytes.length <= MAX_WRITE) return write(0);
    const pieces = Array.from({ length: Math.ceil(bytes.length / MAX_WRITE) }, (_, index) => write(index * MAX_WRITE));
    return gatherResults(pieces, { consumeErrors: true }).addCallbacks(
      ([first]) => first!,
      (failure: Failure) => {
        throw failure.check(FirstError) === null ? failure.value : (failure.value as FirstError).subFailure.value;
      },
    );
  }

  getAttrs(): Deferred<FileAttributes> {
    return this.#ask(messages.Fstat, "attributes");
  }

  setAttrs(attrs: FileAttributes): Deferred<Success> {
    return this.#ask(messages.Fsetstat, "done", { attrs });
  }

  #ask<T>(request: Request, answer: Answer, values: object = {}, bulk?: Buffer): Deferred<T> {
    return this.parent.ask(request, answer, { handle: this.handle.subarray(4), ...values }, bulk);
  }
}

/** A directory that is open at the server. */
export class ClientDirectory implements AsyncIterable<ListedEntry> {
  readonly parent: FileTransferClient;
  /** As it goes onto the wire, its length in front. */
  readonly handle: Buffer;
  /** The path under which it was opened. */
  name: BytesLike = "";
  #isClosed = false;

  constructor(parent: FileTransferClient, handle: Buffer) {
    this.parent = parent;
    this.handle = NS(handle);
  }

  /**
   * The next entries; fails with EOFError at the end. Names that lead out of the directory, as `..` does, or that would do
   * something to a terminal are left out (S7).
   */
  read(): Deferred<ListedEntry[]> {
    return this.#ask<ListedEntry[]>(messages.Readdir, "names").addCallback((entries) => entries.filter(isHarmless));
  }

  /** Once; later calls give null. */
  close(): Deferred<Success | null> {
    if (this.#isClosed) return succeed(null);
    this.#isClosed = true;
    return this.#ask(messages.Close, "done");
  }

  /** All entries to the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ListedEntry, void, undefined> {
    for (;;) {
      let entries: ListedEntry[];
      try {
        entries = await this.read();
      } catch (error) {
        if (error instanceof EOFError) return;
        throw error;
      }
      yield* entries;
    }
  }

  #ask<T>(request: Request, answer: Answer): Deferred<T> {
    return this.parent.ask(request, answer, { handle: this.handle.subarray(4) });
  }
}

/** Whether a name is one of something in the directory, and can be shown. */
function isHarmless([filename]: ListedEntry): boolean {
  const name = filename.toString("latin1");
  return !/^\.{0,2}$|[\0-\x1f/\x7f]/.test(name) && !(sep === "\\" && /[\\:]/.test(name));
}

function firstName(names: ListedEntry[]): string {
  const [first] = names;
  if (first === undefined) throw new ProtocolError("an answer without a name");
  return first[0].toString();
}
