/** Connecting to a name by whichever of its addresses answers first (RFC 8305, "happy eyeballs"). */
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { HostnameAddress, IPv4Address, IPv6Address } from "../address.js";
import { implementer } from "../components.js";
import { Deferred, fail } from "../defer.js";
import { ConnectingCancelledError, DNSLookupError } from "../error.js";
import { ValueError } from "../exceptions.js";
import type { Failure } from "../failure.js";
import { guarded } from "../guard.js";
import {
  type IAddress,
  type IDelayedCall,
  type IProtocol,
  type IProtocolFactory,
  type IReactorPluggableNameResolver,
  type IReactorTCP,
  type IReactorTime,
  IStreamClientEndpoint,
} from "../interfaces.js";
import { logFailed } from "../logged-calls.js";
import { Logger } from "../logger.js";
import { TCP4ClientEndpoint } from "./client.js";

const log = new Logger({ namespace: "strombus.endpoints" });

export interface HostnameOptions {
  /** Seconds for each attempt. Default 30. */
  timeout?: number | null;
  /** The local end: an address, or with a port. */
  bindAddress?: string | readonly [host: string, port: number] | null;
  /** Seconds between one attempt and the start of the next. Default 0.3. */
  attemptDelay?: number;
  /** A failed attempt starts the next at once (RFC 8305 section 5), as Twisted's does not. Default false. */
  hurry?: boolean;
}

export type HostnameReactor = IReactorTCP & IReactorTime & Pick<IReactorPluggableNameResolver, "nameResolver">;

/** Tries the addresses in the resolver's order, a new one every `attemptDelay` seconds until one is connected. */
@implementer(IStreamClientEndpoint)
export class HostnameEndpoint implements IStreamClientEndpoint {
  readonly #reactor: HostnameReactor;
  readonly #host: string | null; // in ASCII; null for a bad name
  readonly #given: string;
  readonly #port: number;
  readonly #options: { timeout: number | null; bindAddress: readonly [string, number] | null };
  readonly #attemptDelay: number;
  readonly #hurry: boolean;

  constructor(
    reactor: HostnameReactor,
    host: string | Uint8Array,
    port: number,
    { timeout = 30, bindAddress = null, attemptDelay = 0.3, hurry = false }: HostnameOptions = {},
  ) {
    this.#reactor = reactor;
    this.#given = typeof host === "string" ? host : Buffer.from(host).toString("latin1");
    this.#host = asciiOf(this.#given);
    this.#port = port;
    this.#options = { timeout, bindAddress: typeof bindAddress === "string" ? [bindAddress, 0] : bindAddress };
    this.#attemptDelay = attemptDelay;
    this.#hurry = hurry;
  }

  /** Fails with ValueError for a bad name, DNSLookupError for one without address, else with the last failure. */
  connect(factory: IProtocolFactory): Deferred<IProtocol> {
    const [host, port] = [this.#host, this.#port];
    if (host === null) return fail(new ValueError(`not a host name: ${JSON.stringify(this.#given)}`));
    let attempts: Attempts | null = null;
    const connected = new Deferred<IProtocol>((deferred) => {
      deferred.errback(new ConnectingCancelledError(new HostnameAddress(host, port)));
      attempts?.stop();
    });
    const addresses: IAddress[] = [];
    const look = (): unknown =>
      this.#reactor.nameResolver.resolveHostName(
        {
          resolutionBegan: () => {},
          addressResolved: (address) => void addresses.push(address),
          resolutionComplete: () => {
            if (connected.called) return;
            const known = addresses.filter(
              (address) => address instanceof IPv4Address || address instanceof IPv6Address,
            );
            if (known.length === 0) {
              connected.errback(new DNSLookupError(`no address for ${JSON.stringify(host)}`));
              return;
            }
            const endpoints = known.map((address) => this.#endpointFor(address.host));
            attempts = new Attempts(this.#reactor, endpoints, factory, connected, {
              delay: this.#attemptDelay,
              hurry: this.#hurry,
            });
            attempts.next();
          },
        },
        host,
        { portNumber: port },
      );
    guarded(look, (error) => {
      if (connected.called) logFailed(log, "a resolver", error);
      else connected.errback(error);
    });
    return connected;
  }

  #endpointFor(host: string): IStreamClientEndpoint {
    return new TCP4ClientEndpoint(this.#reactor, host, this.#port, this.#options);
  }

  toString(): string {
    const host = this.#host ?? this.#given;
    return `<HostnameEndpoint ${host.includes(":") ? `[${host}]` : host}:${this.#port}>`;
  }
}

/** The attempts of one `connect`: the first to succeed ends the others. */
class Attempts {
  readonly #clock: Pick<IReactorTime, "callLater">;
  readonly #endpoints: IStreamClientEndpoint[];
  readonly #factory: IProtocolFactory;
  readonly #outcome: Deferred<IProtocol>;
  readonly #delay: number;
  readonly #hurry: boolean;
  readonly #pending = new Set<Deferred>();
  #nextCall: IDelayedCall | null = null;
  #lastFailure: Failure | null = null;
  #over = false;
  #allStarted = false;

  constructor(
    clock: Pick<IReactorTime, "callLater">,
    endpoints: IStreamClientEndpoint[],
    factory: IProtocolFactory,
    outcome: Deferred<IProtocol>,
    { delay, hurry }: { readonly delay: number; readonly hurry: boolean },
  ) {
    this.#clock = clock;
    this.#endpoints = endpoints;
    this.#factory = factory;
    this.#outcome = outcome;
    this.#delay = delay;
    this.#hurry = hurry;
  }

  /** Starts the next attempt; behind the last one, sees whether all have failed. */
  next(): void {
    this.#nextCall = null;
    const endpoint = this.#endpoints.shift();
    if (endpoint === undefined) {
      this.#allStarted = true;
      this.#checkFailed();
      return;
    }
    const attempt: Deferred = endpoint.connect(this.#factory);
    this.#pending.add(attempt);
    attempt.addBoth((result) => {
      this.#pending.delete(attempt);
      return result;
    });
    attempt.addCallbacks(
      (protocol) => this.#succeeded(protocol as IProtocol),
      (failure) => this.#failed(failure),
    );
    if (!this.#over) this.#nextCall = this.#clock.callLater(this.#delay, () => this.next());
  }

  stop(): void {
    this.#over = true;
    if (this.#nextCall?.active()) this.#nextCall.cancel();
    for (const attempt of [...this.#pending]) attempt.cancel();
  }

  #succeeded(protocol: IProtocol): void {
    if (this.#over) return;
    this.stop();
    this.#outcome.callback(protocol);
  }

  #failed(failure: Failure): void {
    if (this.#over) return;
    this.#lastFailure = failure;
    if (this.#hurry && this.#nextCall?.active()) {
      this.#nextCall.cancel();
      this.next();
    } else {
      this.#checkFailed();
    }
  }

  #checkFailed(): void {
    if (this.#over || !this.#allStarted || this.#pending.size > 0 || this.#lastFailure === null) return;
    this.#over = true;
    this.#outcome.errback(this.#lastFailure);
  }
}

/** An address as it is; a name in the form for the wire (RFC 5891); null if it has none. */
function asciiOf(host: string): string | null {
  if (isIP(host) !== 0) return host;
  if (/^[\x21-\x7e]+$/.test(host)) return host;
  const ascii = domainToASCII(host.normalize("NFC"));
  return ascii === "" ? null : ascii;
}
