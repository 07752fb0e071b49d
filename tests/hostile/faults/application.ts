/**
 * An application that implements all that an application can: a server with every kind of callback, and a client that makes
 * all of them happen. In memory, on a clock of its own.
 */
import { once } from "node:events";
import { type ChannelOpenOptions, ConchUser } from "@strombus/conch/avatar";
import type { Gate, Visit } from "@strombus/conch/defence";
import { ValidPublicKey } from "@strombus/conch/error";
import {
  type FileAttributes,
  IConchUser,
  type IDirectory,
  type ISFTPFile,
  type ISFTPServer,
  ISFTPServer as ISFTPServerToken,
  type ISession,
  type ISessionForwardAgent,
  type ISessionForwardX11,
  type ISessionSetEnv,
  type ISessionSignal,
  type ISessionStopping,
  ISession as ISessionToken,
  ISessionForwardAgent as ISessionForwardAgentToken,
  ISessionForwardX11 as ISessionForwardX11Token,
  ISessionSetEnv as ISessionSetEnvToken,
  ISessionSignal as ISessionSignalToken,
  ISessionStopping as ISessionStoppingToken,
} from "@strombus/conch/interfaces";
import { type ITerminalProtocol, type ITerminalTransport, ServerProtocol } from "@strombus/conch/insults/insults";
import { TerminalSession } from "@strombus/conch/manhole_ssh";
import { SSHChannel, type SSHChannelOptions } from "@strombus/conch/ssh/channel";
import { NS } from "@strombus/conch/ssh/common";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import {
  allowForwarding,
  type ForwardingRules,
  forwardRemote,
  packOpen_direct_tcpip,
} from "@strombus/conch/ssh/forwarding";
import { FileTransferClient, FileTransferServer } from "@strombus/conch/ssh/filetransfer";
import { Key } from "@strombus/conch/ssh/keys";
import { packRequest_pty_req, packRequest_window_change, SSHSession, wrapProtocol } from "@strombus/conch/ssh/session";
import type { SSHSessionProcessProtocol } from "@strombus/conch/ssh/session";
import { SSHClientTransport, SSHServerTransport } from "@strombus/conch/ssh/transport";
import { SSHUserAuthClient, SSHUserAuthServer } from "@strombus/conch/ssh/userauth";
import { sessionProgram, StreamChannel } from "@strombus/conch/streams";
import { ANONYMOUS, type AvatarId, type ICredentialsChecker } from "@strombus/cred/checkers";
import {
  IAnonymous,
  IKeyboardInteractive,
  ISSHHostBased,
  ISSHPrivateKey,
  IUsernamePassword,
} from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { type IRealm, Portal } from "@strombus/cred/portal";
import { Componentized, implementer, registerAdapter } from "@strombus/reactor/components";
import type { IProtocol } from "@strombus/reactor/interfaces";
import { Protocol } from "@strombus/reactor/protocol";
import { Clock, FakeTransport, SimulatedReactor } from "@strombus/reactor/testing";
import { connect } from "@strombus/reactor/testing/iosim";

const hostKey = Key.generate("ed25519");
const userKeys = [Key.generate("ed25519"), Key.generate("ed25519")];

/** What the reactor does for those who call later: what they throw ends nothing but the call. */
export class ReactorsClock extends Clock {
  override callLater<A extends unknown[]>(delay: number, callable: (...args: A) => unknown, ...args: A) {
    return super.callLater(delay, () => {
      try {
        callable(...args);
      } catch {
        // the reactor logs it
      }
    });
  }
}

/** A path where the server listens for its clients. */
const FORWARDED = "/run/forwarded";

