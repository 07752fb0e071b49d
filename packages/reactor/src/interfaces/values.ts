/** Small things that all interfaces speak of: bytes, results that may come later, addresses. */
import { type InterfaceToken, interfaceToken } from "../components.js";

/** What anything that writes accepts; a string is sent as UTF-8. The bytes must not change after they are handed over. */
export type BytesLike = Buffer | Uint8Array | string;

/** What a callback may give back: nothing, or a promise whose rejection counts as an exception of that callback. */
export type MaybeAsync = void | PromiseLike<unknown>;

/** When a trigger of a system event runs; the results of all "before" triggers are awaited before "during" begins. */
export type TriggerPhase = "before" | "during" | "after";

declare const triggerID: unique symbol;
/** Names a trigger, so that it can be removed. */
export interface SystemEventTriggerID {
  readonly [triggerID]: true;
}

/** The end of a connection. */
export interface IAddress {
  /** Value equality. */
  equals(other: unknown): boolean;
  toString(): string;
}
export const IAddress: InterfaceToken<IAddress> = interfaceToken<IAddress>("IAddress", [], ["equals"]);
