/** The server's side of the transport: host keys, the answers of a key exchange, services on request. */
import type { Factory } from "@strombus/reactor/protocol";
import { KeyExchangeError } from "../error.js";
import { KexPairInit, KexPairReply } from "../messages/kex.js";
import { ServiceAccept, ServiceRequest } from "../messages/transport.js";
import { DEFAULT_USER_KEY_ALGORITHMS } from "./algorithms.js";
import { SSHTransportBase, type Exchange, type TransportService } from "./base.js";
import { DISCONNECT_SERVICE_NOT_AVAILABLE, MSG_KEX_DH_GEX_REQUEST_OLD } from "./constants.js";

/** The private half of a host key. Signing may take its time: the key may live in an agent or an HSM. */
export interface HostKeySigner {
  sign(data: Buffer, algorithm?: string): Buffer | PromiseLike<Buffer>;
}

/** The public half of a host key: its blob is what the client is shown. */
export interface HostPublicKey {
  blob(): Buffer;
}

/** What a server's transport asks of its factory; SSHFactory is one. */
export interface ServerTransportFactory extends Factory {
  readonly publicKeys: Readonly<Record<string, HostPublicKey>> | null;
  readonly privateKeys: Readonly<Record<string, HostKeySigner>> | null;
  getService(transport: SSHServerTransport, name: string): (new () => TransportService) | null;
}

/** The key format of a host key algorithm: RSA's has three algorithms. */
const formats = new Map([
  ["rsa-sha2-256", "ssh-rsa"],
  ["rsa-sha2-512", "ssh-rsa"],
]);

export class SSHServerTransport extends SSHTransportBase {
  declare factory: ServerTransportFactory | null;
  override isClient = false;
  /** Signature algorithms that users may log in with, told to them as `server-sig-algs`. */
  supportedUserKeyAlgorithms: readonly string[] = DEFAULT_USER_KEY_ALGORITHMS;

  /** @throws KeyExchangeError if the factory has no such key. */
  _getHostKeys(keyAlg: string): [publicKey: HostPublicKey, privateKey: HostKeySigner] {
    const format = formats.get(keyAlg) ?? keyAlg;
    const publicKey = own(this.factory?.publicKeys, format);
    const privateKey = own(this.factory?.privateKeys, format);
    if (publicKey === null || privateKey === null) throw new KeyExchangeError(`there is no host key for ${keyAlg}`);
    return [publicKey, privateKey];
  }

  /** 30: the client's value. The name is Conch's, for the message that first had this number. */
  ssh_KEX_DH_GEX_REQUEST_OLD(packet: Buffer): void {
    const exchange = this.turnOf(MSG_KEX_DH_GEX_REQUEST_OLD);
    if (exchange === null) return;
    const { keyExchange, hostKey } = exchange.algorithms;
    const clientValue = KexPairInit.decode(packet).value;
    const { value: serverValue, secret } = keyExchange.respond(clientValue);
    const [publicKey, privateKey] = this._getHostKeys(hostKey);
    const blob = publicKey.blob();
    const hash = this.hashOf(exchange, { hostKey: blob, clientValue, serverValue, secret });
    const finish = (signature: Buffer): void => {
      this.sendPacket(KexPairReply.number, KexPairReply.encode({ hostKey: blob, value: serverValue, signature }));
      this.keySetup(exchange, secret, hash);
    };
    const signature = privateKey.sign(hash, hostKey);
    if (Buffer.isBuffer(signature)) finish(signature);
    else void this.suspend(signature, finish);
  }

  ssh_SERVICE_REQUEST(packet: Buffer): void {
    const { service: name } = ServiceRequest.decode(packet);
    const accept = (): void => this.sendPacket(ServiceAccept.number, ServiceAccept.encode({ service: name }));
    // Asked for again, as Paramiko does, it goes on as it stands.
    if (this.service?.name === name) return accept();
    const service = this.factory?.getService(this, name) ?? null;
    if (service === null) {
      this.sendDisconnect(DISCONNECT_SERVICE_NOT_AVAILABLE, `don't have service ${JSON.stringify(name.slice(0, 64))}`);
      return;
    }
    accept();
    this.setService(new service());
  }

  protected override exchangeBegun(_exchange: Exchange): void {}

  protected override keysChanged(_first: boolean): void {}

  /** After the first NEWKEYS alone, and as the packet right behind it (RFC 8308 section 2.4). */
  protected override ownKeysChanged(): void {
    if (this.incoming.protection !== null) return;
    this.sendExtInfo([
      ["server-sig-algs", this.supportedUserKeyAlgorithms.join(",")],
      ["publickey-hostbound@openssh.com", "0"],
      ["ping@openssh.com", "0"],
    ]);
  }
}

function own<T>(table: Readonly<Record<string, T>> | null | undefined, key: string): T | null {
  return table != null && Object.hasOwn(table, key) ? table[key]! : null;
}