/** The functions that an application hands over, by the name of their type. */
export const functions = {
  LogObserver(): void {},
  PacketTap(): void {},
  EventObserver(): void {},
  HostRule(_host: string, _port: number): boolean {
    return false;
  },
  PathRule(path: string): boolean {
    return path === FORWARDED;
  },
  "forwardRemote(to)"(options: SSHChannelOptions): SSHChannel {
    return new SSHChannel(options);
  },
  ChannelEntry(options: ChannelOpenOptions): SSHChannel {
    return new Echo(options);
  },
  SubsystemEntry(): IProtocol {
    return new Upper();
  },
  /** The program of a session on streams. */
  Program({ stdin, stdout }: { stdin: NodeJS.ReadableStream; stdout: NodeJS.WritableStream }): Promise<number> {
    stdin.on("data", (data: Buffer) => functions["a listener on a program's stream"](data, stdout));
    return once(stdin, "end").then(() => 3);
  },
  "a listener on a program's stream"(data: Buffer, stdout: NodeJS.WritableStream): void {
    stdout.write(data);
  },
  "a listener on a channel's stream"(data: Buffer, channel: StreamChannel): void {
    channel.stream.write(data);
  },
};

class Upper extends Protocol {
  override dataReceived(data: Buffer): void {
    this.transport!.write(data.toString().toUpperCase());
  }
}

/** What a shell with a terminal runs. */
class Screen implements ITerminalProtocol {
  #terminal: ITerminalTransport | null = null;
  makeConnection(terminal: ITerminalTransport): void {
    this.#terminal = terminal;
  }
  keystrokeReceived(keyID: string): void {
    this.#terminal?.write(keyID);
  }
  terminalSize(): void {}
  unhandledControlSequence(): void {}
  connectionLost(): void {}
}

/** Plain channels: `steady` ones are left in peace. */
class Echo extends SSHChannel {
  override name: string | null = "echo";
  override dataReceived(data: Buffer): void {
    this.write(data);
    this.writeExtended(1, data);
    this.writeSequence([data, data]);
  }
  request_ask(): boolean {
    return true;
  }
}

class Steady extends SSHChannel {
  override name = "steady";
  override dataReceived(data: Buffer): void {
    this.write(data);
  }
  override channelOpen(): void {}
  override closed(): void {}
  override closeReceived(): void {
    this.loseConnection();
  }
  override eofReceived(): void {}
}

@implementer(
  ISessionToken,
  ISessionSetEnvToken,
  ISessionSignalToken,
  ISessionForwardAgentToken,
  ISessionForwardX11Token,
  ISessionStoppingToken,
)
class Session
  implements ISession, ISessionSetEnv, ISessionSignal, ISessionForwardAgent, ISessionForwardX11, ISessionStopping
{
  getPty(): void {}
  openShell(proto: SSHSessionProcessProtocol): void {
    this.#run(proto);
  }
  execCommand(proto: SSHSessionProcessProtocol): void {
    this.#run(proto);
  }
  windowChanged(): void {}
  eofReceived(): void {}
  closed(): void {}
  setEnv(): void {}
  signalReceived(): void {}
  breakReceived(): void {}
  forwardAgent(): void {}
  forwardX11(): void {}
  serverStopping(): void {}
  #run(proto: SSHSessionProcessProtocol): void {
    const protocol = new Upper();
    void protocol.makeConnection(proto);
    void proto.makeConnection(wrapProtocol(protocol));
  }
}

class User extends ConchUser {
  global_ask(data: Buffer): readonly [true, Buffer] {
    return [true, data];
  }
}

registerAdapter(() => new Session(), User, ISessionToken);

@implementer(ISFTPServerToken)
class Files implements ISFTPServer {
  avatar: unknown = null;
  gotVersion(): Record<string, string> {
    return {};
  }
  openFile(): ISFTPFile {
    return new OpenFile();
  }
  openDirectory(): IDirectory {
    return new OpenDirectory();
  }
  removeFile(): void {}
  renameFile(): void {}
  makeDirectory(): void {}
  removeDirectory(): void {}
  getAttrs(): FileAttributes {
    return {};
  }
  setAttrs(): void {}
  readLink(): string {
    return "target";
  }
  makeLink(): void {}
  realPath(): string {
    return "/";
  }
  extendedRequest(): string {
    return "reply";
  }
}

