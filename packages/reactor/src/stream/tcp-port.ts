/** A TCP port that accepts connections. */
import * as net from "node:net";
import { type IPv4Address, type IPv6Address, internetAddress } from "../address.js";
import { CannotListenError } from "../error.js";
import { OSError } from "../exceptions.js";
import type { IProtocolFactory, ITLSContextFactory, ListenTCPOptions } from "../interfaces.js";
import type { TransportHost } from "./host.js";
import { listenOn, StreamPort } from "./port.js";

/**
 * Listens on an address or, by default, on all of them: IPv6 and IPv4 by one socket, IPv4 alone on a host without IPv6.
 * (Twisted's default is IPv4 alone.) IPv4 peers of such a socket have IPv4 addresses.
 */
export class TCPPort extends StreamPort<IPv4Address | IPv6Address> {
  readonly #port: number;
  readonly #backlog: number;
  readonly #interface: string;

  constructor(
    host: TransportHost,
    port: number,
    factory: IProtocolFactory,
    { backlog = 50, interface: interface_ = "" }: ListenTCPOptions = {},
    tls: ITLSContextFactory | null = null,
  ) {
    super(host, factory, tls);
    this.#port = port;
    this.#backlog = backlog;
    this.#interface = interface_;
  }

  /** @throws CannotListenError for what is no address or no port number */
  protected checkAddress(): void {
    const [interface_, port] = [this.#interface, this.#port];
    if (interface_ !== "" && net.isIP(interface_) === 0)
      throw new CannotListenError(interface_, port, new OSError("not an IP address"));
    if (!Number.isInteger(port) || port < 0 || port > 65535) {
      throw new CannotListenError(interface_, port, new OSError("not a port number"));
    }
  }

  protected override bind(server: net.Server): IPv4Address | IPv6Address {
    this.checkAddress();
    const [interface_, port] = [this.#interface, this.#port];
    const family = net.isIP(interface_);
    // The public `listen` looks up even literals, later.
    server.listen(listenOn(interface_, port, family === 6 ? 6 : 4, this.#backlog), this.#backlog);
    const bound = server.address() as net.AddressInfo;
    return internetAddress("TCP", bound.address, bound.port);
  }

  protected override addressesOf(socket: net.Socket): TCPAddresses | null {
    return tcpAddressesOf(socket);
  }
}

export interface TCPAddresses {
  host: IPv4Address | IPv6Address;
  peer: IPv4Address | IPv6Address;
}

/** The ends of a TCP socket; null if the peer has gone again and has no address. */
export function tcpAddressesOf(socket: net.Socket): TCPAddresses | null {
  const { remoteAddress = "", remotePort = 0, localAddress = "", localPort = 0 } = socket;
  if (remoteAddress === "") return null;
  return {
    host: internetAddress("TCP", localAddress, localPort),
    peer: internetAddress("TCP", remoteAddress, remotePort),
  };
}
