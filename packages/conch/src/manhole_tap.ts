/** Manholes by telnet and by SSH, as a service (twisted.conch.manhole_tap): `strombus run @strombus/conch/manhole_tap`. */
import { homedir } from "node:os";
import { join } from "node:path";
import { FilePasswordDB } from "@strombus/cred/checkers";
import { type AvatarId, type IRealm, Portal } from "@strombus/cred/portal";
import { MultiService } from "@strombus/reactor/application/service";
import * as strports from "@strombus/reactor/application/strports";
import type { InterfaceToken } from "@strombus/reactor/components";
import { NotImplementedError } from "@strombus/reactor/exceptions";
import { Logger } from "@strombus/reactor/logger";
import { ServerFactory } from "@strombus/reactor/protocol";
import { Options as UsageOptions, type ParameterRow, UsageError } from "@strombus/reactor/usage";
import { made, type Source } from "./class.js";
import { ServerProtocol } from "./insults/insults.js";
import { ensureKeyFile } from "./keys/persistent.js";
import { ColoredManhole, type Namespace } from "./manhole.js";
import { ConchFactory, TerminalRealm } from "./manhole_ssh.js";
import { _getPersistentRSAKey, Key } from "./ssh/keys.js";
import { AuthenticatingTelnetProtocol, ITelnetProtocol, TelnetBootstrapProtocol, TelnetTransport } from "./telnet.js";

const log = new Logger({ namespace: "strombus.conch.manhole" });

/** Stands for the folder where programs keep data of their user. */
const USER_DATA_DIR = "<USER DATA DIR>";

/** What a service of manholes is made of. */
export interface ManholeSettings {
  /** Where telnet listens, as an endpoint; null or nothing for none. */
  readonly telnetPort?: string | null;
  /** Where SSH listens, as an endpoint; null or nothing for none. */
  readonly sshPort?: string | null;
  /** What code finds by name. */
  readonly namespace?: Namespace | null;
  /** The file of names and passwords, `/etc/passwd` by default. */
  readonly passwd?: string;
  /** Where the host keys are, and are made when they are missing. */
  readonly sshKeyDir?: string;
  readonly sshKeyName?: string;
  /** Bits of an RSA key that is made. */
  readonly sshKeySize?: number;
}

/** The command line. */
export class Options extends UsageOptions {
  static override optParameters: ParameterRow[] = [
    ["telnetPort", "t", null, "the address on which to listen for telnet connections, as an endpoint"],
    ["sshPort", "s", null, "the address on which to listen for SSH connections, as an endpoint"],
    ["passwd", "p", "/etc/passwd", "file of names and passwords"],
    ["sshKeyDir", null, USER_DATA_DIR, "directory of the SSH host keys"],
    ["sshKeyName", null, "server.key", "file of the RSA host key; the Ed25519 key's has .ed25519 behind it"],
    ["sshKeySize", null, 4096, "bits of the RSA host key, when it is made", Number],
  ];
  override longdesc = "JavaScript typed into this process, by telnet and by SSH.";

  constructor() {
    super();
    this.set("namespace", null);
  }

  override postOptions(): void {
    if (this.get("telnetPort") !== null || this.get("sshPort") !== null) return;
    throw new UsageError("At least one of --telnetPort and --sshPort must be specified");
  }
}

/** The function that makes a connection's protocol. */
export interface TelnetProtocolFactory {
  (): TelnetTransport;
  readonly portal: Portal;
}

/** A telnet connection on which users log in, for a factory's `protocol`. */
export function makeTelnetProtocol(portal: Portal): TelnetProtocolFactory {
  return Object.assign(() => new TelnetTransport(AuthenticatingTelnetProtocol, portal), { portal });
}

/** The function that makes a manhole on a terminal. */
export interface ManholeFactory {
  (): ServerProtocol;
  readonly namespace: Namespace | null;
}

/** Makes the protocol of a session: a manhole in colours, whose users find what is in the namespace. */
export function chainedProtocolFactory(namespace: Namespace | null): ManholeFactory {
  return Object.assign(() => new ServerProtocol(ColoredManhole, namespace), { namespace });
}

/** Gives everybody a telnet protocol of one kind. */
export class _StupidRealm implements IRealm {
  readonly #proto: Source<ITelnetProtocol, never[]>;
  readonly #args: readonly unknown[];

  /** `proto` is a class or a function, and is called with `args` for each user. */
  constructor(proto: Source<ITelnetProtocol, never[]>, ...args: unknown[]) {
    this.#proto = proto;
    this.#args = args;
  }

  requestAvatar(avatarId: AvatarId, mind: unknown, ...interfaces: InterfaceToken[]) {
    if (!interfaces.includes(ITelnetProtocol)) throw new NotImplementedError("this realm has ITelnetProtocol alone");
    return [ITelnetProtocol, made(this.#proto, ...(this.#args as never[])), () => {}] as const;
  }
}

/** Services that begin to listen when they are started: for telnet, for SSH, or both. */
export function makeService(settings: Options | ManholeSettings): MultiService {
  const options = settings instanceof Options ? settings : withDefaults(settings);
  const [telnetPort, sshPort] = [options.get("telnetPort"), options.get("sshPort")] as (string | null)[];
  const namespace = options.get("namespace") as Namespace | null;
  const checker = new FilePasswordDB(options.get("passwd") as string);
  const all = new MultiService();
  if (telnetPort != null) {
    warnIfOpen(telnetPort);
    const realm = new _StupidRealm(TelnetBootstrapProtocol, ServerProtocol, ColoredManhole, namespace);
    const factory = new ServerFactory();
    factory.protocol = makeTelnetProtocol(new Portal(realm, [checker]));
    strports.service(telnetPort, factory).setServiceParent(all);
  }
  if (sshPort != null) {
    const realm = new TerminalRealm();
    realm.chainedProtocolFactory = chainedProtocolFactory(namespace);
    const factory = new ConchFactory(new Portal(realm, [checker]));
    addHostKeys(factory, options);
    strports.service(sshPort, factory).setServiceParent(all);
  }
  return all;
}

function withDefaults(settings: ManholeSettings): Options {
  const options = new Options();
  for (const [name, value] of Object.entries(settings)) if (value !== undefined) options.set(name, value);
  return options;
}

function addHostKeys(factory: ConchFactory, options: Options): void {
  const [folder, name] = [options.get("sshKeyDir"), options.get("sshKeyName")] as [string, string];
  const location = join(folder === USER_DATA_DIR ? userDataDir() : folder, name);
  ensureKeyFile(`${location}.ed25519`, () => Key.generate("ed25519").toString("openssh"));
  const ed25519 = Key.fromFile(`${location}.ed25519`);
  const rsa = _getPersistentRSAKey(location, options.get("sshKeySize") as number);
  factory.publicKeys = { "ssh-ed25519": ed25519.public(), "ssh-rsa": rsa.public() };
  factory.privateKeys = { "ssh-ed25519": ed25519, "ssh-rsa": rsa };
}

/** By the XDG base directory specification, where a relative path does not count. */
function userDataDir(): string {
  const told = process.env["XDG_DATA_HOME"];
  return join(told?.startsWith("/") === true ? told : join(homedir(), ".local", "share"), "strombus");
}

/** Whoever sees the connection sees the password, and all that is typed. */
function warnIfOpen(port: string): void {
  const isOpen = /^(haproxy:)?tcp6?:/.test(port) && !/:interface=(127\.|localhost|(\\:|0)*\\:0*1(:|$))/.test(port);
  if (isOpen) log.warn("telnet on {port} is not only for this machine, and sends passwords in the clear", { port });
}
