/** The sessions of accounts: login shells and commands, on terminals or pipes (twisted.conch.unix). */
import { isUtf8 } from "node:buffer";
import { statSync } from "node:fs";
import { basename } from "node:path";
import { reactor as theReactor } from "@strombus/reactor";
import { implementer, providedBy } from "@strombus/reactor/components";
import { ProcessExitedAlready } from "@strombus/reactor/error";
import { RuntimeError, ValueError } from "@strombus/reactor/exceptions";
import {
  type IChildProcess,
  type IReactorProcess,
  ITerminalProcess,
  type SpawnProcessOptions,
} from "@strombus/reactor/interfaces";
import { AgentSocket } from "../agent/socket.js";
import { EXTENDED_DATA_STDERR } from "../channel/numbers.js";
import {
  EnvironmentVariableNotPermitted,
  ISession,
  ISessionForwardAgent,
  ISessionForwardX11,
  ISessionSetEnv,
  ISessionSignal,
  type TerminalModes,
  type WindowSize,
  type X11Request,
} from "../interfaces.js";
import { originalCommandOf, permissionsOf } from "../permissions.js";
import type { SSHSessionProcessProtocol } from "../ssh/session.js";
import { isRoot } from "./account.js";
import type { UnixConchUser } from "./avatar.js";
import { sttyOperands } from "./terminal-modes.js";
import { X11Forwarding } from "./x11.js";

/** The variables that a client may set (S1). */
const ACCEPTED = /^(?:LANG|LC_[A-Z]{1,32})$/;

/**
 * One session of an account. What runs is the leader of a session and process group of its own; when the channel closes,
 * the group is hung up (S4).
 */
