/** Users for whom their host speaks (RFC 4252 section 9). */
import { lookup } from "node:dns/promises";
import type { ICredentialsChecker } from "@strombus/cred/checkers";
import { type ICredentials, ISSHHostBased } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import type { InterfaceToken } from "@strombus/reactor/components";
import { plainAddress } from "../permissions/source.js";
import type { Key } from "../ssh/keys.js";
import { addressOf } from "../userauth/scope.js";

export interface HostBasedCheckerOptions {
  /** Whether a user of a host may log in as this user; by default when both have the same name, as with `shosts.equiv`. */
  readonly mayLogIn?: (hostname: string, clientUsername: string, username: string) => boolean | PromiseLike<boolean>;
  /** The addresses that a host may come from; by default those that its name has. */
  readonly addressesOf?: (hostname: string) => Iterable<string> | PromiseLike<Iterable<string>>;
}

/**
 * Lets in whom a known host vouches for: the signature is by that host's key, the connection comes from that host, and the
 * user there may be the user here.
 *
 * ```ts
 * new HostBasedChecker({ "build.example": [Key.fromFile("build.pub")] });
 * ```
 */
export class HostBasedChecker implements ICredentialsChecker {
  readonly credentialInterfaces: readonly InterfaceToken[] = [ISSHHostBased];
  readonly #hosts: ReadonlyMap<string, Iterable<Key>>;
  readonly #options: Required<HostBasedCheckerOptions>;

  /** @param hosts the keys of the hosts that are believed, by name in lower case */
  constructor(
    hosts: ReadonlyMap<string, Iterable<Key>> | Readonly<Record<string, Iterable<Key>>>,
    options: HostBasedCheckerOptions = {},
  ) {
    this.#hosts = new Map(hosts instanceof Map ? hosts : Object.entries(hosts));
    this.#options = { mayLogIn: sameName, addressesOf: resolved, ...options };
  }

  /** @returns the user name; fails with UnauthorizedLogin */
  async requestAvatarId(credentials: ICredentials): Promise<string> {
    const { username, blob, hostname, clientUsername, sigData, signature } = credentials as ISSHHostBased;
    const host = hostname.toLowerCase().replace(/\.$/, "");
    const key = [...(this.#hosts.get(host) ?? [])].find((each) => each.blob().equals(blob));
    if (key?.public().verify(signature, sigData) !== true) throw new UnauthorizedLogin("not signed by a known host");
    const address = addressOf(credentials);
    const addresses = [...(await this.#options.addressesOf(host))].map(plainAddress);
    if (address === null || !addresses.includes(plainAddress(address))) {
      throw new UnauthorizedLogin("the connection does not come from that host");
    }
    const may: unknown = await this.#options.mayLogIn(host, clientUsername, username);
    if (may !== true) throw new UnauthorizedLogin("that host's user may not log in as this one");
    return username;
  }
}

function sameName(_hostname: string, clientUsername: string, username: string): boolean {
  return clientUsername === username;
}

async function resolved(hostname: string): Promise<string[]> {
  try {
    return (await lookup(hostname, { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}
