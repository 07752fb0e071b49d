/** The server of SFTP: what a client asks becomes calls of an `ISFTPServer` (twisted.conch.ssh.filetransfer). */
import { adapt, implementer } from "@strombus/reactor/components";
import { Deferred } from "@strombus/reactor/defer";
import { EOFError } from "@strombus/reactor/exceptions";
import { Failure } from "@strombus/reactor/failure";
import {
  type IConsumer,
  IHalfCloseableProtocol,
  type IPushProducer,
  type MaybeAsync,
} from "@strombus/reactor/interfaces";
import { connectionDone } from "@strombus/reactor/protocol";
import { after, settle } from "../channel/later.js";
import { ProtocolError } from "../error.js";
import {
  type DirectoryEntry,
  type FileAttributes,
  type IDirectory,
  type ISFTPFile,
  ISFTPServer,
  type MaybeLater,
} from "../interfaces.js";
import * as messages from "../messages/sftp.js";
import { type BytesLike, keep, toBuffer } from "../wire/writer.js";
import { FileTransferBase } from "./base.js";
import { statusOf } from "./errors.js";
import { Listing } from "./listing.js";
import { FX_BAD_MESSAGE, FX_FAILURE, FX_NO_SUCH_FILE, FX_OK } from "./numbers.js";

/** What a client may have at once, and get at once (S6). */
const MAX_REQUESTS = 128;
const MAX_HANDLES = 256;
const MAX_READ = 255 * 1024; // bytes
/** Bytes that may be being read and written at once. */
const MAX_MOVING = 2 * 1024 * 1024;

/**
 * Serves the files of an avatar, which is an `ISFTPServer` or is adapted to one.
 *
 * ```ts
 * user.subsystemLookup["sftp"] = FileTransferServer;
 * ```
 *
 * Requests reach it in their order; answers go out as they are ready. When so many are in hand that there is no room for
 * more, or the client takes no answers, it is not read from.
 */
@implementer(IHalfCloseableProtocol)
export class FileTransferServer extends FileTransferBase implements IPushProducer, IHalfCloseableProtocol {
  readonly client: ISFTPServer;
  readonly avatar: unknown;
  /** The version that is spoken: 3, or less where the client says so. */
  version = 3;
  /** Handle to open file. */
  readonly openFiles = new Map<string, ISFTPFile>();
  /** Handle to open directory. */
  readonly openDirs = new Map<string, readonly [directory: IDirectory, listing: Listing]>();
  #lastHandle = 0;
  /** Those that are open, or being opened. */
  #handles = 0;
  /** Requests that are not answered yet, and the bytes that they read and write. */
  #inHand = 0;
  #moving = 0;
  #paused = false;
  #isLast = false;
  /** Settles when all that has come is in hand. */
  #caughtUp: Deferred<void> | null = null;

  /**
   * @param data the body of the request for the subsystem
   * @throws TypeError when the avatar neither is an ISFTPServer nor can be adapted to one
   */
  constructor(data: Buffer | null = null, { avatar = null }: { readonly avatar?: unknown } = {}) {
    super();
    this.avatar = avatar;
    this.client = adapt(ISFTPServer, avatar);
  }

  override connectionMade(): MaybeAsync {
    (this.transport as Partial<IConsumer> | null)?.registerProducer?.(this, true);
  }

  override dataReceived(data: Buffer): MaybeAsync {
    void super.dataReceived(data);
    if (this.mayTake() || this.isLost) return;
    this.#caughtUp ??= new Deferred();
    return this.#caughtUp;
  }

  /** The client asks nothing more: when all is answered, that is the end. */
  readConnectionLost(): MaybeAsync {
    this.#isLast = true;
    this.#goOn();
  }

  writeConnectionLost(): MaybeAsync {}

  /** Closes all that is open. */
  override connectionLost(reason: Failure = connectionDone): MaybeAsync {
    (this.transport as Partial<IConsumer> | null)?.unregisterProducer?.();
    void super.connectionLost(reason);
    this.#tellCaughtUp();
    for (const file of this.openFiles.values()) this.#abandon(file);
    for (const [directory] of this.openDirs.values()) this.#abandon(directory);
    this.openFiles.clear();
    this.openDirs.clear();
  }

  // A producer of answers

  pauseProducing(): void {
    this.#paused = true;
  }

  resumeProducing(): void {
    this.#paused = false;
    this.#goOn();
  }

  stopProducing(): void {
    this.transport?.loseConnection();
  }

  // Requests

  packet_INIT(data: Buffer): void {
    const { version, extensions } = messages.Init.decode(data);
    this.otherVersion = version;
    this.version = Math.min(version, ...this.versions);
    const ours = this.client.gotVersion(this.version, extensions);
    this.sendPacket(messages.Version.number, messages.Version.encode({ version: this.version, extensions: ours }));
  }

