/** A connection of an endpoint's own: made, secured, logged in, and closed behind the command. */
import { homedir } from "node:os";
import { join } from "node:path";
import { CancelledError, Deferred } from "@strombus/reactor/defer";
import { TCP4ClientEndpoint } from "@strombus/reactor/endpoints";
import type { Failure } from "@strombus/reactor/failure";
import { ConnectionLost } from "@strombus/reactor/error";
import { implementer, providedBy } from "@strombus/reactor/components";
import { type IReactorTCP, IReactorTime, type IStreamClientEndpoint } from "@strombus/reactor/interfaces";
import { connectionDone, Factory } from "@strombus/reactor/protocol";
import { SSHAgentClient } from "../client/agent.js";
import { algorithmsFor, type KnownHosts, verifyHost } from "../client/host-key.js";
import { KnownHostsFile, type KnownHostsUI } from "../client/known-hosts-file.js";
import { terminalUI } from "../client/terminal.js";
import { ConchError } from "../error.js";
import { peerLog } from "../peer-log.js";
import { SSHConnection } from "../ssh/connection.js";
import type { Key } from "../ssh/keys.js";
import { SSHClientTransport } from "../ssh/transport.js";
import { log } from "../userauth/events.js";
import { ISSHConnectionCreator } from "./creator.js";
import { EndpointLogin } from "./login.js";

/** The server did not let us in. */
export class AuthenticationFailed extends Error {
  override readonly name = "AuthenticationFailed";
  readonly code = "ERR_SSH_AUTHENTICATION_FAILED";
}

export interface NewConnectionOptions {
  /** 22 by default. */
  readonly port?: number;
  /** Private keys, in the order in which they are offered. */
  readonly keys?: readonly Key[] | null;
  readonly password?: string | null;
  /** Where an agent listens; its keys are offered before `keys`. */
  readonly agentEndpoint?: IStreamClientEndpoint | null;
  /** Or the path of a file of them; by default `~/.ssh/known_hosts`. */
  readonly knownHosts?: KnownHosts | string | null;
  /** Who is asked about unknown hosts; by default who sits at the terminal, and without one the answer is no. */
  readonly ui?: KnownHostsUI | null;
}

@implementer(ISSHConnectionCreator)
export class NewConnection implements ISSHConnectionCreator {
  readonly port: number;
  readonly keys: readonly Key[];
  readonly password: string | null;
  readonly agentEndpoint: IStreamClientEndpoint | null;
  readonly knownHosts: KnownHosts;
  readonly ui: KnownHostsUI;

  constructor(
    readonly reactor: IReactorTCP,
    readonly hostname: string,
    readonly command: string,
    readonly username: string,
    options: NewConnectionOptions = {},
  ) {
    this.port = options.port ?? 22;
    this.keys = [...(options.keys ?? [])];
    this.password = options.password ?? null;
    this.agentEndpoint = options.agentEndpoint ?? null;
    const knownHosts = options.knownHosts ?? join(homedir(), ".ssh", "known_hosts");
    this.knownHosts = typeof knownHosts === "string" ? KnownHostsFile.fromPath(knownHosts) : knownHosts;
    this.ui = options.ui ?? terminalUI();
  }

  secureConnection(): Deferred<SSHConnection> {
    const transport = new EndpointTransport(this);
    return new TCP4ClientEndpoint(this.reactor, this.hostname, this.port)
      .connect(Factory.forProtocol(() => transport))
      .addCallback(() => transport.connectionReady);
  }

  cleanupConnection(connection: SSHConnection, immediate: boolean): void {
    const transport = connection.transport as EndpointTransport | null;
    if (immediate) transport?.abort();
    else transport?.loseConnection();
  }
}

/** How far a connection has come, which is what its loss means to who waits for it. */
type Phase = "starting" | "securing" | "authenticating" | "running";

export class EndpointTransport extends SSHClientTransport {
  /** Fires with the connection once the server has let us in. */
  readonly connectionReady = new Deferred<SSHConnection>((deferred) => {
    deferred.errback(new CancelledError("the Deferred was cancelled"));
    this.abort();
  });
  readonly creator: NewConnection;
  #phase: Phase = "starting";
  /** Why the host was refused. */
  #refusal: Failure | null = null;
  #agent: SSHAgentClient | null = null;

  constructor(creator: NewConnection) {
    super();
    this.creator = creator;
    const { knownHosts, hostname, port, reactor } = creator;
    if (providedBy(IReactorTime, reactor)) this.clock = reactor;
    this.supportedPublicKeys = algorithmsFor(knownHosts, { hostname, port }, this.supportedPublicKeys);
  }

  override verifyHostKey(hostKey: Buffer, _fingerprint: string): Deferred<boolean> {
    this.#phase = "securing";
    const { knownHosts, ui, hostname, port } = this.creator;
    const { address } = this.getPeer();
    const ip = (address as { host?: string }).host ?? hostname;
    return verifyHost(knownHosts, ui, { hostname, ip, port }, hostKey).addErrback((failure: Failure) => {
      this.#refusal = failure;
      return failure;
    });
  }

  override connectionSecure(): void {
    this.#phase = "authenticating";
    this.hook(this.#logIn());
  }

  override connectionLost(reason: Failure = connectionDone): void {
    const { connectionReady } = this;
    const why = this.#whyLost(reason);
    super.connectionLost(reason);
    this.#agent?.transport?.loseConnection();
    if (!connectionReady.called) connectionReady.errback(why);
  }

  /** Drops the connection, whatever is still to be sent. */
  abort(): void {
    const stream = this.transport as { abortConnection?(): void; loseConnection(): void } | null;
    if (stream?.abortConnection) stream.abortConnection();
    else stream?.loseConnection();
  }

  async #logIn(): Promise<void> {
    const { username, keys, password } = this.creator;
    this.#agent = await this.#connectAgent();
    if (this.disconnection !== null || this.connectionReady.called) {
      this.#agent?.transport?.loseConnection(); // it came too late
      return;
    }
    const connection = new ReadyConnection(() => {
      this.#phase = "running";
      this.connectionReady.callback(connection);
    });
    this.requestService(new EndpointLogin(username, connection, { keys, password, agent: this.#agent }));
  }

  /** Without an agent it goes on. */
  async #connectAgent(): Promise<SSHAgentClient | null> {
    const { agentEndpoint } = this.creator;
    if (agentEndpoint === null) return null;
    const agent = new SSHAgentClient();
    try {
      await agentEndpoint.connect(Factory.forProtocol(() => agent));
      return agent;
    } catch (error) {
      peerLog(log, this).info("no agent: {why}", { why: String(error) });
      return null;
    }
  }

  #whyLost(reason: Failure): unknown {
    const { disconnection } = this;
    const told =
      disconnection === null ? null : new ConchError(disconnection.text, disconnection.code, { cause: reason.value });
    switch (this.#phase) {
      case "starting":
        return told ?? reason;
      case "securing":
        return this.#refusal ?? told ?? reason;
      case "authenticating":
        return new AuthenticationFailed("Connection lost while authenticating", { cause: told ?? reason.value });
      case "running":
        return new ConnectionLost("the connection ended", reason.value);
    }
  }
}

/** Tells when it begins. */
class ReadyConnection extends SSHConnection {
  readonly #begun: () => void;

  constructor(begun: () => void) {
    super();
    this.#begun = begun;
  }

  override serviceStarted(): void {
    super.serviceStarted();
    this.#begun();
  }
}
