/** The client's side of the transport: begins the exchange, verifies the host key, asks for services. */
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { HostKeyError, KeyExchangeError, ProtocolError } from "../error.js";
import { KexPairInit, KexPairReply } from "../messages/kex.js";
import { ServiceAccept, ServiceRequest } from "../messages/transport.js";
import { Key } from "../ssh/keys.js";
import { md5Fingerprint, SSHTransportBase, type Exchange, type TransportService } from "./base.js";
import { MSG_KEX_DH_GEX_GROUP } from "./constants.js";

export class SSHClientTransport extends SSHTransportBase {
  override isClient = true;
  /** Require the host key's signature to be made with the algorithm that was negotiated, and the key to fit it. */
  checkHostKeyAlgorithm = true;
  #instance: TransportService | null = null;
  /** Verified in this connection: a rekey must show the same. */
  #hostKey: Buffer | null = null;

  /**
   * Is this the host that it should be? Resolve if so, throw or reject if not; the value does not count. Asked once: a
   * rekey must show the same key. The fingerprint is MD5 in pairs of hexadecimal digits with colons.
   */
  verifyHostKey(hostKey: Buffer, fingerprint: string): unknown {
    throw new NotImplementedError("verifyHostKey must be overridden");
  }

  /** The connection is encrypted and the host verified: ask for a service. Called once; a rekey changes keys only. */
  connectionSecure(): void {
    throw new NotImplementedError("connectionSecure must be overridden");
  }

  /** Asks the server to run a service; `instance` is started when it agrees. */
  requestService(instance: TransportService): void {
    this.#instance = instance;
    this.sendPacket(ServiceRequest.number, ServiceRequest.encode({ service: instance.name ?? "" }));
  }

  /** 31: the server's value. The name is Conch's, for another message with this number. */
  ssh_KEX_DH_GEX_GROUP(packet: Buffer): void {
    const exchange = this.turnOf(MSG_KEX_DH_GEX_GROUP);
    if (exchange === null) return;
    const { hostKey, value: serverValue, signature } = KexPairReply.decode(packet);
    const initiator = exchange.initiator!;
    const secret = initiator.complete(serverValue);
    const hash = this.hashOf(exchange, { hostKey, clientValue: initiator.value, serverValue, secret });
    const blob = Buffer.from(hostKey);
    const finish = (): void => {
      this.#hostKey = blob;
      this.#checkSignature(exchange.algorithms.hostKey, blob, Buffer.from(signature), hash);
      this.keySetup(exchange, secret, hash);
    };
    if (this.#hostKey !== null) {
      if (!this.#hostKey.equals(blob)) throw new HostKeyError("the host shows another key than before");
      return finish();
    }
    void this.suspend(this.#verified(blob), finish);
  }

  ssh_SERVICE_ACCEPT(packet: Buffer): void {
    const instance = this.#instance;
    // Some servers leave the name out.
    const name = packet.length === 0 ? instance?.name : ServiceAccept.decode(packet).service;
    if (instance === null || name !== instance.name) {
      throw new ProtocolError("received accept for service we did not request");
    }
    this.#instance = null;
    this.setService(instance);
  }

  protected override exchangeBegun(exchange: Exchange): void {
    this.sendPacket(KexPairInit.number, KexPairInit.encode({ value: exchange.initiator!.value }));
  }

  protected override keysChanged(first: boolean): void {
    if (first) this.connectionSecure();
  }

  async #verified(blob: Buffer): Promise<void> {
    try {
      await this.verifyHostKey(blob, md5Fingerprint(blob));
    } catch (cause) {
      throw new HostKeyError("bad host key", { cause });
    }
  }

  #checkSignature(algorithm: string, blob: Buffer, signature: Buffer, hash: Buffer): void {
    const key = Key.fromString(blob, "blob");
    if (this.checkHostKeyAlgorithm) {
      const named =
        signature.length >= 4 ? signature.subarray(4, 4 + signature.readUInt32BE(0)).toString("latin1") : "";
      if (named !== algorithm || !key.supportedSignatureAlgorithms().includes(algorithm)) {
        throw new KeyExchangeError("bad signature: not by the algorithm that was negotiated");
      }
    }
    if (!key.verify(signature, hash)) throw new KeyExchangeError("bad signature");
  }
}
