/** Users of a Conch server (twisted.conch.avatar). */
import { implementer } from "@strombus/reactor/components";
import type { IProtocol } from "@strombus/reactor/interfaces";
import { isClass } from "./class.js";
import { ConchError } from "./error.js";
import { type Falsy, type GlobalRequestResult, IConchUser, type MaybeLater } from "./interfaces.js";
import type { SSHChannel } from "./ssh/channel.js";
import { OPEN_UNKNOWN_CHANNEL_TYPE } from "./ssh/connection.js";
import { namedMethod } from "./ssh/service.js";

/** What a channel is made with when the peer opens it. */
export interface ChannelOpenOptions {
  /** Bytes that the peer takes before it must say so again. */
  remoteWindow: number;
  /** The most bytes of data that the peer takes in one packet. */
  remoteMaxPacket: number;
  /** What came with the request to open. */
  data: Buffer;
  avatar: ConchUser;
}

/** A channel class, or a function that makes a channel. */
export type ChannelEntry =
  | (new (options: ChannelOpenOptions) => SSHChannel)
  | ((options: ChannelOpenOptions) => MaybeLater<SSHChannel | null | undefined>);

/** A protocol class, or a function that makes a protocol; `data` is the whole body of the request. */
export type SubsystemEntry =
  | (new (data: Buffer, options: { avatar: ConchUser }) => IProtocol)
  | ((data: Buffer, options: { avatar: ConchUser }) => IProtocol | Falsy);

/**
 * A user with channels and subsystems by name.
 *
 * ```ts
 * const user = new ConchUser();
 * user.channelLookup["session"] = SSHSession;
 * user.subsystemLookup["sftp"] = FileTransferServer;
 * ```
 */
@implementer(IConchUser)
export class ConchUser implements IConchUser {
  /** Set when the user's connection starts. */
  conn: IConchUser["conn"] = null;
  /** Channel type to what makes the channel. Only what was put in is found, nothing that objects inherit. */
  channelLookup: Record<string, ChannelEntry> = table();
  /** Subsystem name to what makes its protocol. */
  subsystemLookup: Record<string, SubsystemEntry> = table();

  /** @throws ConchError of code and text, in this order, for a type that is not in `channelLookup`. */
  lookupChannel(
    channelType: string,
    windowSize: number,
    maxPacket: number,
    data: Buffer,
  ): MaybeLater<SSHChannel | null | undefined> {
    const entry = own(this.channelLookup, channelType);
    if (entry === undefined) throw new ConchError(OPEN_UNKNOWN_CHANNEL_TYPE, "unknown channel");
    const options = { remoteWindow: windowSize, remoteMaxPacket: maxPacket, data, avatar: this };
    return isClass(entry) ? new entry(options) : entry(options);
  }

  /** False for a name that is not in `subsystemLookup`. */
  lookupSubsystem(subsystem: string, data: Buffer): IProtocol | Falsy {
    const entry = own(this.subsystemLookup, subsystem);
    if (entry === undefined) return false;
    return isClass(entry) ? new entry(data, { avatar: this }) : entry(data, { avatar: this });
  }

  /** Calls `global_<requestType>(data)`, with `_` for `-`; 0 when there is none. */
  gotGlobalRequest(requestType: string, data: Buffer): MaybeLater<GlobalRequestResult> {
    const handler = namedMethod(this, `global_${requestType.replaceAll("-", "_")}`);
    return handler === null ? 0 : (handler(data) as MaybeLater<GlobalRequestResult>);
  }
}

function table<T>(): Record<string, T> {
  return new Table() as Record<string, T>;
}

/** An application may have put an ordinary object in the table's place. */
function own<T>(entries: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}

/** What has no prototype's members, and yet a shape that all its instances share: an object made of null has its own. */
class Table {}
Object.setPrototypeOf(Table.prototype, null);
delete (Table.prototype as { constructor?: unknown }).constructor;
