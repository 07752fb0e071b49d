/** Our server of the interop tables: on each port a choice of algorithms of its own. */
import { getDiffieHellman } from "node:crypto";
import { ConchUser } from "@strombus/conch/avatar";
import { InMemorySSHKeyDB, SSHPublicKeyChecker } from "@strombus/conch/checkers";
import { IConchUser } from "@strombus/conch/interfaces";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { getNS } from "@strombus/conch/ssh/common";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import type { Key } from "@strombus/conch/ssh/keys";
import { SSHServerTransport } from "@strombus/conch/ssh/transport";
import { InMemoryUsernamePasswordDatabaseDontUse } from "@strombus/cred/checkers";
import { Portal } from "@strombus/cred/portal";
import { reactor } from "@strombus/reactor";
import type { IAddress, IProtocol } from "@strombus/reactor/interfaces";
import { COMMON, type Lists } from "./interop-algorithms.js";
import { type Keys, makeKeys } from "./interop-keys.js";
import { type PeerOffer, readOffer } from "./interop-offer.js";
import { COMMAND, PASSWORD, STATUS, USER } from "./interop-talk.js";

/** Runs the one command that there is. */
class CommandSession extends SSHChannel {
  override name = "session";

  request_exec(data: Buffer) {
    const [command] = getNS(data);
    return command.toString() === COMMAND;
  }

  override dataReceived(data: Buffer) {
    this.write(data);
  }

  override eofReceived() {
    const status = Buffer.alloc(4);
    status.writeUInt32BE(STATUS);
    this.conn?.sendRequest(this, "exit-status", status);
    this.loseConnection();
  }
}

class Transport extends SSHServerTransport {
  /** Told what each client offers. */
  onOffer: (offer: PeerOffer) => void = () => {};
  exchanges = 0;

  override sendKexInit() {
    this.exchanges++;
    super.sendKexInit();
  }

  override ssh_KEXINIT(packet: Buffer) {
    if (this.sessionID === null) this.onOffer(readOffer(this.otherVersionString, packet));
    return super.ssh_KEXINIT(packet);
  }
}

export type InteropTransport = Transport;

class Factory extends SSHFactory {
  override protocol = Transport;

  constructor(
    readonly lists: Lists,
    readonly onOffer: (offer: PeerOffer) => void,
    readonly onTransport: (transport: InteropTransport) => void,
  ) {
    super();
  }

  override buildProtocol(addr: IAddress): IProtocol | null {
    const transport = super.buildProtocol(addr) as Transport;
    transport.supportedKeyExchanges = this.lists.kex;
    transport.supportedPublicKeys = this.lists.hostKey;
    transport.supportedCiphers = this.lists.cipher;
    transport.supportedMACs = this.lists.mac;
    transport.supportedCompressions = this.lists.compression;
    transport.supportedUserKeyAlgorithms = this.lists.login.filter((name) => name !== "password");
    transport.onOffer = this.onOffer;
    this.onTransport(transport);
    return transport;
  }
}

/** For group exchange, by bits: the groups of RFC 3526. */
const PRIMES = new Map(
  ([2048, 3072, 4096, 6144, 8192] as const).map((bits, index) => {
    const prime = getDiffieHellman(`modp${14 + index}`).getPrime("hex");
    return [bits, [[2n, BigInt(`0x${prime}`)] as const]] as const;
  }),
);

export class InteropServer {
  readonly hostKeys: Keys = makeKeys("host");
  readonly #portal: Portal;
  readonly #userKeys: Key[];

  constructor(userKeys: Keys) {
    this.#portal = new Portal({
      requestAvatar() {
        const user = new ConchUser();
        user.channelLookup["session"] = CommandSession;
        return [IConchUser, user, () => {}] as const;
      },
    });
    this.#portal.registerChecker(new InMemoryUsernamePasswordDatabaseDontUse({ [USER]: PASSWORD }));
    this.#userKeys = [...userKeys.values()].map((key) => key.public());
    this.#portal.registerChecker(new SSHPublicKeyChecker(new InMemorySSHKeyDB({ [USER]: this.#userKeys })));
  }

  /** The user logs in by this key too, which a client has made for itself. */
  authorize(key: Key): void {
    this.#userKeys.push(key);
  }

  /** Serves these algorithms, and no others, while `use` runs. */
  async offering<T>(
    lists: Lists,
    use: (port: number) => Promise<T>,
    { onOffer = (_: PeerOffer) => {}, onTransport = (_: InteropTransport) => {} } = {},
  ): Promise<T> {
    const factory = new Factory(lists, onOffer, onTransport);
    factory.privateKeys = Object.fromEntries(this.hostKeys);
    factory.publicKeys = Object.fromEntries([...this.hostKeys].map(([format, key]) => [format, key.public()]));
    factory.portal = this.#portal;
    factory.primes = PRIMES;
    const listening = reactor.listenTCP(0, factory, { interface: "127.0.0.1" });
    try {
      return await use((listening.getHost() as IAddress & { readonly port: number }).port);
    } finally {
      await listening.stopListening();
    }
  }

  /** What a client offers when it is run as `use` does. */
  async offerOf(use: (port: number) => Promise<unknown>): Promise<PeerOffer> {
    let offer: PeerOffer | undefined;
    await this.offering(COMMON, use, { onOffer: (each) => (offer = each) });
    if (offer === undefined) throw new Error("the client told nothing of what it has");
    return offer;
  }
}
