/** UNIX stream sockets: named by a file or, on Linux, by an abstract name, which begins with a NUL byte. */
import { chmodSync, statSync, unlinkSync } from "node:fs";
import * as net from "node:net";
import { constants } from "node:os";
import { UNIXAddress } from "../address.js";
import { FilesystemLock } from "../defer/lockfile.js";
import { BadFileError, CannotListenError, ConnectError, getConnectError } from "../error.js";
import { OSError, ValueError } from "../exceptions.js";
import type { ConnectUNIXOptions, IClientFactory, IProtocolFactory, ListenUNIXOptions } from "../interfaces.js";
import { StreamConnector } from "./connector.js";
import type { TransportHost } from "./host.js";
import { listenOn, StreamPort } from "./port.js";
import { sharedSockets } from "./shared-sockets.js";

const LONGEST_PATH = process.platform === "linux" ? 107 : 103; // bytes; libuv would cut what is longer
const NO_PORT = -1; // what node:net takes in the place of port and family when the address is a path

/**
 * Listens on a path. The file never has more permissions than `mode`. With `wantPID` a lock beside it, `<path>.lock`,
 * says which process listens, so that the socket of one that has died is replaced; without it a file that is there
 * already is an error. Closing removes both.
 */
export class UNIXPort extends StreamPort<UNIXAddress> {
  readonly #path: string;
  readonly #backlog: number;
  readonly #mode: number;
  readonly #lock: FilesystemLock | null;
  readonly #address: UNIXAddress;

  /** @throws ValueError for `wantPID` with an abstract name */
  constructor(
    host: TransportHost,
    path: string,
    factory: IProtocolFactory,
    { backlog = 50, mode = 0o666, wantPID = false }: ListenUNIXOptions = {},
  ) {
    super(host, factory);
    if (wantPID && isAbstract(path)) throw new ValueError("an abstract name has no file beside which a lock could lie");
    this.#path = path;
    this.#backlog = backlog;
    this.#mode = mode;
    this.#lock = wantPID ? new FilesystemLock(lockName(path)) : null;
    this.#address = new UNIXAddress(path);
  }

  protected override bind(server: net.Server): UNIXAddress {
    if (isTooLong(this.#path)) throw this.#cannot("ENAMETOOLONG");
    this.#takeLock();
    try {
      this.#listen(server);
    } catch (error) {
      this.unbound();
      throw error;
    }
    return this.#address;
  }

  protected override addressesOf(): { host: UNIXAddress; peer: UNIXAddress } {
    return { host: this.#address, peer: new UNIXAddress(null) }; // Node does not tell what the peer is bound to
  }

  protected override unbound(): void {
    if (this.#lock?.locked) this.#lock.unlock();
  }

  #takeLock(): void {
    if (this.#lock === null) return;
    try {
      if (!this.#lock.lock()) throw this.#cannot("EADDRINUSE");
    } catch (error) {
      if (error instanceof CannotListenError) throw error;
      throw this.#cannot((error as NodeJS.ErrnoException).code ?? "EIO");
    }
    if (!this.#lock.clean && statSync(this.#path, { throwIfNoEntry: false })?.isSocket()) unlinkSync(this.#path);
  }

  /** Node tells the reason of a failure only later, so a handle that is closed again tries first. */
  #listen(server: net.Server): void {
    try {
      listenOn(this.#path, NO_PORT, NO_PORT, this.#backlog).close();
    } catch (error) {
      const { socketError } = error as CannotListenError;
      throw socketError instanceof OSError && socketError.code === "EADDRINUSE" ? this.#cannot("EADDRINUSE") : error;
    }
    if (isAbstract(this.#path)) {
      server.listen(this.#path, this.#backlog);
    } else {
      const umask = narrowUmask();
      try {
        server.listen(this.#path, this.#backlog);
        if (server.listening) chmodSync(this.#path, this.#mode);
      } finally {
        if (umask !== null) process.umask(umask);
      }
    }
    if (!server.listening) throw this.#cannot("EADDRINUSE"); // somebody was faster
  }

  #cannot(code: string): CannotListenError {
    const errno = (constants.errno as Record<string, number>)[code] ?? null;
    const isOfWorker = code === "EADDRINUSE" && sharedSockets() !== null;
    const text = isOfWorker ? `${code}: several processes cannot share a UNIX socket, so run in one` : code;
    return new CannotListenError(this.#path, NO_PORT, new OSError(text, { code, errno }));
  }
}

export class UNIXConnector extends StreamConnector {
  readonly #path: string;
  readonly #checkPID: boolean;
  readonly #address: UNIXAddress;

  /** @throws ValueError for `checkPID` with an abstract name */
  constructor(
    reactor: TransportHost,
    path: string,
    factory: IClientFactory,
    { timeout = 30, checkPID = false }: ConnectUNIXOptions = {},
  ) {
    super(reactor, factory, timeout);
    if (checkPID && isAbstract(path))
      throw new ValueError("an abstract name has no file beside which a lock could lie");
    this.#path = path;
    this.#checkPID = checkPID;
    this.#address = new UNIXAddress(path);
  }

  override getDestination(): UNIXAddress {
    return this.#address;
  }

  protected override open(): net.Socket {
    const socket = new net.Socket({ allowHalfOpen: true });
    if (this.#checkPID && !FilesystemLock.isLocked(lockName(this.#path))) {
      return socket.destroy(new BadFileError(null, JSON.stringify(this.#path)));
    }
    if (isTooLong(this.#path)) {
      return socket.destroy(
        new ConnectError(constants.errno.ENAMETOOLONG, "the path is too long", { code: "ENAMETOOLONG" }),
      );
    }
    return socket.connect(this.#path);
  }

  protected override addressesOf(): { host: UNIXAddress; peer: UNIXAddress } {
    return { host: new UNIXAddress(null), peer: this.#address };
  }

  protected override connectError(error: Error): Error {
    return error instanceof ConnectError ? error : getConnectError(error);
  }
}

function isAbstract(path: string): boolean {
  return path.startsWith("\0");
}

function isTooLong(path: string): boolean {
  return Buffer.byteLength(path) > LONGEST_PATH;
}

function lockName(path: string): string {
  return `${path}.lock`;
}

/** From here nobody but us gets at a new file; returns what it was, null in a worker, which cannot change it. */
function narrowUmask(): number | null {
  try {
    return process.umask(0o177);
  } catch {
    return null;
  }
}
