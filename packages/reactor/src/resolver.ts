/** Looking up the addresses of names, by the system or by a resolver of the application. */
import { type IPv4Address, type IPv6Address, internetAddress } from "./address.js";
import { implementer } from "./components.js";
import { Deferred, maybeDeferred } from "./defer.js";
import { DNSLookupError } from "./error.js";
import { NotImplementedError } from "./exceptions.js";
import { guarded } from "./guard.js";
import { callLogged, logFailed, logRejection } from "./logged-calls.js";
import { Logger } from "./logger.js";
import {
  type AddressType,
  type IAddress,
  type IHostResolution,
  IHostnameResolver,
  type IResolutionReceiver,
  IResolverSimple,
  type ResolveHostNameOptions,
} from "./interfaces.js";

const log = new Logger({ namespace: "strombus.reactor.names" });
const RECEIVER = "a receiver of addresses";

class HostResolution implements IHostResolution {
  constructor(readonly name: string) {}

  cancel(): never {
    throw new NotImplementedError("a lookup by the system cannot be cancelled");
  }
}

/** The system's getaddrinfo, in its order. */
@implementer(IHostnameResolver)
export class GAIResolver implements IHostnameResolver {
  resolveHostName(
    receiver: IResolutionReceiver,
    hostName: string,
    { portNumber = 0, addressTypes = null, transportSemantics = "TCP" }: ResolveHostNameOptions = {},
  ): IHostResolution {
    const resolution = new HostResolution(hostName);
    logRejection(log, receiver.resolutionBegan(resolution));
    const { lookup } = process.getBuiltinModule("node:dns"); // loads with the first name
    lookup(hostName, { all: true, verbatim: true, family: familyOf(addressTypes) }, (error, found) => {
      // A failed lookup is complete, without an address.
      for (const { address } of error ? [] : found) {
        callLogged(log, RECEIVER, () =>
          receiver.addressResolved(internetAddress(transportSemantics, address, portNumber)),
        );
      }
      callLogged(log, RECEIVER, () => receiver.resolutionComplete());
    });
    return resolution;
  }
}

/** A resolver of one address, for those who ask for all. */
@implementer(IHostnameResolver)
export class SimpleResolverComplexifier implements IHostnameResolver {
  readonly #simple: IResolverSimple;

  constructor(simple: IResolverSimple) {
    this.#simple = simple;
  }

  resolveHostName(
    receiver: IResolutionReceiver,
    hostName: string,
    { portNumber = 0, transportSemantics = "TCP" }: ResolveHostNameOptions = {},
  ): IHostResolution {
    const resolution = new HostResolution(hostName);
    logRejection(log, receiver.resolutionBegan(resolution));
    maybeDeferred(() => this.#simple.getHostByName(hostName))
      .addCallbacks(
        (address) =>
          callLogged(log, RECEIVER, () =>
            receiver.addressResolved(internetAddress(transportSemantics, address, portNumber)),
          ),
        (failure) =>
          log.debug("{name} has no address: {reason}", { name: hostName, reason: failure.getErrorMessage() }),
      )
      .addBoth(() => callLogged(log, RECEIVER, () => receiver.resolutionComplete()));
    return resolution;
  }
}

/** A resolver of all addresses, for those who ask for one of IPv4. */
@implementer(IResolverSimple)
export class ComplexResolverSimplifier implements IResolverSimple {
  readonly #nameResolver: IHostnameResolver;

  constructor(nameResolver: IHostnameResolver) {
    this.#nameResolver = nameResolver;
  }

  getHostByName(name: string): Deferred<string> {
    const found = new Deferred<string>();
    const receiver = new FirstAddress((address) => {
      if (found.called) return;
      if (address === null) found.errback(new DNSLookupError(`no address for ${JSON.stringify(name)}`));
      else found.callback(address.host);
    });
    guarded(
      () => this.#nameResolver.resolveHostName(receiver, name, { addressTypes: ["IPv4"] }),
      (error) => {
        if (found.called) logFailed(log, "a resolver", error);
        else found.errback(error);
      },
    );
    return found;
  }
}

/** Tells the first address, or null when there is none. */
class FirstAddress implements IResolutionReceiver {
  readonly #tell: (address: IPv4Address | IPv6Address | null) => void;
  #told = false;

  constructor(tell: (address: IPv4Address | IPv6Address | null) => void) {
    this.#tell = tell;
  }

  resolutionBegan(): void {}

  addressResolved(address: IAddress): void {
    if (this.#told) return;
    this.#told = true;
    this.#tell(address as IPv4Address | IPv6Address);
  }

  resolutionComplete(): void {
    if (!this.#told) this.#tell(null);
  }
}

function familyOf(types: readonly AddressType[] | null): 0 | 4 | 6 {
  if (types?.length !== 1) return 0;
  return types[0] === "IPv4" ? 4 : 6;
}
