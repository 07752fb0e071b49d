/** A TCP port forwarder (twisted.protocols.portforward): `reactor.listenTCP(8022, new ProxyFactory("host", 22))`. */
import type { Failure } from "../failure.js";
import type { IAddress, IConnector, IProtocol, IReactorTCP, ITCPTransport } from "../interfaces.js";
import { Logger } from "../logger.js";
import { ClientFactory, Factory, Protocol } from "../protocol.js";
import { reactor } from "../reactor.js";

const log = new Logger({ namespace: "strombus.protocols.portforward" });

/** One side of a forwarded connection. */
export class Proxy extends Protocol {
  declare transport: ITCPTransport | null;
  /** Say so when a connection ends that had no other side. */
  noisy = true;
  peer: Proxy | null = null;

  setPeer(peer: Proxy): void {
    this.peer = peer;
  }

  override dataReceived(data: Buffer): void {
    this.peer?.transport?.write(data);
  }

  override connectionLost(reason: Failure): void {
    const { peer } = this;
    this.peer = null;
    if (peer === null) {
      if (this.noisy) log.info("there was no connection to forward to: {reason}", { reason: reason.getErrorMessage() });
      return;
    }
    // Its producer was this side: a paused one would hold up its end.
    peer.transport?.unregisterProducer();
    peer.transport?.loseConnection();
  }
}

/** The side towards the host that is forwarded to. */
export class ProxyClient extends Proxy {
  override connectionMade(): void {
    const [ours, theirs] = [this.transport, this.peer?.transport];
    this.peer?.setPeer(this);
    if (!ours || !theirs) return;
    // Neither side reads faster than the other takes.
    ours.registerProducer(theirs, true);
    theirs.registerProducer(ours, true);
    theirs.resumeProducing();
  }
}

/** Makes the side towards the host for one connection; its failure ends that. */
export class ProxyClientFactory extends ClientFactory {
  override noisy = false;
  override protocol: new () => ProxyClient = ProxyClient;
  server: ProxyServer | null = null;

  setServer(server: ProxyServer): void {
    this.server = server;
  }

  override buildProtocol(addr: IAddress): IProtocol | null {
    const protocol = super.buildProtocol(addr) as ProxyClient | null;
    if (this.server !== null) protocol?.setPeer(this.server);
    return protocol;
  }

  override clientConnectionFailed(connector: IConnector, reason: Failure): void {
    this.server?.transport?.loseConnection();
  }
}

/** The side towards whoever connected. Nothing is read from there until there is somewhere to send it to. */
export class ProxyServer extends Proxy {
  declare factory: ProxyFactory | null;
  clientProtocolFactory: new () => ProxyClientFactory = ProxyClientFactory;
  /** Null: the reactor of the process. */
  reactor: IReactorTCP | null = null;

  override connectionMade(): void {
    this.transport?.pauseProducing();
    const client = new this.clientProtocolFactory();
    client.setServer(this);
    const { host, port } = this.factory!;
    (this.reactor ?? reactor).connectTCP(host, port, client);
  }
}

/** Forwards each connection that it gets to `host` and `port`. */
export class ProxyFactory extends Factory {
  override noisy = false;
  override protocol: new () => ProxyServer = ProxyServer;

  constructor(
    readonly host: string,
    readonly port: number,
  ) {
    super();
  }
}