class OpenFile implements ISFTPFile {
  close(): void {}
  readChunk(): Buffer {
    return Buffer.from("chunk");
  }
  writeChunk(): void {}
  getAttrs(): FileAttributes {
    return {};
  }
  setAttrs(): void {}
}

class OpenDirectory implements IDirectory {
  *[Symbol.iterator]() {
    yield ["name", "line", {}] as const;
  }
  close(): void {}
}

registerAdapter(() => new Files(), User, ISFTPServerToken);

/** Refuses until the last method: all of them are tried. */
class Checker implements ICredentialsChecker {
  readonly credentialInterfaces = [IAnonymous, ISSHHostBased, ISSHPrivateKey, IUsernamePassword, IKeyboardInteractive];
  async requestAvatarId(credentials: object): Promise<AvatarId> {
    if (ISSHPrivateKey.providedBy(credentials)) {
      const { blob, signature } = credentials;
      if (signature === null && blob.equals(userKeys[1]!.public().blob())) throw new ValidPublicKey("would do");
    }
    if (!IKeyboardInteractive.providedBy(credentials)) throw new UnauthorizedLogin("not by this");
    const asked = credentials;
    const [answer] = await asked.ask([["How are you? ", true]], "", "");
    if (answer !== "fine") throw new UnauthorizedLogin("not well");
    return asked.username;
  }
}

/** What there is of the world outside of the connection. */
export interface Ledger {
  logins: number;
  logouts: number;
}

class Realm implements IRealm {
  constructor(readonly ledger: Ledger) {}
  requestAvatar(avatarId: AvatarId) {
    const user = new User();
    user.channelLookup["session"] = SSHSession;
    user.channelLookup["echo"] = (options) => functions.ChannelEntry(options);
    user.channelLookup["steady"] = Steady;
    user.channelLookup["plain"] = SSHChannel;
    user.channelLookup["terminal"] = (options) => {
      const session = new TerminalSession(new Componentized());
      session.chainedProtocolFactory = () => new ServerProtocol(Screen);
      return Object.assign(new SSHSession(options), { session });
    };
    user.channelLookup["program"] = sessionProgram((io) => functions.Program(io));
    user.channelLookup["stream"] = (options) => {
      const channel = new StreamChannel(null, options);
      channel.stream.on("data", (data: Buffer) => functions["a listener on a channel's stream"](data, channel));
      return channel;
    };
    user.subsystemLookup["sftp"] = FileTransferServer;
    user.subsystemLookup["upper"] = () => functions.SubsystemEntry();
    const rules: ForwardingRules = {
      connect: (...place) => functions.HostRule(...place),
      listen: (...place) => functions.HostRule(...place),
      connectUNIX: (path) => functions.PathRule(path),
      listenUNIX: (path) => functions.PathRule(path),
    };
    allowForwarding(user, rules, new SimulatedReactor());
    if (avatarId !== ANONYMOUS) this.ledger.logins++;
    return [IConchUser, user, () => this.logout()] as const;
  }
  logout(): void {
    this.ledger.logouts++;
  }
}

class OpenGate implements Gate {
  admit(): Visit {
    return new OpenVisit();
  }
}

class OpenVisit implements Visit {
  loggedIn(): void {}
  commit(): void {}
  left(): void {}
}

class Signer {
  sign(data: Buffer, algorithm?: string): Buffer {
    return hostKey.sign(data, algorithm);
  }
  supportedSignatureAlgorithms(): readonly string[] {
    return hostKey.supportedSignatureAlgorithms();
  }
}

class Transport extends SSHServerTransport {}

class ServerConnection extends SSHConnection {
  override unusedTimeout = 30;
}

