/** The interfaces between Conch and its applications (twisted.conch.interfaces): each is a type and a runtime token. */
import { type InterfaceToken, interfaceToken } from "@strombus/reactor/components";
import { ValueError } from "@strombus/reactor/exceptions";
import type { MaybeAsync, IProtocol } from "@strombus/reactor/interfaces";
import type { Extensions, FileAttributes } from "./messages/sftp.js";
import type { SSHChannel } from "./ssh/channel.js";
import type { SSHConnection } from "./ssh/connection.js";
import type { SSHSessionProcessProtocol } from "./ssh/session.js";
import type { BytesLike } from "./wire/writer.js";

export type { Extensions, FileAttributes } from "./messages/sftp.js";

/** Something, or a Promise or Deferred of it. */
export type MaybeLater<T> = T | PromiseLike<T>;

/** What counts as no. */
export type Falsy = null | undefined | false | 0 | "" | void;

/** The answer to a global request: no, yes, or yes with data for the reply. */
export type GlobalRequestResult = boolean | number | null | undefined | readonly [unknown, BytesLike];

/** A user who has logged in, as the connection sees one. */
export interface IConchUser {
  /** The user's connection, from its start. */
  conn: SSHConnection | null;
  /**
   * The channel that the client asks to open; null when there is no such type.
   * @throws ConchError of text and code (RFC 4254 section 5.1)
   */
  lookupChannel(
    channelType: string,
    windowSize: number,
    maxPacket: number,
    data: Buffer,
  ): MaybeLater<SSHChannel | null | undefined>;
  /** The protocol that serves a subsystem; `data` is the whole body of the request, the name included. */
  lookupSubsystem(subsystem: string, data: Buffer): IProtocol | Falsy;
  gotGlobalRequest(requestType: string, data: Buffer, wantReply?: boolean): MaybeLater<GlobalRequestResult>;
}
export const IConchUser: InterfaceToken<IConchUser> = interfaceToken<IConchUser>(
  "IConchUser",
  [],
  ["lookupChannel", "lookupSubsystem", "gotGlobalRequest"],
);

/** The size of a terminal, rows first, as sessions hand it over; pixels may be 0. */
export type WindowSize = readonly [rows: number, columns: number, xPixels: number, yPixels: number];

/** Terminal modes as opcode and value (RFC 4254 section 8); `ttymodes` names the opcodes. */
export type TerminalModes = readonly (readonly [opcode: number, value: number])[];

/** What a session of a user does. Each of the first four refuses by throwing, or by a promise that is rejected. */
export interface ISession {
  getPty(term: string, windowSize: WindowSize, modes: TerminalModes): MaybeAsync;
  openShell(proto: SSHSessionProcessProtocol): MaybeAsync;
  /** `command` is what the client sent, byte for byte. */
  execCommand(proto: SSHSessionProcessProtocol, command: Buffer): MaybeAsync;
  windowChanged(newWindowSize: WindowSize): MaybeAsync;
  /** The client sends no more. */
  eofReceived(): MaybeAsync;
  /** The channel is closed: end what runs. */
  closed(): MaybeAsync;
}
export const ISession: InterfaceToken<ISession> = interfaceToken<ISession>(
  "ISession",
  [],
  ["getPty", "openShell", "execCommand", "windowChanged", "eofReceived", "closed"],
);

/** A session that lets the client set some environment variables. */
export interface ISessionSetEnv {
  /** @throws EnvironmentVariableNotPermitted to refuse the name. */
  setEnv(name: Buffer, value: Buffer): MaybeAsync;
}
export const ISessionSetEnv: InterfaceToken<ISessionSetEnv> = interfaceToken<ISessionSetEnv>(
  "ISessionSetEnv",
  [],
  ["setEnv"],
);

/** A session whose program the client may signal. */
export interface ISessionSignal {
  /**
   * `signal` is a name of RFC 4254 section 6.10 without SIG, such as "TERM", or "INFO".
   * @throws to refuse it: a ValueError, or ProcessExitedAlready, is no failure in the log
   */
  signalReceived(signal: string): MaybeAsync;
  /** The line is broken for so many milliseconds (RFC 4335). */
  breakReceived(milliseconds: number): MaybeAsync;
}
export const ISessionSignal: InterfaceToken<ISessionSignal> = interfaceToken<ISessionSignal>(
  "ISessionSignal",
  [],
  ["signalReceived", "breakReceived"],
);

/** A session that is told when the server stops. */
export interface ISessionStopping {
  /** The server goes on for so many seconds. What is written before they are over still goes out. */
  serverStopping(seconds: number): MaybeAsync;
}
export const ISessionStopping: InterfaceToken<ISessionStopping> = interfaceToken<ISessionStopping>(
  "ISessionStopping",
  [],
  ["serverStopping"],
);

