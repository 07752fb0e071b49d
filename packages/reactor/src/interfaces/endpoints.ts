/** Places to listen at and to connect to. */
import { type InterfaceToken, interfaceToken } from "../components.js";
import type { Deferred } from "../defer.js";
import type { IListeningPort, IProtocol, IProtocolFactory } from "./protocols.js";

/** Where a server can listen. */
export interface IStreamServerEndpoint {
  /** Fails with CannotListenError. */
  listen(factory: IProtocolFactory): Deferred<IListeningPort>;
}
export const IStreamServerEndpoint: InterfaceToken<IStreamServerEndpoint> = interfaceToken<IStreamServerEndpoint>(
  "IStreamServerEndpoint",
  [],
  ["listen"],
);

/** Where a client can connect to. */
export interface IStreamClientEndpoint {
  /**
   * Fires with the protocol after its `connectionMade`. Fails with a ConnectError or what the factory throws, NoProtocol
   * when that gives none, ConnectingCancelledError. Of the later loss of the connection only the protocol is told.
   */
  connect(factory: IProtocolFactory): Deferred<IProtocol>;
}
export const IStreamClientEndpoint: InterfaceToken<IStreamClientEndpoint> = interfaceToken<IStreamClientEndpoint>(
  "IStreamClientEndpoint",
  [],
  ["connect"],
);
