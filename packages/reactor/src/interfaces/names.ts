/** Looking up names. */
import { type InterfaceToken, interfaceToken } from "../components.js";
import type { Deferred } from "../defer.js";
import type { IAddress } from "./values.js";

export type AddressType = "IPv4" | "IPv6";

/** Looks up one IPv4 address of a name. */
export interface IResolverSimple {
  /** Fails with DNSLookupError. `timeout`: seconds for each try, as far as the resolver tries several times. */
  getHostByName(name: string, options?: { timeout?: readonly number[] }): Deferred<string>;
}
export const IResolverSimple: InterfaceToken<IResolverSimple> = interfaceToken<IResolverSimple>(
  "IResolverSimple",
  [],
  ["getHostByName"],
);

/** One lookup. */
export interface IHostResolution {
  readonly name: string;
  /** @throws NotImplementedError if it cannot be cancelled */
  cancel(): void;
}

/** Hears of the addresses of a name as they are found. */
export interface IResolutionReceiver {
  resolutionBegan(resolution: IHostResolution): void;
  addressResolved(address: IAddress): void;
  /** Once; without an address before it the lookup has failed. */
  resolutionComplete(): void;
}
export const IResolutionReceiver: InterfaceToken<IResolutionReceiver> = interfaceToken<IResolutionReceiver>(
  "IResolutionReceiver",
  [],
  ["resolutionBegan", "addressResolved", "resolutionComplete"],
);

export interface ResolveHostNameOptions {
  /** Goes into the addresses. Default 0. */
  portNumber?: number;
  /** Null (default) is all. */
  addressTypes?: readonly AddressType[] | null;
  /** Goes into the addresses. Default "TCP". */
  transportSemantics?: "TCP" | "UDP";
}

/** Looks up all addresses of a name. */
export interface IHostnameResolver {
  resolveHostName(receiver: IResolutionReceiver, hostName: string, options?: ResolveHostNameOptions): IHostResolution;
}
export const IHostnameResolver: InterfaceToken<IHostnameResolver> = interfaceToken<IHostnameResolver>(
  "IHostnameResolver",
  [],
  ["resolveHostName"],
);

/** A reactor whose lookups of one address for a name can be replaced. */
export interface IReactorPluggableResolver {
  /** Returns the one before. */
  installResolver(resolver: IResolverSimple): IResolverSimple;
}
export const IReactorPluggableResolver: InterfaceToken<IReactorPluggableResolver> =
  interfaceToken<IReactorPluggableResolver>("IReactorPluggableResolver", [], ["installResolver"]);

/** A reactor whose name lookups can be replaced; installing either kind serves those who ask for the other too. */
export interface IReactorPluggableNameResolver extends IReactorPluggableResolver {
  readonly nameResolver: IHostnameResolver;
  /** Returns the one before. */
  installNameResolver(resolver: IHostnameResolver): IHostnameResolver;
}
export const IReactorPluggableNameResolver: InterfaceToken<IReactorPluggableNameResolver> =
  interfaceToken<IReactorPluggableNameResolver>(
    "IReactorPluggableNameResolver",
    [IReactorPluggableResolver],
    ["installNameResolver"],
  );
