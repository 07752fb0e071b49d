/** The client's side of the transport: begins the exchange, verifies the host key, asks for services. */
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { Failure } from "@strombus/reactor/failure";
import { Logger } from "@strombus/reactor/logger";
import { HostKeyError, KeyExchangeError, ProtocolError } from "../error.js";
import { GroupExchange, MAX_GROUP_BITS, MIN_GROUP_BITS } from "../kex/group-exchange.js";
import type { Pair } from "../kex/method.js";
import { Certificate } from "../keys/certificate.js";
import { KexGroup, KexGroupInit, KexGroupReply, KexGroupRequest, KexPairInit, KexPairReply } from "../messages/kex.js";
import { ServiceAccept, ServiceRequest } from "../messages/transport.js";
import { Key } from "../ssh/keys.js";
import { keep } from "../wire/writer.js";
import { fingerprint, FingerprintFormats } from "../keys/fingerprint.js";
import { DEFAULT_CLIENT_MACS } from "./algorithms.js";
import { SSHTransportBase, type Exchange, type TransportService } from "./base.js";
import { MSG_KEX_DH_GEX_GROUP, MSG_KEX_DH_GEX_REPLY } from "./constants.js";
import { hostKeyAlgorithm, MIN_RSA_HOST_KEY_BITS } from "./host-key-algorithms.js";
import {
  decodeStrings,
  encodeStrings,
  HOSTKEYS,
  HOSTKEYS_PROVE,
  keysAreProven,
  type GlobalRequestAnswer,
} from "./host-keys.js";

const log = new Logger({ namespace: "strombus.conch.ssh.transport" });

/** What the service that runs after a login can do here. */
interface Connection {
  sendGlobalRequest(request: string, data: Buffer, wantReply: true): PromiseLike<Buffer> | null;
}

/** A client's side of one connection. A subclass has `verifyHostKey`, and asks for a service in `connectionSecure`. */
export class SSHClientTransport extends SSHTransportBase {
  override isClient = true;
  override supportedMACs: readonly string[] = DEFAULT_CLIENT_MACS;
  /** Require the host key's signature to be made with the algorithm that was negotiated, and the key to fit it. */
  checkHostKeyAlgorithm = true;
  /** Bits of the smallest RSA host key to believe. */
  minimumRSAHostKeySize = MIN_RSA_HOST_KEY_BITS;
  /** Bits of the group that a group exchange asks for; a group of a size outside is refused. */
  _dhMinimalGroupSize = MIN_GROUP_BITS;
  _dhPreferredGroupSize = 3072;
  _dhMaximalGroupSize = MAX_GROUP_BITS;
  /** The host's signature of the session identifier: what shows others that this connection leads there. */
  hostKeySignature: Buffer | null = null;
  #instance: TransportService | null = null;
  #hostKeysTold = false;

  /**
   * Is this the host that it should be? Resolve if so, throw or reject if not; of values, `false` alone says no. Asked
   * once: a rekey must show the same key. The fingerprint is MD5 in pairs of hexadecimal digits with colons.
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

  /** 31: the server's value, or in a group exchange the group, to which our value is the answer. */
  ssh_KEX_DH_GEX_GROUP(packet: Buffer): void {
    const exchange = this.turnOf(MSG_KEX_DH_GEX_GROUP);
    if (exchange === null) return;
    if (exchange.group === null) return this.#finish(exchange, KexPairReply.decode(packet));
    const { prime, generator } = KexGroup.decode(packet);
    exchange.group.agree(prime, generator, { min: this._dhMinimalGroupSize, max: this._dhMaximalGroupSize });
    this.#sendValue(exchange, exchange.group.pair, KexGroupInit);
    exchange.expects = [MSG_KEX_DH_GEX_REPLY];
  }

