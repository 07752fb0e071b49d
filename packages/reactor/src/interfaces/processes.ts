/** Child processes. */
import { type InterfaceToken, interfaceToken } from "../components.js";
import type { Failure } from "../failure.js";
import { IConsumer, IPushProducer } from "./producers.js";
import { ITransport } from "./transports.js";
import type { BytesLike, MaybeAsync } from "./values.js";

/** A running child process. */
export interface IProcessTransport extends ITransport {
  /** Null after the process has ended. */
  readonly pid: number | null;
  closeStdin(): void;
  closeStdout(): void;
  closeStderr(): void;
  closeChildFD(fd: number): void;
  writeToChild(fd: number, data: BytesLike): void;
  /** Sends a signal by number or by name, "KILL" as well as "SIGKILL". @throws ProcessExitedAlready */
  signalProcess(signal: string | number): void;
}
export const IProcessTransport: InterfaceToken<IProcessTransport> = interfaceToken<IProcessTransport>(
  "IProcessTransport",
  [ITransport],
  ["closeStdin", "closeStdout", "closeStderr", "closeChildFD", "writeToChild", "signalProcess"],
);

/** A child of `spawnProcess`: as a consumer it is its standard input, as a push producer all its outputs. */
export interface IChildProcess extends IProcessTransport, IConsumer, IPushProducer {
  /** Signals its whole process group: for a child that was started with `newSession` or a terminal. @throws ProcessExitedAlready */
  signalGroup(signal: string | number): void;
}
export const IChildProcess: InterfaceToken<IChildProcess> = interfaceToken<IChildProcess>(
  "IChildProcess",
  [IProcessTransport, IConsumer, IPushProducer],
  ["signalGroup"],
);

/** A child on a terminal of its own. */
export interface ITerminalProcess extends IChildProcess {
  /** The terminal's device, such as `/dev/pts/3`. */
  readonly terminalName: string;
  /** Tells the programs in the terminal of its size; pixels may be 0. */
  setWindowSize(rows: number, columns: number, xPixels?: number, yPixels?: number): void;
}
export const ITerminalProcess: InterfaceToken<ITerminalProcess> = interfaceToken<ITerminalProcess>(
  "ITerminalProcess",
  [IChildProcess],
  ["terminalName", "setWindowSize"],
);

/** What lives on the descriptors of a child process. */
export interface IProcessProtocol {
  makeConnection(process: IProcessTransport): MaybeAsync;
  childDataReceived(childFD: number, data: Buffer): MaybeAsync;
  childConnectionLost(childFD: number): MaybeAsync;
  /** The process is gone; its descriptors may still deliver. */
  processExited(reason: Failure): MaybeAsync;
  /** Once, and the last call. The reason holds ProcessDone or ProcessTerminated. */
  processEnded(reason: Failure): MaybeAsync;
}
export const IProcessProtocol: InterfaceToken<IProcessProtocol> = interfaceToken<IProcessProtocol>(
  "IProcessProtocol",
  [],
  ["makeConnection", "childDataReceived", "childConnectionLost", "processExited", "processEnded"],
);

/** The terminal that a child gets. */
export interface TerminalOptions {
  /** Default 24. */
  rows?: number;
  /** Default 80. */
  columns?: number;
  xPixels?: number;
  yPixels?: number;
  /** Operands for stty(1), which sets up the terminal before the program runs: `["-echo", "intr", "^C"]`. */
  modes?: readonly string[];
  /** The environment variable that gets the terminal's name. */
  nameVariable?: string;
}

export interface SpawnProcessOptions {
  /** Exactly its environment: by default empty; null is ours. */
  env?: Readonly<Record<string, string>> | null;
  /** Its working directory; null (default) is ours. */
  path?: string | null;
  /** Whom it runs as, with all the groups that the user is in; only root can run somebody else's. */
  uid?: number | null;
  gid?: number | null;
  /** A terminal of its own in place of pipes; it needs the package `node-pty`. */
  usePTY?: boolean | TerminalOptions;
  /**
   * What each descriptor of the child is: `"w"` we write to, `"r"` we read from, a number is a descriptor of ours.
   * Default `{ 0: "w", 1: "r", 2: "r" }`; what is not named it has not.
   */
  childFDs?: Readonly<Record<number, "r" | "w" | number>> | null;
  /** Makes it the leader of a session and process group of its own, as a terminal always does. */
  newSession?: boolean;
}

export interface IReactorProcess {
  /**
   * Starts a program; the protocol is connected before this returns. `args` begins with the program's own name for
   * itself; without any it is `executable`, which is looked up in the child's PATH unless it has a slash.
   * @throws OSError when it cannot be started, NotImplementedError when there is no `node-pty` for a terminal, ValueError
   */
  spawnProcess(
    processProtocol: IProcessProtocol,
    executable: string,
    args: readonly string[],
    options: SpawnProcessOptions & { usePTY: true | TerminalOptions },
  ): ITerminalProcess;
  spawnProcess(
    processProtocol: IProcessProtocol,
    executable: string,
    args?: readonly string[],
    options?: SpawnProcessOptions,
  ): IChildProcess;
}
export const IReactorProcess: InterfaceToken<IReactorProcess> = interfaceToken<IReactorProcess>(
  "IReactorProcess",
  [],
  ["spawnProcess"],
);
