/**
 * One piece of memory that sockets read into, for protocols that keep nothing of it. Else Node makes 64 KiB for each read,
 * and V8, which does not see how soon they are garbage, marks its whole heap again for every few hundred of them.
 *
 * Node has this for sockets that connect (`onread` of `net.connect`), and not for those that a server accepts: there it is
 * set as `net.connect` sets it. Where a Node should keep it elsewhere, data comes as it always did.
 */
import type { Socket } from "node:net";
import type { IProtocol, LentDataProtocol } from "../interfaces.js";

const SIZE = 256 * 1024; // bytes, and so of a read at most

/** Called on the socket with how many bytes were read into the memory; returns whether to read on. */
export type OnRead = (this: Socket, length: number, memory: Buffer) => boolean;

interface Internals {
  readonly _handle?: { useUserBuffer?(memory: Buffer): void } | null;
  [field: symbol]: unknown;
}

/** Where Node's sockets keep `onread`. */
interface Fields {
  readonly buffer: symbol;
  readonly callback: symbol;
}

let memory: Buffer | null = null;
let fields: Fields | null = null;

export function takesLentData(protocol: IProtocol | null): protocol is LentDataProtocol {
  const { takesLentData, lentDataReceived } = (protocol ?? {}) as Partial<LentDataProtocol>;
  return takesLentData === true && typeof lentDataReceived === "function";
}

/** From here on what the socket reads is lent to `onRead`, if this can be; what was read before is still its data. */
export function lendTo(socket: Socket, onRead: OnRead): boolean {
  const internals = socket as unknown as Internals;
  const handle = internals._handle;
  fields ??= fieldsOf(socket);
  if (fields === null || typeof handle?.useUserBuffer !== "function") return false;
  if (!(fields.buffer in socket) || !(fields.callback in socket)) return false;
  memory ??= Buffer.allocUnsafeSlow(SIZE);
  internals[fields.buffer] = memory;
  internals[fields.callback] = onRead;
  handle.useUserBuffer(memory);
  return true;
}

function fieldsOf(socket: Socket): Fields | null {
  const named = (name: string) => Object.getOwnPropertySymbols(socket).find(({ description }) => description === name);
  const [buffer, callback] = [named("kBuffer"), named("kBufferCb")];
  return buffer === undefined || callback === undefined ? null : { buffer, callback };
}
