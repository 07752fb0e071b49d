/** What lives on a telnet connection, and what the connection is to it. */
import { type InterfaceToken, interfaceToken } from "@strombus/reactor/components";
import type { Deferred } from "@strombus/reactor/defer";
import { IProtocol, ITransport, type MaybeAsync } from "@strombus/reactor/interfaces";
import type { Constructor } from "../class.js";

/** A number from 0 to 255, or the one byte of it. */
export type TelnetOption = number | Uint8Array;

/** Gets what a subnegotiation carries behind its option; the bytes are the handler's own. */
export type SubnegotiationHandler = (bytes: Buffer) => MaybeAsync;

/** What a connection asks its protocol about options, and tells it of what nobody has asked for. */
export interface OptionHooks {
  /** The argument of WILL, WONT, DO and DONT is an option; other commands have null. */
  unhandledCommand(command: number, argument: number | null): MaybeAsync;
  unhandledSubnegotiation(option: number, bytes: Buffer): MaybeAsync;
  /** Whether to do on this side what the peer asks for, or has agreed to. Only `true` is a yes. */
  enableLocal(option: number): boolean;
  /** Whether the peer shall do what it offers. Only `true` is a yes. */
  enableRemote(option: number): boolean;
  disableLocal(option: number): MaybeAsync;
  disableRemote(option: number): MaybeAsync;
}

/** A protocol that says which options it wants. What a method throws, or promises and rejects, ends the connection. */
export interface ITelnetProtocol extends IProtocol, OptionHooks {}
export const ITelnetProtocol: InterfaceToken<ITelnetProtocol> = interfaceToken<ITelnetProtocol>(
  "ITelnetProtocol",
  [IProtocol],
  ["unhandledCommand", "unhandledSubnegotiation", "enableLocal", "enableRemote", "disableLocal", "disableRemote"],
);

/**
 * A telnet connection. Requests fire with true when the peer has agreed. They fail with OptionRefused, with AlreadyEnabled,
 * AlreadyDisabled or AlreadyNegotiating at once, and when the connection is lost; a peer that does not answer leaves
 * them waiting until then.
 */
export interface ITelnetTransport extends ITransport {
  /** Handlers of subnegotiations by option; what is not here is the protocol's `unhandledSubnegotiation`. */
  readonly negotiationMap: Map<number, SubnegotiationHandler>;
  /** The peer shall begin. */
  do(option: TelnetOption): Deferred<true>;
  /** The peer shall stop. */
  dont(option: TelnetOption): Deferred<true>;
  /** This side wants to begin. */
  will(option: TelnetOption): Deferred<true>;
  /** This side wants to stop. */
  wont(option: TelnetOption): Deferred<true>;
  /** Sends a subnegotiation about an option that is on. */
  requestNegotiation(about: TelnetOption, data: Uint8Array): void;
  /** Has `call` called once, when the connection is lost and its protocol has heard of it; at once if that is over. */
  atEnd(call: () => MaybeAsync): void;
}
export const ITelnetTransport: InterfaceToken<ITelnetTransport> = interfaceToken<ITelnetTransport>(
  "ITelnetTransport",
  [ITransport],
  ["do", "dont", "will", "wont", "requestNegotiation"],
);

/** An ITelnetProtocol that wants nothing, on top of another protocol. */
export function TelnetHooks<Base extends Constructor>(base: Base): Base & Constructor<OptionHooks> {
  abstract class Hooked extends base implements OptionHooks {
    unhandledCommand(command: number, argument: number | null): MaybeAsync {}
    unhandledSubnegotiation(option: number, bytes: Buffer): MaybeAsync {}

    enableLocal(option: number): boolean {
      return false;
    }

    enableRemote(option: number): boolean {
      return false;
    }

    disableLocal(option: number): MaybeAsync {}
    disableRemote(option: number): MaybeAsync {}
  }
  return Hooked;
}
