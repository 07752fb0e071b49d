/** Who is behind the balancer is known before the wrapped protocol is. */
import { BlockList, isIP, isIPv6 } from "node:net";
import { UNIXAddress } from "../../address.js";
import type { Deferred } from "../../defer.js";
import { ValueError } from "../../exceptions.js";
import type { Failure } from "../../failure.js";
import type {
  IAddress,
  IDelayedCall,
  IListeningPort,
  IProtocol,
  IProtocolFactory,
  IReactorTime,
  IStreamServerEndpoint,
  ITCPTransport,
  MaybeAsync,
} from "../../interfaces.js";
import { logRejection } from "../../logged-calls.js";
import { Logger } from "../../logger.js";
import { reactor } from "../../reactor.js";
import { ProtocolWrapper, WrappingFactory } from "../policies/wrapping.js";
import { InvalidProxyHeader } from "./errors.js";
import type { Parsed, ProxyTLV } from "./header.js";
import { isV1, parseV1 } from "./v1.js";
import { isV2, parseV2 } from "./v2.js";

const log = new Logger({ namespace: "strombus.haproxy" });
const HEADER_TIME = 10; // seconds
const LOOPBACK = ["127.0.0.0/8", "::1"];

export interface ProxyOptions {
  /** Addresses and networks (CIDR) of the balancers; others are refused. Default loopback. UNIX sockets may always. */
  allowedProxies?: Iterable<string>;
  /** Seconds until a connection without a header ends. Default 10. */
  timeout?: number;
  /** Default the reactor. */
  clock?: Pick<IReactorTime, "callLater">;
}

/**
 * Reads the header and then builds the wrapped protocol, so that `buildProtocol`, `getPeer` and all that counts or limits
 * addresses see the client. (Twisted connects the protocol before, with the balancer's address.)
 */
export class HAProxyProtocolWrapper extends ProtocolWrapper {
  declare readonly factory: HAProxyWrappingFactory;
  /** What the header said besides, in version 2. */
  tlvs: readonly ProxyTLV[] = [];
  #received: Buffer | null = Buffer.alloc(0); // null when the header has been read
  #deadline: IDelayedCall | null = null;
  #source: IAddress | null = null;
  #destination: IAddress | null = null;
  #held: Buffer | null = null; // came with the header, for a protocol that paused at once
  #paused = false;

  constructor(factory: HAProxyWrappingFactory) {
    super(factory, null);
  }

  override makeConnection(transport: ITCPTransport): MaybeAsync {
    this.transport = transport;
    logRejection(log, this.factory.registerProtocol(this));
    const proxy = transport.getPeer();
    if (!this.factory.allows(proxy)) {
      log.warn("{proxy} may not speak for others, and is refused", { proxy: String(proxy) });
      transport.abortConnection();
      return;
    }
    this.#deadline = this.factory.clock.callLater(this.factory.timeout, () => {
      this.#refuse("no header within the time it may take");
    });
  }

  override dataReceived(data: Buffer): MaybeAsync {
    if (this.#received === null) return super.dataReceived(data);
    if (this.transport.disconnecting) return;
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    let parsed: Parsed | null;
    try {
      parsed = parse(this.#received);
    } catch (error) {
      if (!(error instanceof InvalidProxyHeader)) throw error;
      this.#refuse(error.message);
      return;
    }
    if (parsed !== null) return this.#headerReceived(parsed);
  }

  override connectionLost(reason: Failure): MaybeAsync {
    this.#endDeadline();
    return super.connectionLost(reason);
  }

  override getPeer(): IAddress {
    return this.#source ?? super.getPeer();
  }

  override getHost(): IAddress {
    return this.#destination ?? super.getHost();
  }

  override pauseProducing(): void {
    this.#paused = true;
    super.pauseProducing();
  }

  override resumeProducing(): void {
    this.#paused = false;
    const held = this.#held;
    this.#held = null;
    if (held !== null) this.#passOn(held);
    // What was held may have paused it again.
    if (!(this.#paused as boolean)) super.resumeProducing();
  }

  #headerReceived([{ source, destination, tlvs }, rest]: Parsed): MaybeAsync {
    this.#received = null;
    this.#endDeadline();
    this.#source = source;
    this.#destination = destination;
    this.tlvs = tlvs;
    this.wrappedProtocol = this.factory.wrappedFactory.buildProtocol(this.getPeer());
    if (this.wrappedProtocol === null) {
      this.loseConnection();
      return;
    }
    const made = this.connectWrapped();
    if (rest.length === 0 || this.disconnecting) return made;
    const own = Buffer.from(rest);
    if (this.#paused) {
      this.#held = own;
      return made;
    }
    const received = super.dataReceived(own);
    return made === undefined ? received : Promise.all([made, received]);
  }

  /** Outside of the transport's calls nobody else catches what the protocol throws. */
  #passOn(data: Buffer): void {
    this.guard(() => super.dataReceived(data));
  }

  #refuse(why: string): void {
    log.warn("{proxy} is refused: {why}", { proxy: String(super.getPeer()), why });
    this.loseConnection();
    this.#endDeadline();
  }

  #endDeadline(): void {
    if (this.#deadline?.active()) this.#deadline.cancel();
    this.#deadline = null;
  }
}

/** Puts a PROXY header before the protocols of another factory. @throws ValueError for what is no address or network */
export class HAProxyWrappingFactory extends WrappingFactory {
  readonly timeout: number;
  readonly clock: Pick<IReactorTime, "callLater">;
  readonly #allowed = new BlockList();

  constructor(
    wrappedFactory: IProtocolFactory,
    { allowedProxies = LOOPBACK, timeout = HEADER_TIME, clock = reactor }: ProxyOptions = {},
  ) {
    super(wrappedFactory);
    this.timeout = timeout;
    this.clock = clock;
    for (const network of allowedProxies) allow(this.#allowed, network);
  }

  /** Whether a peer at this address may say who the client is. */
  allows(peer: IAddress): boolean {
    if (peer instanceof UNIXAddress) return true;
    const host = (peer as { host?: string }).host?.replace(/%.*/, "") ?? "";
    return isIP(host) !== 0 && this.#allowed.check(host, isIPv6(host) ? "ipv6" : "ipv4");
  }

  override buildProtocol(): IProtocol {
    return new HAProxyProtocolWrapper(this);
  }
}

/** The same endpoint with a PROXY header before each connection. @throws ValueError for what is no address or network */
export function proxyEndpoint(wrapped: IStreamServerEndpoint, options: ProxyOptions = {}): IStreamServerEndpoint {
  allowedOnly(options);
  return {
    listen(factory: IProtocolFactory): Deferred<IListeningPort> {
      return wrapped.listen(new HAProxyWrappingFactory(factory, options));
    },
  };
}

/** A mistake in the list is to be heard of now, not when it listens. */
function allowedOnly({ allowedProxies = LOOPBACK }: ProxyOptions): void {
  const list = new BlockList();
  for (const network of allowedProxies) allow(list, network);
}

function allow(list: BlockList, network: string): void {
  const [address = "", bits] = network.split("/");
  const family = isIP(address);
  const width = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : NaN;
  if (family === 0 || !(prefix <= width)) throw new ValueError(`not an address or network: ${JSON.stringify(network)}`);
  list.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
}

/** Null while the header is not complete. @throws InvalidProxyHeader */
function parse(data: Buffer): Parsed | null {
  if (isV2(data)) return parseV2(data);
  if (isV1(data)) return parseV1(data);
  throw new InvalidProxyHeader("no PROXY header");
}