  /** 33: the server's value, in the group that it chose. */
  ssh_KEX_DH_GEX_REPLY(packet: Buffer): void {
    const exchange = this.turnOf(MSG_KEX_DH_GEX_REPLY);
    if (exchange !== null) this.#finish(exchange, KexGroupReply.decode(packet));
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

  /**
   * The server names its host keys, the one in use among them (OpenSSH's PROTOCOL 2.5). Those that are given back, or
   * promised, are asked to be proven. A hook; by default none is.
   */
  hostKeysAnnounced(_blobs: readonly Buffer[]): readonly Buffer[] | PromiseLike<readonly Buffer[]> {
    return [];
  }

  /** The server has these host keys, which may be remembered for it. A hook. */
  hostKeysProven(_blobs: readonly Buffer[]): unknown {
    return undefined;
  }

  override gotGlobalRequest(requestType: string, data: Buffer): GlobalRequestAnswer | null {
    if (requestType !== HOSTKEYS) return null;
    const blobs = decodeStrings(data);
    if (!this.#hostKeysTold) {
      this.#hostKeysTold = true;
      this.#learnHostKeys(blobs).catch((error: unknown) => log.failure("no host key learned", new Failure(error)));
    }
    return true;
  }

  protected override exchangeBegun(exchange: Exchange): void {
    const { keyExchange } = exchange.algorithms;
    if (keyExchange.kind === "groupExchange") {
      const request = KexGroupRequest.encode({
        min: this._dhMinimalGroupSize,
        preferred: this._dhPreferredGroupSize,
        max: this._dhMaximalGroupSize,
      });
      exchange.group = new GroupExchange(request);
      this.sendPacket(KexGroupRequest.number, request);
    } else {
      this.#sendValue(exchange, keyExchange, KexPairInit);
    }
    exchange.expects = [MSG_KEX_DH_GEX_GROUP];
  }

  protected override keysChanged(first: boolean): void {
    if (first) this.hook(this.connectionSecure());
  }

  /** News during login is welcome (OpenSSH's PROTOCOL on ext-info-in-auth). */
  protected override ownKeysChanged(first: boolean): void {
    if (first) this.sendExtInfo([["ext-info-in-auth@openssh.com", "0"]]);
  }

  async #learnHostKeys(announced: readonly Buffer[]): Promise<void> {
    const wanted = await this.hostKeysAnnounced(announced);
    const connection = this.service as Partial<Connection> | null;
    const asked =
      wanted.length === 0 ? null : connection?.sendGlobalRequest?.(HOSTKEYS_PROVE, encodeStrings(wanted), true);
    if (asked == null) return;
    if (!keysAreProven(wanted, this.sessionID!, await asked)) throw new HostKeyError("host keys that are not proven");
    await this.hostKeysProven(wanted);
  }

  #sendValue(exchange: Exchange, pair: Pair, message: typeof KexPairInit | typeof KexGroupInit): void {
    const initiator = (exchange.initiator = pair.initiate());
    this.sendPacket(message.number, message.encode({ value: initiator.value }));
  }

  /** The server's last message of either kind. */
  #finish(exchange: Exchange, reply: ReturnType<typeof KexPairReply.decode>): void {
    const { hostKey, value: serverValue, signature } = reply;
    const initiator = exchange.initiator!;
    const clientValue = initiator.value;
    const secret = initiator.complete(serverValue);
    const prelude = exchange.group?.prelude;
    const hash = this.hashOf(exchange, { hostKey, prelude, clientValue, serverValue, secret });
    const blob = keep(hostKey);
    const signed = keep(signature);
    const finish = (): void => {
      this.hostKeyBlob = blob;
      this.#checkSignature(exchange.algorithms.hostKey, blob, signed, hash);
      this.hostKeySignature ??= signed;
      this.keySetup(exchange, secret, hash);
    };
    if (this.hostKeyBlob !== null) {
      if (!this.hostKeyBlob.equals(blob)) throw new HostKeyError("the host shows another key than before");
      return finish();
    }
    void this.suspend(this.#verified(blob), finish);
  }

  async #verified(blob: Buffer): Promise<void> {
    let answer: unknown;
    try {
      answer = await this.verifyHostKey(blob, fingerprint(blob, FingerprintFormats.MD5_HEX));
    } catch (cause) {
      throw new HostKeyError("bad host key", { cause });
    }
    if (answer === false) throw new HostKeyError("bad host key");
  }

  #checkSignature(algorithm: string, blob: Buffer, signature: Buffer, hash: Buffer): void {
    const { certified, signature: due } = hostKeyAlgorithm(algorithm);
    const key = hostKeyOf(blob, certified);
    if (this.checkHostKeyAlgorithm) {
      const named =
        signature.length >= 4 ? signature.subarray(4, 4 + signature.readUInt32BE(0)).toString("latin1") : "";
      if (named !== due || !key.supportedSignatureAlgorithms().includes(due)) {
        throw new KeyExchangeError("bad signature: not by the algorithm that was negotiated");
      }
    }
    if (key.type() === "RSA" && key.size() < this.minimumRSAHostKeySize) {
      throw new HostKeyError(`the host has an RSA key of ${key.size()} bits`);
    }
    if (!key.verify(signature, hash)) throw new KeyExchangeError("bad signature");
  }
}

/** @throws HostKeyError for what is no key: it is the host's fault, not ours. */
function hostKeyOf(blob: Buffer, certified: boolean): Key {
  try {
    return certified ? Certificate.fromString(blob).key : Key.fromString(blob, "blob");
  } catch (cause) {
    throw new HostKeyError("the host key cannot be read", { cause });
  }
}