@implementer(ISession, ISessionSetEnv, ISessionSignal, ISessionForwardAgent, ISessionForwardX11)
export class SSHSessionForUnixConchUser
  implements ISession, ISessionSetEnv, ISessionSignal, ISessionForwardAgent, ISessionForwardX11
{
  readonly avatar: UnixConchUser;
  /** What programs get as their environment, besides what the account and the connection give them. */
  readonly environ: Record<string, string> = { PATH: "/bin:/usr/bin:/usr/local/bin" };
  /** The process that runs, on a terminal or not. */
  pty: IChildProcess | null = null;
  /** Rows, columns and pixels of the terminal; null without one. */
  winSize: WindowSize | null = null;
  modes: TerminalModes = [];
  readonly #reactor: IReactorProcess;
  #agent: AgentSocket | null = null;
  #x11: X11Forwarding | null = null;
  #isClosed = false;

  constructor(avatar: UnixConchUser, reactor: IReactorProcess = theReactor) {
    this.avatar = avatar;
    this.#reactor = reactor;
    if (isRoot() && avatar.pwdData.pw_uid === 0)
      this.environ["PATH"] = "/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin";
  }

  // What comes before the program

  getPty(term: string, windowSize: WindowSize, modes: TerminalModes): void {
    this.environ["TERM"] = term;
    this.winSize = windowSize;
    this.modes = modes;
  }

  setEnv(name: Buffer, value: Buffer): void {
    const variable = name.toString("latin1");
    if (!ACCEPTED.test(variable) || !isUtf8(value) || value.includes(0))
      throw new EnvironmentVariableNotPermitted(variable);
    this.environ[variable] = value.toString();
  }

  async forwardAgent(): Promise<void> {
    if (!this.avatar.agentForwarding) throw new RuntimeError("agent forwarding is off");
    if (this.#agent !== null) throw new RuntimeError("the agent is forwarded already");
    const agent = await AgentSocket.open(this.avatar.conn!, (call) => this.avatar._runAsUser(call));
    this.#keep(agent);
    this.#agent = agent;
  }

  async forwardX11(request: X11Request): Promise<void> {
    if (!this.avatar.x11Forwarding) throw new RuntimeError("X11 forwarding is off");
    if (this.#x11 !== null) throw new RuntimeError("a display is forwarded already");
    const x11 = await X11Forwarding.open(this.avatar.conn!, request, this.#reactor, this.#as({ env: this.#account() }));
    this.#keep(x11);
    this.#x11 = x11;
  }

  // The program

  /** The account's shell, as a login shell: on the terminal that was asked for, or on pipes. */
  openShell(proto: SSHSessionProcessProtocol): void {
    const shell = this.#shell;
    this.#run(proto, shell, [`-${basename(shell)}`]);
  }

  /** The account's shell runs it. A command that is no UTF-8 is refused: Node can pass on no other. */
  execCommand(proto: SSHSessionProcessProtocol, cmd: Buffer): void {
    if (!isUtf8(cmd)) throw new ValueError("a command that is no UTF-8");
    const shell = this.#shell;
    this.#run(proto, shell, [shell, "-c", cmd.toString()]);
  }

  windowChanged(winSize: WindowSize): void {
    if (!providedBy(ITerminalProcess, this.pty)) throw new RuntimeError("nothing runs on a terminal");
    this.winSize = winSize;
    this.pty.setWindowSize(...winSize);
  }

  /** @throws ValueError for one that this system has not, such as INFO on Linux. */
  signalReceived(signal: string): void {
    if (this.pty === null) throw new RuntimeError("nothing runs");
    this.pty.signalGroup(signal);
  }

  /** A terminal that is none of wires has no line to break, and nothing there would notice. */
  breakReceived(milliseconds: number): void {
    if (!providedBy(ITerminalProcess, this.pty)) throw new RuntimeError("nothing runs on a terminal");
  }

  eofReceived(): void {
    this.pty?.closeStdin();
  }

  closed(): void {
    this.#isClosed = true;
    this.#agent?.close();
    this.#x11?.close();
    if (this.pty === null) return;
    // A terminal that closes hangs up its session by itself. A second SIGHUP could end a shell before it has told its jobs.
    if (this.winSize !== null) {
      this.pty.loseConnection();
      return;
    }
    try {
      this.pty.signalGroup("HUP");
    } catch (error) {
      if (!(error instanceof ProcessExitedAlready)) throw error;
    } finally {
      this.pty.loseConnection();
    }
  }

  // What those are made of

  get #shell(): string {
    return this.avatar.getShell() || "/bin/sh";
  }

  #run(proto: SSHSessionProcessProtocol, executable: string, args: string[]): void {
    const { winSize, modes } = this;
    const env: Record<string, string> = {
      ...this.environ,
      ...this.#account(),
      ...Object.fromEntries(permissionsOf(this.avatar.conn).environment),
      ...this.#connection(proto),
      ...this.#forwarded(),
    };
    const original = originalCommandOf(proto.session);
    if (original !== null) env["SSH_ORIGINAL_COMMAND"] = original.toString();
    const options = this.#as({ env, newSession: true });
    const home = this.avatar.getHomeDir();
    if (options.path !== home) {
      proto.session.writeExtended(EXTENDED_DATA_STDERR, `The home directory ${home} cannot be entered.\r\n`);
    }
    if (winSize === null) {
      this.pty = this.#reactor.spawnProcess(proto, executable, args, options);
      return;
    }
    const [rows, columns, xPixels, yPixels] = winSize;
    this.pty = this.#reactor.spawnProcess(proto, executable, args, {
      ...options,
      usePTY: { rows, columns, xPixels, yPixels, modes: sttyOperands(modes), nameVariable: "SSH_TTY" },
    });
  }

  /** As the account, in its home or, where that cannot be entered, at the root. */
  #as(options: SpawnProcessOptions): SpawnProcessOptions {
    const [uid, gid] = this.avatar.getUserGroupId();
    const home = this.avatar.getHomeDir();
    const path = this.avatar._runAsUser(() => isFolder(home)) ? home : "/";
    return { ...options, ...(isRoot() ? { uid, gid } : {}), path };
  }

  #account(): Record<string, string> {
    const { username } = this.avatar;
    return {
      PATH: this.environ["PATH"]!,
      USER: username,
      LOGNAME: username,
      HOME: this.avatar.getHomeDir(),
      SHELL: this.#shell,
      ...(process.env["TZ"] !== undefined && { TZ: process.env["TZ"] }),
    };
  }

  /** What a login's own variables must not replace. */
  #forwarded(): Record<string, string> {
    return {
      ...(this.#agent !== null && { SSH_AUTH_SOCK: this.#agent.path }),
      ...(this.#x11 !== null && { DISPLAY: this.#x11.display }),
    };
  }

  /** SSH_CONNECTION and the older SSH_CLIENT, where both ends have an address and a port. */
  #connection(proto: SSHSessionProcessProtocol): Record<string, string> {
    const [peer, host] = [proto.getPeer().address, proto.getHost().address].map(
      (address) => address as { host?: unknown; port?: unknown },
    );
    if (typeof peer?.host !== "string" || typeof host?.host !== "string") return {};
    return {
      SSH_CLIENT: `${peer.host} ${String(peer.port)} ${String(host.port)}`,
      SSH_CONNECTION: `${peer.host} ${String(peer.port)} ${host.host} ${String(host.port)}`,
    };
  }

  /** The channel may have closed while this was made. */
  #keep(forwarding: { close(): void }): void {
    if (!this.#isClosed) return;
    forwarding.close();
    throw new RuntimeError("the session has closed");
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(`${path}/.`).isDirectory();
  } catch {
    return false;
  }
}
