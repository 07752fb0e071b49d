/** Users of a server who are accounts of its system (twisted.conch.unix). */
import { LoginDenied } from "@strombus/cred/error";
import type { AvatarId, IRealm } from "@strombus/cred/portal";
import { type InterfaceToken, registerAdapter } from "@strombus/reactor/components";
import { KeyError } from "@strombus/reactor/exceptions";
import { Logger } from "@strombus/reactor/logger";
import { ConchUser } from "../avatar.js";
import { after, isLater } from "../channel/later.js";
import { type PasswdEntry, pwd, type UserDatabase } from "../checkers/passwd.js";
import { ISession, ISFTPServer, type MaybeLater } from "../interfaces.js";
import { Exec, Subsystem } from "../messages/connection.js";
import { allowForwarding, type ForwardingRules } from "../ssh/forwarding.js";
import { SSHSession } from "../ssh/session.js";
import { FileTransferServer } from "../sftp/server.js";
import { groupsOf, isRoot, runAs } from "./account.js";
import { reactorOf } from "./forwarding.js";
import { SSHSessionForUnixConchUser } from "./session.js";
import { SFTPServerForUnixConchUser } from "./sftp.js";

const log = new Logger({ namespace: "strombus.conch.unix" });

/**
 * An account that has logged in. As root we run its programs as the account, with all its groups; otherwise we can serve
 * no account but our own.
 */
export class UnixConchUser extends ConchUser {
  readonly username: string;
  /** The account's line of `/etc/passwd`. */
  readonly pwdData: PasswdEntry;
  /** The primary group first. */
  readonly otherGroups: readonly number[];
  /** Subsystems that are programs of the system: name to command line, as sshd_config(5) has them. */
  readonly subsystemPrograms = new Map<string, string>();
  /** The client's ssh-agent may be used from here. */
  agentForwarding = false;
  /** The client's X display may be used from here; it needs the program xauth. */
  x11Forwarding = false;

  /** @throws KeyError for an account that there is not. */
  constructor(username: string, pwdData: PasswdEntry = accountOf(username)) {
    super();
    this.username = username;
    this.pwdData = pwdData;
    this.otherGroups = groupsOf(pwdData);
    this.channelLookup["session"] = UnixSession;
    this.subsystemLookup["sftp"] = FileTransferServer;
  }

  getUserGroupId(): [uid: number, gid: number] {
    return [this.pwdData.pw_uid, this.pwdData.pw_gid];
  }

  getOtherGroups(): readonly number[] {
    return this.otherGroups;
  }

  getHomeDir(): string {
    return this.pwdData.pw_dir;
  }

  getShell(): string {
    return this.pwdData.pw_shell;
  }

  /** What the realm gives to be called at the end. Overrides call this one. */
  logout(): void {
    log.info("{name} has logged out", { name: this.username });
  }

  /** Calls these as the user, and gives back what the last returns. None of them may wait: the ids are the whole process's. */
  _runAsUser<T>(...calls: readonly (() => T)[]): T {
    const [uid, gid] = this.getUserGroupId();
    return runAs(uid, gid, this.otherGroups, ...calls);
  }
}

/** A session that knows of subsystems which are programs: the account's shell runs them, as it runs any command. */
class UnixSession extends SSHSession {
  override request_subsystem(data: Buffer): MaybeLater<boolean> {
    const { name } = Subsystem.decode(data);
    const program = (this.avatar as UnixConchUser).subsystemPrograms.get(name);
    return program === undefined ? super.request_subsystem(data) : this.request_exec(Exec.encode({ command: program }));
  }
}

/** What the users of a realm may do; forwarding is off unless a field allows it. */
export interface UnixSSHRealmOptions {
  /** Where accounts are looked up: `/etc/passwd`, unless given. */
  readonly users?: UserDatabase;
  /** Subsystems that are programs: name to command line. */
  readonly subsystemPrograms?: Readonly<Record<string, string>>;
  readonly agentForwarding?: boolean;
  readonly x11Forwarding?: boolean;
  /** Ports and sockets; as far as the system lets the account have them. */
  readonly forwarding?: ForwardingRules;
}

/** Gives whoever has logged in the account of that name. */
export class UnixSSHRealm implements IRealm {
  readonly #options: UnixSSHRealmOptions;

  constructor(options: UnixSSHRealmOptions = {}) {
    this.#options = options;
  }

  /** @throws LoginDenied for who is nobody, or somebody whose programs we cannot start */
  requestAvatar(avatarId: AvatarId, mind: unknown, ...interfaces: InterfaceToken[]) {
    if (typeof avatarId !== "string") throw new LoginDenied("an account has a name");
    const [token] = interfaces as [InterfaceToken];
    return after(this.#find(avatarId), (record) => this.#login(record, token));
  }

  /** Who logs in by a key or an account of somewhere else need not be anybody here. */
  #find(name: string): PasswdEntry | PromiseLike<PasswdEntry> {
    try {
      return (this.#options.users ?? pwd).getpwnam(name);
    } catch (error) {
      if (error instanceof KeyError) throw new LoginDenied(`no account ${JSON.stringify(name)}`, { cause: error });
      throw error;
    }
  }

  #login(record: PasswdEntry, token: InterfaceToken) {
    if (!isRoot() && record.pw_uid !== process.geteuid?.()) {
      throw new LoginDenied(`only root can serve ${record.pw_name}`);
    }
    const user = new UnixConchUser(record.pw_name, record);
    for (const [name, command] of Object.entries(this.#options.subsystemPrograms ?? {})) {
      user.subsystemPrograms.set(name, command);
    }
    user.agentForwarding = this.#options.agentForwarding ?? false;
    user.x11Forwarding = this.#options.x11Forwarding ?? false;
    if (this.#options.forwarding !== undefined) allowForwarding(user, this.#options.forwarding, reactorOf(user));
    return [token, user, () => user.logout()] as const;
  }
}

function accountOf(username: string): PasswdEntry {
  const found = pwd.getpwnam(username);
  if (isLater(found)) throw new KeyError("the system's accounts are looked up at once");
  return found;
}

registerAdapter((user: UnixConchUser) => new SSHSessionForUnixConchUser(user), UnixConchUser, ISession);
registerAdapter((user: UnixConchUser) => new SFTPServerForUnixConchUser(user), UnixConchUser, ISFTPServer);