export class World {
  readonly clock = new ReactorsClock();
  readonly ledger: Ledger = { logins: 0, logouts: 0 };
  readonly #factory = new SSHFactory();

  constructor() {
    const { clock } = this;
    class UserAuth extends SSHUserAuthServer {
      override clock = clock;
      override banner = "welcome";
      override passwordDelay = 0;
      override loginTimeout = 50;
    }
    const factory = this.#factory;
    factory.protocol = Transport;
    factory.events.onAny(() => functions.EventObserver());
    factory.defence = new OpenGate();
    factory.privateKeys = { "ssh-ed25519": new Signer() };
    factory.publicKeys = { "ssh-ed25519": hostKey.public() };
    factory.algorithms = { keyExchanges: ["curve25519-sha256"] };
    factory.services = { "ssh-userauth": UserAuth, "ssh-connection": ServerConnection };
    factory.portal = new Portal(new Realm(this.ledger), [new Checker()]);
  }

  /** A client that has connected; it logs in by itself as things settle. Null if there could be no connection. */
  visit(client: typeof Client = Client): Guest | null {
    let server: IProtocol | null;
    try {
      server = this.#factory.buildProtocol({ toString: () => "memory", equals: () => false });
    } catch {
      return null; // the reactor logs it, and the connection ends
    }
    if (!(server instanceof SSHServerTransport)) return null;
    server.factory = this.#factory;
    server.clock = this.clock;
    server.packetTap = () => functions.PacketTap();
    return new Guest(server, Object.assign(new client(), { clock: this.clock }));
  }
}

class ClientAuth extends SSHUserAuthClient {
  #keys = [...userKeys];
  override preferredOrder = ["hostbased", "publickey", "password", "keyboard-interactive"];
  #triedPassword = false;
  override getHostBasedIdentity() {
    return { key: userKeys[0]!, hostname: "host", username: "user" };
  }
  override getPublicKey(): Key | null {
    return this.#keys.shift()?.public() ?? null;
  }
  /** Of the key that the server would take. */
  override getPrivateKey(): Promise<Key> {
    return Promise.resolve(userKeys[1]!);
  }
  override getPassword(): Promise<string> | null {
    if (this.#triedPassword) return null;
    this.#triedPassword = true;
    return Promise.resolve("wrong");
  }
  override getGenericAnswers(): Promise<string[]> {
    return Promise.resolve(["fine"]);
  }
}

class Client extends SSHClientTransport {
  readonly connection = new ClientConnection();
  override supportedKeyExchanges = ["curve25519-sha256"];
  override verifyHostKey(): unknown {
    return true;
  }
  override connectionSecure(): void {
    this.requestService(new ClientAuth("user", this.connection));
  }
  override hostKeysAnnounced(blobs: readonly Buffer[]): readonly Buffer[] {
    return blobs;
  }
}

/** Asks for the service that logs it in, and then says nothing. */
export class SilentClient extends Client {
  override connectionSecure(): void {
    this.sendPacket(5, NS("ssh-userauth"));
  }
  override ssh_SERVICE_ACCEPT(): void {}
}

/** Speaks another protocol. */
export class OldClient extends Client {
  override ourVersionString = "SSH-1.5-old";
}

/** One connection from its client's end. */
export class Guest {
  readonly #io: readonly [server: FakeTransport, client: FakeTransport];
  readonly #pump: { flush(): boolean };

  constructor(
    readonly server: SSHServerTransport,
    readonly client: Client,
  ) {
    const [serverIO, clientIO] = [new FakeTransport(server, true), new FakeTransport(client, false)];
    this.#io = [serverIO, clientIO];
    this.#pump = connect(server, serverIO, client, clientIO, { greet: false });
  }

  get connection(): SSHConnection {
    return this.client.connection;
  }

  get connected(): boolean {
    return this.#io.every((io) => io.connected);
  }

