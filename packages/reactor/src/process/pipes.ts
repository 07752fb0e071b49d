/** A child on pipes, by Node. */
import type { ChildProcess, StdioOptions } from "node:child_process";
import { openSync } from "node:fs";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { toBuffer } from "../bytes.js";
import { implementer } from "../components.js";
import { KeyError, OSError } from "../exceptions.js";
import { type BytesLike, IChildProcess, type IProcessProtocol } from "../interfaces.js";
import { Child } from "./child.js";
import type { Command } from "./command.js";
import { exitReason } from "./exit.js";
import { Input } from "./input.js";
import { openMasters } from "./terminal.js";

export type ChildFDs = Readonly<Record<number, "r" | "w" | number>>;

export interface PipedOptions {
  env: Readonly<Record<string, string>>;
  folder: string;
  ids: { uid: number; gid: number } | null;
  childFDs: ChildFDs;
  newSession: boolean;
}

/** What has come stays in the stream. */
function held(): void {}

@implementer(IChildProcess)
export class PipedChild extends Child {
  readonly #process: ChildProcess;
  readonly #inputs = new Map<number, Input>();
  readonly #outputs = new Map<number, Readable>();
  #open = 0;
  #paused = false;

  /** @throws OSError when the system cannot start it. */
  static start(protocol: IProcessProtocol, command: Command, options: PipedOptions): PipedChild {
    const { file, args } = command;
    const { env, folder, ids, childFDs, newSession } = options;
    const { spawn } = process.getBuiltinModule("node:child_process"); // loaded by those who have processes
    const child = spawn(file, args.slice(1), {
      argv0: args[0],
      env,
      cwd: folder,
      ...ids,
      stdio: stdioOf(childFDs),
      detached: newSession,
      windowsHide: true,
    });
    if (child.pid !== undefined) return new PipedChild(protocol, child, child.pid, childFDs, newSession);
    child.on("error", () => {}); // the same, told later
    throw new OSError(`the system could not start ${JSON.stringify(file)}`, { code: "ERR_SPAWN" });
  }

  constructor(protocol: IProcessProtocol, child: ChildProcess, pid: number, childFDs: ChildFDs, newSession: boolean) {
    super(protocol, pid, newSession);
    this.#process = child;
    child.on("error", () => {}); // of kill and send, which we do not use
    child.on("exit", (code, signal) => this.#exited(code, signal));
    for (const [fd, kind] of entries(childFDs)) {
      const stream = child.stdio[fd];
      if (kind === "w") this.#feed(fd, stream as Writable);
      else if (kind === "r") this.#open += 1;
    }
  }

  /** Connects the protocol, then lets data in. */
  override begin(): void {
    super.begin();
    for (const [fd, stream] of this.#process.stdio.entries()) {
      if (stream && !this.#inputs.has(fd)) this.#read(fd, stream as Readable);
    }
  }

  // Input

  protected override get stdin(): Input | null {
    return this.#inputs.get(0) ?? null;
  }

  override writeToChild(fd: number, data: BytesLike): void {
    const input = this.#inputs.get(fd);
    if (input?.isOpen !== true) throw new KeyError(`descriptor ${fd} of the process cannot be written to`);
    input.write(toBuffer(data));
  }

  #feed(fd: number, stream: Writable): void {
    const input = new Input({ write: (data, done) => void stream.write(data, () => done()), end: () => stream.end() });
    this.#inputs.set(fd, input);
    this.#open += 1;
    stream.on("error", () => {}); // the child reads no more: "close" follows
    stream.on("close", () => {
      input.closed();
      this.#lost(fd);
    });
    (stream as Partial<Pick<Readable, "resume">>).resume?.(); // a socket from 3 upwards could be read, too
  }

  // Output

  override pauseProducing(): void {
    this.#paused = true;
    for (const stream of this.#outputs.values()) stream.pause();
  }

  override resumeProducing(): void {
    this.#paused = false;
    for (const stream of this.#outputs.values()) stream.off("readable", held).resume();
  }

  #read(fd: number, stream: Readable): void {
    this.#outputs.set(fd, stream);
    stream.on("error", () => {}); // "close" follows
    stream.on("data", (data: Buffer) => this.guard((protocol) => protocol.childDataReceived(fd, data)));
    stream.on("close", () => {
      this.#outputs.delete(fd);
      this.#lost(fd);
    });
    if (this.#paused) stream.pause();
  }

  // Ends

  override loseConnection(): void {
    for (const fd of [0, 2, 1]) this.closeChildFD(fd);
  }

  override closeChildFD(fd: number): void {
    this.#inputs.get(fd)?.end();
    this.#outputs.get(fd)?.destroy();
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    this.exited(exitReason(code, signal === null ? null : constants.signals[signal]));
    if (!this.#paused) return;
    // Node now resumes what we have paused. Where somebody listens for "readable", that lets nothing flow.
    for (const stream of this.#outputs.values()) stream.on("readable", held);
  }

  protected override get isClosed(): boolean {
    return this.#open === 0;
  }

  #lost(fd: number): void {
    this.#open -= 1;
    this.guard((protocol) => protocol.childConnectionLost(fd));
    this.endIfAllIsOver();
  }
}

function entries(childFDs: ChildFDs): [number, "r" | "w" | number][] {
  return Object.entries(childFDs).map(([fd, kind]) => [Number(fd), kind]);
}

/**
 * Node closes what is not named. It cannot close the terminals of other children, whose descriptors node-pty leaves open
 * to every child: their places are taken by nothing, so that nobody reads there what others type.
 */
function stdioOf(childFDs: ChildFDs): StdioOptions {
  const given = entries(childFDs);
  const stdio: ("ignore" | "pipe" | number)[] = [];
  for (let fd = 0; fd < Math.max(3, ...openMasters, ...given.map(([fd]) => fd + 1)); fd++) stdio.push("ignore");
  for (const fd of openMasters) stdio[fd] = nothing();
  for (const [fd, kind] of given) stdio[fd] = typeof kind === "number" ? kind : "pipe";
  return stdio;
}

let nothingFD: number | null = null;

function nothing(): number {
  return (nothingFD ??= openSync("/dev/null", "r+"));
}
