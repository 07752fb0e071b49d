/** Connections straight to the server (twisted.conch.client.direct). */
import { reactor as processReactor } from "@strombus/reactor";
import { providedBy } from "@strombus/reactor/components";
import { CancelledError, Deferred, maybeDeferred } from "@strombus/reactor/defer";
import type { Failure } from "@strombus/reactor/failure";
import { type IConnector, type IReactorTCP, IReactorTime } from "@strombus/reactor/interfaces";
import { ClientFactory, connectionDone, type Factory } from "@strombus/reactor/protocol";
import { ConchError } from "../error.js";
import { SSHClientTransport as ClientTransport, type TransportService } from "../ssh/transport.js";
import type { ConchOptions } from "./options.js";
import { shownLines } from "./shown.js";

/** As `client/default` has it: throws or rejects for another host than it should be, or answers false. */
export type HostKeyVerifier = (
  transport: SSHClientTransport,
  host: string,
  pubKey: Buffer,
  fingerprint: string,
) => unknown;

/** `userAuthObject` is the service that logs in. */
export class SSHClientFactory extends ClientFactory {
  /** Fires when the user has logged in, or fails with what kept them from it. */
  readonly d: Deferred<null>;
  readonly options: ConchOptions;
  readonly verifyHostKey: HostKeyVerifier;
  readonly userAuthObject: TransportService;
  /** Of the transports, where it is one that tells the time. */
  readonly #reactor: IReactorTCP;
  /** Somebody has logged in on the connection that there is, or was last. */
  #loggedIn = false;

  constructor(
    d: Deferred<null>,
    options: ConchOptions,
    verifyHostKey: HostKeyVerifier,
    userAuthObject: TransportService,
    reactor: IReactorTCP = processReactor,
  ) {
    super();
    this.d = d;
    this.options = options;
    this.verifyHostKey = verifyHostKey;
    this.userAuthObject = userAuthObject;
    this.#reactor = reactor;
  }

  override clientConnectionFailed(_connector: IConnector, reason: Failure): void {
    tellFailure(this.d, reason);
  }

  /** With the option `reconnect` it connects again, unless the login was what failed. */
  override clientConnectionLost(connector: IConnector, reason: Failure): void {
    tellFailure(this.d, reason);
    if (!this.options.isSet("reconnect") || !this.#loggedIn) return;
    this.#loggedIn = false;
    connector.connect();
  }

  override buildProtocol(): SSHClientTransport {
    const { options } = this;
    const transport = new SSHClientTransport(this);
    if (providedBy(IReactorTime, this.#reactor)) transport.clock = this.#reactor;
    transport.supportedCiphers = options.names("ciphers") ?? transport.supportedCiphers;
    transport.supportedMACs = options.names("macs") ?? transport.supportedMACs;
    transport.supportedPublicKeys = options.names("host-key-algorithms") ?? transport.supportedPublicKeys;
    if (options.isSet("compress")) {
      transport.supportedCompressions = ["zlib@openssh.com", "zlib", ...transport.supportedCompressions];
    }
    return transport;
  }

  /** The login is done. Called by the transport. */
  loggedIn(): void {
    this.#loggedIn = true;
  }
}

/** The login has failed; what comes behind that, or behind a login, has no meaning. */
function tellFailure(d: Deferred<null> | null, reason: unknown): void {
  if (d?.called === false) d.errback(reason);
}

/** What a transport needs of its factory, which may be of a program's own, such as one that reconnects in its own way. */
type TransportFactory = Factory &
  Pick<SSHClientFactory, "options" | "verifyHostKey" | "userAuthObject"> &
  Partial<Pick<SSHClientFactory, "loggedIn">> & { readonly d: Deferred<null> | null };

/** The transport of `connect`: verifies the host as it is told, and asks for the login. */
export class SSHClientTransport extends ClientTransport {
  override readonly factory: TransportFactory;
  /** Something that listens as long as the connection lasts. */
  unixServer: { stopListening(): unknown } | null = null;

  constructor(factory: TransportFactory) {
    super();
    this.factory = factory;
  }

  override verifyHostKey(hostKey: Buffer, fingerprint: string): Deferred {
    const { address } = this.getPeer();
    const host = (address as { readonly host?: string }).host ?? "";
    return maybeDeferred(() => this.factory.verifyHostKey(this, host, hostKey, fingerprint)).addErrback(
      (failure: Failure) => {
        tellFailure(this.factory.d, failure); // tells more than the DISCONNECT that comes of it
        return failure;
      },
    );
  }

  override connectionSecure(): void {
    this.requestService(this.factory.userAuthObject);
  }

  override setService(service: TransportService): void {
    super.setService(service);
    if (service.name === "ssh-userauth") return;
    const { factory } = this;
    factory.loggedIn?.();
    if (factory.d?.called === false) factory.d.callback(null);
  }

  override receiveError(reasonCode: number, description: string): void {
    super.receiveError(reasonCode, description);
    tellFailure(this.factory.d, new ConchError(description, reasonCode));
  }

  override sendDisconnect(reason: number, desc: string): void {
    super.sendDisconnect(reason, desc);
    tellFailure(this.factory.d, new ConchError(desc, reason));
  }

  override receiveDebug(alwaysDisplay: boolean, message: string, lang: string): void {
    super.receiveDebug(alwaysDisplay, message, lang);
    if (alwaysDisplay) process.stderr.write(`Remote Debug Message: ${shownLines(message)}\n`);
  }

  override connectionLost(reason: Failure = connectionDone): void {
    this.hook(this.unixServer?.stopListening());
    this.unixServer = null;
    super.connectionLost(reason);
    tellFailure(this.factory.d, reason);
  }
}

/**
 * Connects, verifies the host and logs in.
 *
 * @param userAuthObject the service that logs in, whose `instance` runs then
 * @returns what fires with null when it runs, and can be cancelled; fails with what verifying the host failed with,
 *   ConchError when either side disconnects, and the errors of the network.
 */
export function connect(
  host: string,
  port: number,
  options: ConchOptions,
  verifyHostKey: HostKeyVerifier,
  userAuthObject: TransportService,
  reactor: IReactorTCP = processReactor,
): Deferred<null> {
  const d = new Deferred<null>((deferred) => {
    deferred.errback(new CancelledError("the Deferred was cancelled"));
    connector.disconnect();
  });
  const factory = new SSHClientFactory(d, options, verifyHostKey, userAuthObject, reactor);
  const connector = reactor.connectTCP(host, port, factory);
  return d;
}
