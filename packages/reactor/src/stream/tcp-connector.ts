/** Connecting by TCP. */
import * as net from "node:net";
import { internetAddress } from "../address.js";
import { ConnectBindError, DNSLookupError, getConnectError } from "../error.js";
import type { ConnectTCPOptions, IAddress, IClientFactory, ITLSContextFactory } from "../interfaces.js";
import { StreamConnector } from "./connector.js";
import type { TransportHost } from "./host.js";
import type { TCPAddresses } from "./tcp-port.js";

export class TCPConnector extends StreamConnector {
  readonly #host: string;
  readonly #port: number;
  readonly #bindAddress: readonly [string, number] | null;

  constructor(
    reactor: TransportHost,
    host: string,
    port: number,
    factory: IClientFactory,
    { timeout = 30, bindAddress = null }: ConnectTCPOptions = {},
    tls: ITLSContextFactory | null = null,
  ) {
    super(reactor, factory, timeout, tls);
    this.#host = host;
    this.#port = port;
    this.#bindAddress = bindAddress;
  }

  override getDestination(): IAddress {
    return internetAddress("TCP", this.#host, this.#port);
  }

  protected override open(): net.Socket {
    const [localAddress, localPort] = this.#bindAddress ?? [];
    const { reactor } = this;
    return net.connect({
      host: this.#host,
      port: this.#port,
      family: net.isIPv6(this.#host) ? 6 : 4,
      allowHalfOpen: true,
      noDelay: true,
      ...(reactor.resolvesNames === true ? { lookup: lookupBy(reactor) } : {}),
      ...(localAddress ? { localAddress } : {}),
      ...(localPort ? { localPort } : {}),
    });
  }

  protected override addressesOf(socket: net.Socket): TCPAddresses {
    return {
      host: internetAddress("TCP", socket.localAddress ?? "", socket.localPort ?? 0),
      peer: internetAddress("TCP", socket.remoteAddress ?? this.#host, socket.remotePort ?? this.#port),
    };
  }

  protected override connectError(error: NodeJS.ErrnoException): Error {
    if (error.syscall === "getaddrinfo") return new DNSLookupError(error.message, { cause: error });
    if (error.syscall === "bind") {
      return new ConnectBindError(Math.abs(error.errno ?? 0), error.message, { cause: error });
    }
    if (error instanceof DNSLookupError) return error;
    return getConnectError(error);
  }
}

/** A resolver of ours in the form that node:net takes. */
function lookupBy(reactor: TransportHost): net.LookupFunction {
  return (name, options, done) => {
    reactor.resolve?.(name).addCallbacks(
      (address) => (options.all === true ? done(null, [{ address, family: 4 }]) : done(null, address, 4)),
      (failure) => done(failure.value as NodeJS.ErrnoException, "", 4),
    );
  };
}
