/** Our client of the interop tables: logs in, runs the command, and tells what came of it. */
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { NS } from "@strombus/conch/ssh/common";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import type { Key } from "@strombus/conch/ssh/keys";
import { SSHClientTransport } from "@strombus/conch/ssh/transport";
import { SSHUserAuthClient } from "@strombus/conch/ssh/userauth";
import { reactor } from "@strombus/reactor";
import type { Failure } from "@strombus/reactor/failure";
import type { IConnector, IProtocol } from "@strombus/reactor/interfaces";
import { ClientFactory } from "@strombus/reactor/protocol";
import { COMMON, type Lists } from "./interop-algorithms.js";
import { type Keys, keyFor } from "./interop-keys.js";
import { type PeerOffer, readOffer } from "./interop-offer.js";
import type { Outcome } from "./interop-table.js";
import { COMMAND, INPUT, PASSWORD, PATIENCE, type Talk } from "./interop-talk.js";

export interface Host {
  readonly port: number;
  readonly user: string;
  /** One of these it must show. */
  readonly hostKeys: Keys;
}

/** A connection of ours with these algorithms and no others. */
class Transport extends SSHClientTransport {
  offer: PeerOffer | null = null;
  /** What went wrong, in the words of whoever found it. */
  readonly complaints: string[] = [];
  exchanges = 0;

  constructor(
    readonly host: Host,
    lists: Lists,
    readonly secured: (transport: Transport) => void,
  ) {
    super();
    this.supportedKeyExchanges = lists.kex;
    this.supportedPublicKeys = lists.hostKey;
    this.supportedCiphers = lists.cipher;
    this.supportedMACs = lists.mac;
    this.supportedCompressions = lists.compression;
  }

  override ssh_KEXINIT(packet: Buffer) {
    this.offer ??= readOffer(this.otherVersionString, packet);
    return super.ssh_KEXINIT(packet);
  }

  override sendKexInit() {
    this.exchanges++;
    super.sendKexInit();
  }

  override verifyHostKey(hostKey: Buffer) {
    const known = [...this.host.hostKeys.values()].some((key) => key.blob().equals(hostKey));
    if (!known) throw new Error("the host shows a key that is not its own");
  }

  override connectionSecure() {
    this.secured(this);
  }

  override sendDisconnect(reason: number, description: string) {
    this.complaints.push(`we disconnect: ${description}`);
    super.sendDisconnect(reason, description);
  }

  override receiveError(reason: number, description: string) {
    this.complaints.push(`they disconnect: ${description}`);
    super.receiveError(reason, description);
  }
}

class Login extends SSHUserAuthClient {
  constructor(
    user: string,
    connection: SSHConnection,
    readonly algorithm: string,
    readonly key: Key | undefined,
  ) {
    super(user, connection);
    this.preferredOrder = [algorithm === "password" ? "password" : "publickey"];
  }

  override getPublicKey() {
    return this.key === undefined || this.lastPublicKey !== null ? null : this.key.public();
  }

  override getPrivateKey() {
    return this.key ?? null;
  }

  override getPassword() {
    return this.algorithm === "password" ? PASSWORD : null;
  }

  protected override signatureAlgorithm() {
    return this.algorithm;
  }
}

class Command extends SSHChannel {
  override name = "session";
  readonly output: Buffer[] = [];
  readonly errors: Buffer[] = [];
  status: number | null = null;

  constructor(readonly input: string) {
    super();
  }

  override async channelOpen() {
    const conn = this.conn!;
    await conn.sendRequest(this, "exec", NS(COMMAND), true);
    this.write(this.input);
    conn.sendEOF(this);
  }

  override dataReceived(data: Buffer) {
    this.output.push(Buffer.from(data));
  }

  override extReceived(_type: number, data: Buffer) {
    this.errors.push(Buffer.from(data));
  }

  request_exit_status(data: Buffer) {
    this.status = data.readUInt32BE();
    return true;
  }

  override closed() {
    this.conn?.transport?.loseConnection();
  }
}

class Factory extends ClientFactory {
  constructor(
    readonly transport: Transport,
    readonly ended: () => void,
    readonly failed: (error: unknown) => void,
  ) {
    super();
  }

  override buildProtocol(): IProtocol {
    return this.transport;
  }

  override clientConnectionFailed(_: IConnector, reason: Failure) {
    this.failed(reason.value);
  }

  override clientConnectionLost() {
    this.ended();
  }
}

/** Logs in by the one login of `lists`, and runs the command. */
export async function runOurClient(
  host: Host,
  lists: Lists,
  userKeys: Keys,
  talk: Talk = {},
): Promise<Outcome & { readonly exchanges: number }> {
  const [algorithm = ""] = lists.login;
  const key = keyFor(userKeys, algorithm);
  return runLogin(host, lists, (connection) => new Login(host.user, connection, algorithm, key), talk);
}

/** Logs in by a client's service that is made for the connection, and runs the command. */
export async function runLogin(
  host: Host,
  lists: Lists,
  login: (connection: SSHConnection) => SSHUserAuthClient,
  { input = INPUT, rekeyBytes }: Talk = {},
): Promise<Outcome & { readonly exchanges: number }> {
  const command = new Command(input);
  const transport = new Transport(host, lists, (secured) => {
    const connection = new SSHConnection();
    connection.serviceStarted = () => void connection.openChannel(command);
    secured.requestService(login(connection));
  });
  if (rekeyBytes !== undefined) transport.rekeyBytes = rekeyBytes;
  await untilEnd(transport);
  const log = [...transport.complaints, Buffer.concat(command.errors).toString()].join("; ");
  const output = Buffer.concat(command.output).toString("latin1");
  return { output, status: command.status, log, exchanges: transport.exchanges };
}

/** What a server has: its KEXINIT, and the user keys of its `server-sig-algs` (RFC 8308 section 3.1). */
export async function askServer(host: Host): Promise<Lists & { readonly version: string }> {
  let signatures = "";
  const transport = new Transport(host, COMMON, (secured) => {
    const nothing = new SSHConnection();
    const login = new SSHUserAuthClient(host.user, nothing);
    login.serviceStarted = () => {
      signatures = secured.peerExtensions.get("server-sig-algs")?.toString("latin1") ?? "";
      secured.loseConnection();
    };
    secured.requestService(login);
  });
  await untilEnd(transport);
  if (transport.offer === null) throw new Error("the server told nothing of what it has");
  return { ...transport.offer, login: ["password", ...signatures.split(",")] };
}

async function untilEnd(transport: Transport): Promise<void> {
  const late = setTimeout(() => transport.loseConnection(), PATIENCE * 1000);
  await new Promise<void>((ended, failed) => {
    reactor.connectTCP("127.0.0.1", transport.host.port, new Factory(transport, ended, failed));
  });
  clearTimeout(late);
}
