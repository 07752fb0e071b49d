/** A client's forwarding, in the words of ssh's options -L and -R. */
import { reactor as theReactor } from "@strombus/reactor";
import type { IAddress, IListeningPort } from "@strombus/reactor/interfaces";
import type { Dependent } from "../channel/acting.js";
import { StreamlocalListen, TCPListening } from "../messages/forwarding.js";
import type { SSHChannel, SSHChannelOptions } from "../ssh/channel.js";
import type { SSHConnection } from "../ssh/connection.js";
import { type HostPort, packGlobal_tcpip_forward } from "./addresses.js";
import { SSHConnectForwardingChannel, StreamlocalConnectChannel } from "./connecting.js";
import { connected, requestedOf } from "./requested.js";
import type { ForwardingReactor } from "./listeners.js";
import {
  SSHListenClientForwardingChannel,
  SSHListenForwardingFactory,
  StreamlocalClientChannel,
  StreamlocalForwardingFactory,
} from "./listening.js";

/** A host and a port, or the path of a socket of the file system. */
export type Place = HostPort | string;

/** Something that is forwarded, until it or its connection ends; connections that go through it live on. */
export interface Forwarding extends AsyncDisposable {
  /** Where it listens: a free port if 0 was asked for; 0 for a socket of the file system. */
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Listens here; the server connects to `to` for each connection (ssh -L).
 *
 * ```ts
 * await using web = forwardLocal(conn, ["127.0.0.1", 0], ["intranet", 80]);
 * ```
 *
 * @throws CannotListenError
 */
export function forwardLocal(
  conn: SSHConnection,
  listen: Place,
  to: Place,
  reactor: ForwardingReactor = theReactor,
): Forwarding {
  const factory =
    typeof to === "string"
      ? new StreamlocalForwardingFactory(conn, to, StreamlocalClientChannel)
      : new SSHListenForwardingFactory(conn, to, SSHListenClientForwardingChannel);
  const listening =
    typeof listen === "string"
      ? reactor.listenUNIX(listen, factory, { mode: 0o600 })
      : reactor.listenTCP(listen[1], factory, { interface: listen[0] });
  return new LocalForwarding(conn, listening);
}

/**
 * The server listens; for each connection that it accepts we connect to `to`, or take the channel that `to` makes (ssh -R).
 * A host of "" is every address of the server, "localhost" its own alone.
 *
 * @returns rejected with a ConchError when the server refuses
 */
export async function forwardRemote(
  conn: SSHConnection,
  listen: Place,
  to: Place | ((options: SSHChannelOptions) => SSHChannel),
  reactor: ForwardingReactor = theReactor,
): Promise<Forwarding> {
  const open =
    typeof to === "function"
      ? to
      : (options: SSHChannelOptions) => connected(leadingTo(to, options, reactor), conn.transport);
  const requested = requestedOf(conn);
  if (typeof listen === "string") {
    const data = StreamlocalListen.encode({ path: listen });
    // Within the reply, so that no channel can come before it is known.
    await conn
      .sendGlobalRequest("streamlocal-forward@openssh.com", data, true)!
      .addCallback(() => void requested.paths.set(listen, open));
    return new RemoteForwarding(0, () => {
      requested.paths.delete(listen);
      return conn.sendGlobalRequest("cancel-streamlocal-forward@openssh.com", data, true);
    });
  }
  const [host, asked] = listen;
  const port = await conn
    .sendGlobalRequest("tcpip-forward", packGlobal_tcpip_forward(listen), true)!
    .addCallback((reply) => {
      const actual = asked === 0 ? TCPListening.decode(reply).port : asked;
      requested.ports.set(actual, open);
      return actual;
    });
  return new RemoteForwarding(port, () => {
    requested.ports.delete(port);
    return conn.sendGlobalRequest("cancel-tcpip-forward", packGlobal_tcpip_forward([host, port]), true);
  });
}

function leadingTo(to: Place, options: SSHChannelOptions, reactor: ForwardingReactor) {
  const channel =
    typeof to === "string" ? new StreamlocalConnectChannel(to, options) : new SSHConnectForwardingChannel(to, options);
  channel._reactor = reactor;
  return channel;
}

class LocalForwarding implements Forwarding, Dependent {
  readonly port: number;
  readonly #conn: SSHConnection;
  readonly #listening: IListeningPort;

  constructor(conn: SSHConnection, listening: IListeningPort) {
    this.#conn = conn;
    this.#listening = listening;
    this.port = (listening.getHost() as IAddress & { readonly port?: number }).port ?? 0;
    conn.dependents.add(this);
  }

  async close(): Promise<void> {
    this.#conn.dependents.delete(this);
    await this.#listening.stopListening();
  }

  connectionLost(): void {
    void this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

class RemoteForwarding implements Forwarding {
  readonly port: number;
  readonly #cancel: () => PromiseLike<unknown> | null;
  #closed: Promise<void> | null = null;

  constructor(port: number, cancel: () => PromiseLike<unknown> | null) {
    this.port = port;
    this.#cancel = cancel;
  }

  /** Settles when the server has answered; one whose connection has ended listens no more either way. */
  close(): Promise<void> {
    this.#closed ??= Promise.resolve(this.#cancel()).then(
      () => undefined,
      () => undefined,
    );
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