/** A session that lets its programs use the client's ssh-agent. */
export interface ISessionForwardAgent {
  /** Before the program starts. @throws to refuse it */
  forwardAgent(): MaybeAsync;
}
export const ISessionForwardAgent: InterfaceToken<ISessionForwardAgent> = interfaceToken<ISessionForwardAgent>(
  "ISessionForwardAgent",
  [],
  ["forwardAgent"],
);

/** What a client asks that forwards its X display (RFC 4254 section 6.3.1). */
export interface X11Request {
  /** No more than one connection is to be forwarded. */
  readonly singleConnection: boolean;
  /** The authentication of X programs, such as `MIT-MAGIC-COOKIE-1`: letters, digits and hyphens. */
  readonly protocol: string;
  /** In hexadecimal digits; the client takes it for one of its own making. */
  readonly cookie: string;
  readonly screen: number;
}

/** A session that lets its programs use the client's X display. */
export interface ISessionForwardX11 {
  /** Before the program starts. @throws to refuse it */
  forwardX11(request: X11Request): MaybeAsync;
}
export const ISessionForwardX11: InterfaceToken<ISessionForwardX11> = interfaceToken<ISessionForwardX11>(
  "ISessionForwardX11",
  [],
  ["forwardX11"],
);

/** A client may not set this environment variable. */
export class EnvironmentVariableNotPermitted extends ValueError {
  override readonly name = "EnvironmentVariableNotPermitted";
  override readonly code = "ERR_SSH_ENV_NOT_PERMITTED";
}

/** One entry of a directory; `longname` looks like a line of `ls -l`. */
export type DirectoryEntry = readonly [filename: BytesLike, longname: BytesLike, attrs: FileAttributes];

/** An open directory: its entries, and the end of it. */
export interface IDirectory {
  [Symbol.iterator]?(): Iterator<MaybeLater<DirectoryEntry>>;
  [Symbol.asyncIterator]?(): AsyncIterator<DirectoryEntry>;
  close(): MaybeAsync;
}

/** An open file of an SFTP server. */
export interface ISFTPFile {
  close(): MaybeAsync;
  /** Up to `length` bytes from `offset`. @throws EOFError at the end of the file. */
  readChunk(offset: number | bigint, length: number): MaybeLater<Buffer>;
  writeChunk(offset: number | bigint, data: Buffer): MaybeAsync;
  getAttrs(): MaybeLater<FileAttributes>;
  setAttrs(attrs: FileAttributes): MaybeAsync;
}
export const ISFTPFile: InterfaceToken<ISFTPFile> = interfaceToken<ISFTPFile>(
  "ISFTPFile",
  [],
  ["close", "readChunk", "writeChunk", "getAttrs", "setAttrs"],
);

/** What serves SFTP for one user. Paths are bytes as the client sent them. */
export interface ISFTPServer {
  avatar: unknown;
  /** The extensions that the server has, by name. */
  gotVersion(otherVersion: number, extData: ReadonlyMap<string, Buffer>): Extensions;
  /** `flags` are the FXF_ bits. */
  openFile(filename: Buffer, flags: number, attrs: FileAttributes): MaybeLater<ISFTPFile>;
  removeFile(filename: Buffer): MaybeAsync;
  renameFile(oldpath: Buffer, newpath: Buffer): MaybeAsync;
  makeDirectory(path: Buffer, attrs: FileAttributes): MaybeAsync;
  removeDirectory(path: Buffer): MaybeAsync;
  openDirectory(path: Buffer): MaybeLater<IDirectory>;
  getAttrs(path: Buffer, followLinks: boolean): MaybeLater<FileAttributes>;
  setAttrs(path: Buffer, attrs: FileAttributes): MaybeAsync;
  readLink(path: Buffer): MaybeLater<BytesLike>;
  makeLink(linkPath: Buffer, targetPath: Buffer): MaybeAsync;
  realPath(path: Buffer): MaybeLater<BytesLike>;
  /**
   * The reply, in a form of the request's own; nothing for a success that has none, which is answered with a status.
   * @throws NotImplementedError for a name that it does not know.
   */
  extendedRequest(extendedName: string, extendedData: Buffer): MaybeLater<BytesLike | null | undefined | void>;
}
export const ISFTPServer: InterfaceToken<ISFTPServer> = interfaceToken<ISFTPServer>("ISFTPServer");

/** One line of a known_hosts file. */
export interface IKnownHostEntry {
  matchesKey(key: unknown): boolean;
  /** As it is written, without asking the DNS. */
  matchesHost(hostname: string): boolean;
  /** The line, without its end. */
  toString(): string;
}
export const IKnownHostEntry: InterfaceToken<IKnownHostEntry> = interfaceToken<IKnownHostEntry>(
  "IKnownHostEntry",
  [],
  ["matchesKey", "matchesHost"],
);
