/** Starting processes (twisted.internet.process). */
import { statSync } from "node:fs";
import { OSError, ValueError } from "../exceptions.js";
import type { IChildProcess, IProcessProtocol, SpawnProcessOptions } from "../interfaces.js";
import { asUser, type Command, find, prepared } from "./command.js";
import { identityOf } from "./identity.js";
import { type ChildFDs, PipedChild } from "./pipes.js";
import { TerminalChild } from "./terminal.js";

const STANDARD_FDS: ChildFDs = { 0: "w", 1: "r", 2: "r" };

/** See IReactorProcess. */
export function spawnProcess(
  protocol: IProcessProtocol,
  executable: string,
  args: readonly string[] = [],
  options: SpawnProcessOptions = {},
): IChildProcess {
  const {
    env = {},
    path = null,
    uid = null,
    gid = null,
    usePTY = false,
    childFDs = null,
    newSession = false,
  } = options;
  if (usePTY !== false && childFDs !== null) throw new ValueError("a terminal leaves no choice of descriptors");
  for (const text of [executable, ...args, ...Object.entries(env ?? {}).flat(), path ?? ""]) {
    if (text.includes("\0")) throw new ValueError("a process takes no text with a NUL in it");
  }
  const environment = env ?? ours();
  const folder = folderAt(path ?? process.cwd());
  const identity = identityOf(uid, gid);
  const [name = executable, ...rest] = args;
  const command: Command = {
    file: find(executable, environment["PATH"], folder),
    executable,
    args: [name, ...rest],
  };
  const child = usePTY !== false ? onTerminal() : onPipes();
  child.begin();
  return child;

  function onTerminal(): TerminalChild {
    const terminal = usePTY === true ? {} : (usePTY as Exclude<typeof usePTY, boolean>);
    const { modes = [], nameVariable = "" } = terminal;
    return TerminalChild.start(protocol, prepared(command, modes, nameVariable), {
      ...terminal,
      env: environment,
      folder,
      identity,
    });
  }

  function onPipes(): PipedChild {
    const throughSetpriv = identity === null ? null : asUser(command, identity);
    return PipedChild.start(protocol, throughSetpriv ?? command, {
      env: environment,
      folder,
      ids: identity === null || throughSetpriv !== null ? null : { uid: identity.uid, gid: identity.gid },
      childFDs: childFDs ?? STANDARD_FDS,
      newSession,
    });
  }
}

function ours(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) env[name] = value;
  return env;
}

/** @throws OSError when it is none. */
function folderAt(path: string): string {
  try {
    if (statSync(path).isDirectory()) return path;
  } catch (error) {
    const { code, errno = 0, message } = error as NodeJS.ErrnoException;
    throw new OSError(message, { cause: error, ...(code && { code }), errno: -errno });
  }
  throw new OSError(`${JSON.stringify(path)} is no folder`, { code: "ENOTDIR" });
}