  packet_OPEN(data: Buffer): void {
    const { id, filename, flags, attrs } = messages.Open.decode(data);
    this.#open(
      id,
      "open failed",
      () => this.client.openFile(keep(filename), flags, attrs),
      (handle, file) => this.openFiles.set(handle, file),
    );
  }

  packet_CLOSE(data: Buffer): void {
    const { id, handle } = messages.Close.decode(data);
    const name = nameOf(handle);
    const open = this.openFiles.get(name) ?? this.openDirs.get(name)?.[0];
    if (open === undefined) return this.sendStatus(id, FX_NO_SUCH_FILE, "No such file or directory");
    this.#handles -= 1;
    this.openFiles.delete(name);
    this.openDirs.delete(name);
    this.#do(id, "close failed", "file closed", () => open.close());
  }

  packet_READ(data: Buffer): void {
    const { id, handle, offset, length } = messages.Read.decode(data);
    const most = Math.min(length, MAX_READ);
    this.#withFile(id, handle, (file) =>
      this.#move(
        most,
        id,
        "read failed",
        () => file.readChunk(offset, most),
        (chunk) => {
          if (chunk.length === 0) throw new EOFError();
          const data = chunk.subarray(0, most);
          this.sendPacket(messages.Data.number, messages.DataHead.encode({ id, length: data.length }), data);
        },
      ),
    );
  }

  packet_WRITE(data: Buffer): void {
    const { id, handle, offset, data: chunk } = messages.Write.decode(data);
    this.#withFile(id, handle, (file) =>
      this.#move(
        chunk.length,
        id,
        "write failed",
        () => file.writeChunk(offset, chunk),
        () => this.sendStatus(id, FX_OK, "write succeeded"),
      ),
    );
  }

  packet_REMOVE(data: Buffer): void {
    const { id, path } = messages.Remove.decode(data);
    this.#do(id, "remove failed", "remove succeeded", () => this.client.removeFile(keep(path)));
  }

  packet_RENAME(data: Buffer): void {
    const { id, oldPath, newPath } = messages.Rename.decode(data);
    this.#do(id, "rename failed", "rename succeeded", () => this.client.renameFile(keep(oldPath), keep(newPath)));
  }

  packet_MKDIR(data: Buffer): void {
    const { id, path, attrs } = messages.Mkdir.decode(data);
    this.#do(id, "mkdir failed", "mkdir succeeded", () => this.client.makeDirectory(keep(path), attrs));
  }

  packet_RMDIR(data: Buffer): void {
    const { id, path } = messages.Rmdir.decode(data);
    this.#do(id, "rmdir failed", "rmdir succeeded", () => this.client.removeDirectory(keep(path)));
  }

  packet_OPENDIR(data: Buffer): void {
    const { id, path } = messages.Opendir.decode(data);
    this.#open(
      id,
      "opendir failed",
      () => this.client.openDirectory(keep(path)),
      (handle, directory) => this.openDirs.set(handle, [directory, new Listing(directory)]),
    );
  }

  packet_READDIR(data: Buffer): void {
    const { id, handle } = messages.Readdir.decode(data);
    const open = this.openDirs.get(nameOf(handle));
    if (open === undefined) return this.sendStatus(id, FX_FAILURE, "request failed");
    const [, listing] = open;
    this.#serve(
      id,
      "scan directory failed",
      () => listing.next(),
      (entries) => {
        if (entries.length === 0) throw new EOFError();
        this.#sendNames(id, entries);
      },
    );
  }

  packet_STAT(data: Buffer): void {
    const { id, path } = messages.Stat.decode(data);
    this.#sendAttributes(id, "stat/lstat failed", () => this.client.getAttrs(keep(path), true));
  }

  packet_LSTAT(data: Buffer): void {
    const { id, path } = messages.Lstat.decode(data);
    this.#sendAttributes(id, "stat/lstat failed", () => this.client.getAttrs(keep(path), false));
  }

  packet_FSTAT(data: Buffer): void {
    const { id, handle } = messages.Fstat.decode(data);
    this.#withFile(id, handle, (file) => this.#sendAttributes(id, "fstat failed", () => file.getAttrs()));
  }

  packet_SETSTAT(data: Buffer): void {
    const { id, path, attrs } = messages.Setstat.decode(data);
    this.#do(id, "setstat failed", "setstat succeeded", () => this.client.setAttrs(keep(path), attrs));
  }

  packet_FSETSTAT(data: Buffer): void {
    const { id, handle, attrs } = messages.Fsetstat.decode(data);
    this.#withFile(id, handle, (file) =>
      this.#do(id, "fsetstat failed", "fsetstat succeeded", () => file.setAttrs(attrs)),
    );
  }

  packet_READLINK(data: Buffer): void {
    const { id, path } = messages.Readlink.decode(data);
    this.#sendPath(id, "readlink failed", () => this.client.readLink(keep(path)));
  }

  packet_REALPATH(data: Buffer): void {
    const { id, path } = messages.Realpath.decode(data);
    this.#sendPath(id, "realpath failed", () => this.client.realPath(keep(path)));
  }

  packet_SYMLINK(data: Buffer): void {
    const { id, first, second } = messages.Symlink.decode(data);
    const [link, target] = this.linkTargetFirst ? [second, first] : [first, second];
    this.#do(id, "symlink failed", "symlink succeeded", () => this.client.makeLink(keep(link), keep(target)));
  }

  packet_EXTENDED(data: Buffer): void {
    const { id, name, data: body } = messages.Extended.decode(data);
    this.#serve(
      id,
      `extended ${name} failed`,
      () => this.client.extendedRequest(name, keep(body)),
      (reply) => {
        if (reply == null) return this.sendStatus(id, FX_OK, `extended ${name} succeeded`);
        this.sendPacket(messages.ExtendedReply.number, messages.ExtendedReply.encode({ id, data: toBuffer(reply) }));
      },
    );
  }

  // What those are made of

  protected override mayTake(): boolean {
    return !this.#paused && !this.isLost && this.#inHand < MAX_REQUESTS && this.#moving < MAX_MOVING;
  }

  /** A request that cannot be read is answered as far as it has an id. */
  protected override packetFailed(name: string, data: Buffer, error: unknown): void {
    super.packetFailed(name, data, error);
    if (!(error instanceof ProtocolError) || name === "INIT" || data.length < 4) return;
    this.sendStatus(data.readUInt32BE(0), FX_BAD_MESSAGE, `malformed ${name}`);
  }

  /** Makes the call, now; `answer` sends what it gives, when it gives it. What fails is answered with a status. */
  #serve<T>(
    id: number,
    failed: string,
    call: () => MaybeLater<T>,
    answer: (value: T) => void,
    ended: (success: boolean) => void = () => {},
  ): void {
    this.#inHand += 1;
    const served = (success: boolean): void => {
      this.#inHand -= 1;
      ended(success);
      this.#goOn();
    };
    settle(
      () => after(call(), answer),
      () => served(true),
      (error) => {
        this.#sendFailure(id, failed, error);
        served(false);
      },
    );
  }

  /** The same, of what has so many bytes in memory until it is answered. */
  #move<T>(bytes: number, id: number, failed: string, call: () => MaybeLater<T>, answer: (value: T) => void): void {
    this.#moving += bytes;
    this.#serve(id, failed, call, answer, () => (this.#moving -= bytes));
  }

  #goOn(): void {
    this.takePackets();
    if (this.mayTake()) this.#tellCaughtUp();
    if (this.#isLast && this.#inHand === 0 && !this.#paused) this.transport?.loseConnection();
  }

  #tellCaughtUp(): void {
    const waiting = this.#caughtUp;
    this.#caughtUp = null;
    waiting?.callback();
  }

  #do(id: number, failed: string, done: string, call: () => MaybeAsync): void {
    this.#serve(id, failed, call, () => this.sendStatus(id, FX_OK, done));
  }

  /** What is opened gets a handle; what comes too late, when the client is gone, is closed. */
  #open<T extends ISFTPFile | IDirectory>(
    id: number,
    failed: string,
    call: () => MaybeLater<T>,
    hold: (handle: string, opened: T) => void,
  ): void {
    if (this.#handles >= MAX_HANDLES) return this.sendStatus(id, FX_FAILURE, "too many open handles");
    this.#handles += 1;
    const opened = (what: T): void => {
      if (this.isLost) return this.#abandon(what);
      this.#lastHandle += 1;
      const handle = String(this.#lastHandle);
      hold(handle, what);
      this.sendPacket(messages.Handle.number, messages.Handle.encode({ id, handle }));
    };
    this.#serve(id, failed, call, opened, (success) => {
      if (!success) this.#handles -= 1;
    });
  }

  #withFile(id: number, handle: Buffer, call: (file: ISFTPFile) => void): void {
    const file = this.openFiles.get(nameOf(handle));
    if (file === undefined) this.sendStatus(id, FX_FAILURE, "request failed");
    else call(file);
  }

  #sendAttributes(id: number, failed: string, call: () => MaybeLater<FileAttributes>): void {
    this.#serve(id, failed, call, (attrs) =>
      this.sendPacket(messages.Attrs.number, messages.Attrs.encode({ id, attrs })),
    );
  }

  #sendPath(id: number, failed: string, call: () => MaybeLater<BytesLike>): void {
    this.#serve(id, failed, call, (path) => this.#sendNames(id, [[path, "", {}]]));
  }

  #sendNames(id: number, names: readonly DirectoryEntry[]): void {
    const entries = names.map(([filename, longname, attrs]) => ({ filename, longname, attrs }));
    this.sendPacket(messages.Name.number, messages.Name.encode({ id, entries }));
  }

  #sendFailure(id: number, failed: string, error: unknown): void {
    const { code, message, logged } = statusOf(error, failed);
    if (logged === "line") this.lines.info("SFTP: {failed}: {reason}", { failed, reason: (error as Error).message });
    if (logged === "failure") this.lines.failure("SFTP: {failed}", new Failure(error), { failed });
    this.sendStatus(id, code, message);
  }

  #abandon(open: ISFTPFile | IDirectory): void {
    settle(
      () => open.close(),
      () => {},
      (error) => this.lines.failure("closing what an SFTP client left open failed", new Failure(error)),
    );
  }
}

/** Handles are ours, of ASCII; what else a client sends is none of them. */
function nameOf(handle: Buffer): string {
  return handle.toString("latin1");
}