  /** Promises that are due settle, and what they wrote moves. */
  async settle(turns = 8): Promise<void> {
    for (let turn = 0; turn < turns; turn++) {
      this.#pump.flush();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  get loggedIn(): boolean {
    return this.client.service === this.connection;
  }

  /** A channel that echoes, also when others do not work. */
  async openSteady(): Promise<Talk> {
    const talk = new Talk("steady");
    this.connection.openChannel(talk).then(undefined, () => undefined);
    await this.settle(3);
    return talk;
  }

  /** All that a client can do once it is in; what fails, fails. */
  async doEverything(): Promise<void> {
    const { connection } = this;
    const ask = (channel: SSHChannel, type: string, data: Uint8Array | string = ""): void => {
      if (connection.channelsToRemoteChannel.has(channel))
        connection.sendRequest(channel, type, data, true)?.then(undefined, () => undefined);
    };
    const open = (name: string, extra: Uint8Array | string = ""): Talk => {
      const talk = new Talk(name);
      connection.openChannel(talk, extra).then(undefined, () => undefined);
      return talk;
    };
    const sessions = [open("session"), open("session"), open("session"), open("program"), open("terminal")];
    const [exec, shell, subsystem, program, terminal] = sessions as [Talk, Talk, Talk, Talk, Talk];
    const files = new Transfer();
    connection.openChannel(files).then(undefined, () => undefined);
    const [echo, stream, plain] = [open("echo"), open("stream"), open("plain")] as const;
    connection.openChannel(Object.assign(new SSHChannel(), { name: "nonsense" })).then(undefined, () => undefined);
    connection.openChannel(new StreamChannel("nonsense")).then(undefined, () => undefined);
    open("direct-tcpip", packOpen_direct_tcpip(["192.0.2.1", 80], ["127.0.0.1", 1]));
    open("direct-streamlocal@openssh.com", Buffer.concat([NS("/run/socket"), NS(""), Buffer.alloc(4)]));
    for (const [type, data] of [
      ["ask", "what"],
      ["tcpip-forward", Buffer.concat([NS("localhost"), Buffer.from([0, 0, 4, 210])])],
      ["streamlocal-forward@openssh.com", NS("/run/socket")],
      ["unknown", ""],
    ] as const)
      connection.sendGlobalRequest(type, data, true)?.then(undefined, () => undefined);
    forwardRemote(connection, FORWARDED, (options) => functions["forwardRemote(to)"](options)).then(
      undefined,
      () => undefined,
    );
    await this.settle();
    ask(exec, "pty-req", packRequest_pty_req("xterm", [24, 80, 0, 0], Buffer.of(0)));
    ask(exec, "env", Buffer.concat([NS("LANG"), NS("C")]));
    ask(exec, "auth-agent-req@openssh.com");
    ask(exec, "x11-req", Buffer.concat([Buffer.of(0), NS("MIT-MAGIC-COOKIE-1"), NS("00ff"), Buffer.alloc(4)]));
    ask(exec, "exec", NS("command"));
    ask(exec, "window-change", packRequest_window_change([25, 81, 0, 0]));
    ask(exec, "signal", NS("TERM"));
    ask(exec, "break", Buffer.alloc(4));
    ask(shell, "shell");
    ask(subsystem, "subsystem", NS("upper"));
    ask(files, "subsystem", NS("sftp"));
    ask(program, "shell");
    ask(terminal, "shell");
    ask(echo, "ask");
    ask(echo, "unknown");
    await this.settle();
    files.doEverything();
    for (const channel of [...sessions, echo, stream, plain]) {
      channel.write("hello ".repeat(20));
      channel.writeExtended(1, "aside");
    }
    terminal.write("\x1b[z");
    this.client.sendPacket(3, Buffer.alloc(4));
    this.client.sendDebug("debug", true);
    this.client.sendIgnore("nothing");
    this.client.sendPacket(192, NS("ping"));
    try {
      this.client.sendKexInit();
    } catch {
      // one is going on, which hangs
    }
    await this.settle();
    if (this.server.service instanceof SSHConnection) this.server.service.retire(1000);
    for (const channel of [echo, exec]) ask(channel, "eow@openssh.com");
    for (const channel of [...sessions, echo, stream]) if (channel.id !== null) connection.sendEOF(channel);
    const { service } = this.server;
    if (service instanceof SSHConnection) {
      service.openChannel(new Talk("back")).then(undefined, () => undefined);
      const accepted = new Talk("forwarded-streamlocal@openssh.com");
      service.openChannel(accepted, Buffer.concat([NS(FORWARDED), NS("")])).then(undefined, () => undefined);
    }
    await this.settle();
    for (const channel of [...sessions, echo, stream]) channel.loseConnection();
    await this.settle();
  }

  async leave(): Promise<void> {
    this.client.loseConnection();
    await this.settle(3);
    for (const io of this.#io) io.abortConnection();
    await this.settle(3);
  }
}

class ClientConnection extends SSHConnection {
  channel_back(): SSHChannel {
    return new Talk("back");
  }
}

/** A client's channel that notes what it hears. */
export class Talk extends SSHChannel {
  heard = "";
  /** With a small window: the other side must wait. */
  constructor(override readonly name: string) {
    super({ localWindow: 20 });
  }
  override dataReceived(data: Buffer): void {
    this.heard += data.toString();
  }
  override channelOpen(): void {}
  override openFailed(): void {}
}

/** A client of SFTP, which asks all that there is to ask. */
class Transfer extends SSHChannel {
  override name = "session";
  readonly #client = new FileTransferClient();

  doEverything(): void {
    const client = this.#client;
    void client.makeConnection(this);
    const asked: PromiseLike<unknown>[] = [
      client.removeFile("a"),
      client.renameFile("a", "b"),
      client.makeDirectory("a", {}),
      client.removeDirectory("a"),
      client.getAttrs("a"),
      client.setAttrs("a", {}),
      client.readLink("a"),
      client.makeLink("a", "b"),
      client.realPath("a"),
      client.extendedRequest("a", ""),
      client.openDirectory("a").then(async (directory) => [await directory.read(), await directory.close()]),
      client.openFile("a", 1, {}), // is left to the end of the connection
      client.openFile("a", 1, {}).then((file) => {
        const calls = [file.readChunk(0, 1), file.writeChunk(0, "a"), file.getAttrs(), file.setAttrs({}), file.close()];
        return Promise.all(calls);
      }),
    ];
    for (const each of asked) each.then(undefined, () => undefined);
  }
  override dataReceived(data: Buffer) {
    return this.#client.dataReceived(data);
  }
  override closed() {
    return this.#client.connectionLost();
  }
}

/** Our classes that stand for an interface of the application, by its name. */
export const implementations: Readonly<Record<string, object>> = {
  Gate: OpenGate.prototype,
  Visit: OpenVisit.prototype,
  HostKeySigner: Signer.prototype,
  HostPrivateKey: Signer.prototype,
  ICredentialsChecker: Checker.prototype,
  IRealm: Realm.prototype,
  "IRealm's logout": Realm.prototype,
  IConchUser: ConchUser.prototype,
  SSHClientTransport: Client.prototype,
  SSHUserAuthClient: ClientAuth.prototype,
  ISession: Session.prototype,
  ISessionSetEnv: Session.prototype,
  ISessionSignal: Session.prototype,
  ISessionForwardAgent: Session.prototype,
  ISessionForwardX11: Session.prototype,
  ISessionStopping: Session.prototype,
  ISFTPServer: Files.prototype,
  ISFTPFile: OpenFile.prototype,
  IDirectory: OpenDirectory.prototype,
  ITerminalProtocol: Screen.prototype,
  "a request handler": Echo.prototype,
  "a handler of global requests": User.prototype,
  "a protocol on a session": Upper.prototype,
};
