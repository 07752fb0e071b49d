/** Sockets that somebody else has opened, given as descriptors: from systemd, from a parent process. */
import * as net from "node:net";
import { UNIXAddress, internetAddress } from "../address.js";
import { CannotListenError, UnsupportedAddressFamily } from "../error.js";
import { OSError } from "../exceptions.js";
import type { AddressFamily, IAddress, IProtocolFactory } from "../interfaces.js";
import { StreamConnection } from "./connection.js";
import type { TransportHost } from "./host.js";
import { StreamPort } from "./port.js";
import { tcpAddressesOf } from "./tcp-port.js";

const FAMILIES: readonly AddressFamily[] = ["IPv4", "IPv6", "UNIX"];
const BACKLOG = 511; // connections; the system's own limit is less

/** @throws UnsupportedAddressFamily */
export function checkFamily(family: AddressFamily): void {
  if (!FAMILIES.includes(family)) throw new UnsupportedAddressFamily(family);
}

/** A socket that is bound, or listens already. Its descriptor belongs to the port from now on. */
export class AdoptedPort extends StreamPort {
  readonly #fd: number;
  readonly #family: AddressFamily;

  constructor(host: TransportHost, fd: number, family: AddressFamily, factory: IProtocolFactory) {
    super(host, factory);
    checkFamily(family);
    this.#fd = fd;
    this.#family = family;
  }

  protected override bind(server: net.Server): IAddress {
    server.listen({ fd: this.#fd, backlog: BACKLOG });
    // Node says later why not.
    if (!server.listening) {
      throw new CannotListenError(
        `descriptor ${this.#fd}`,
        -1,
        new OSError("the descriptor is no socket to listen on"),
      );
    }
    const address = server.address();
    if (this.#family === "UNIX" || address === null || typeof address === "string") return new UNIXAddress(null);
    return internetAddress("TCP", address.address, address.port);
  }

  protected override addressesOf(socket: net.Socket): { host: IAddress; peer: IAddress } | null {
    return addressesOf(socket, this.#family);
  }
}

/** Serves one connection; the factory is neither started nor stopped. */
export function adoptConnection(
  host: TransportHost,
  fd: number,
  family: AddressFamily,
  factory: IProtocolFactory,
): void {
  checkFamily(family);
  const socket = new net.Socket({ fd, allowHalfOpen: true });
  const addresses = addressesOf(socket, family);
  const protocol = addresses === null ? null : factory.buildProtocol(addresses.peer);
  if (addresses === null || protocol === null) {
    socket.on("error", () => {});
    socket.destroy();
    return;
  }
  new StreamConnection(host, socket, protocol, { ...addresses, sessionno: 0 }).begin();
}

function addressesOf(socket: net.Socket, family: AddressFamily): { host: IAddress; peer: IAddress } | null {
  if (family !== "UNIX") return tcpAddressesOf(socket);
  return { host: new UNIXAddress(null), peer: new UNIXAddress(null) };
}
