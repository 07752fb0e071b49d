/** A worker as its supervisor sees it, and the sockets that all workers share. */
import { type ChildProcess, spawn } from "node:child_process";
import { type InheritedSockets, SOCKETS_VARIABLE, type SupervisorMessage, type WorkerMessage } from "./messages.js";

const FIRST_DESCRIPTOR = 4; // behind the standard streams and the channel for messages

/** A handle that came from a worker. Nothing is accepted here. */
interface SocketHandle {
  readonly fd: number;
}

/** Listening sockets by key, kept open for workers to come. */
export class SocketShelf {
  readonly #sockets = new Map<string, SocketHandle>();

  get size(): number {
    return this.#sockets.size;
  }

  put(key: string, handle: SocketHandle): void {
    if (!this.#sockets.has(key)) this.#sockets.set(key, handle);
  }

  /** What a new worker inherits: our descriptors in order, and under which numbers it finds them. */
  inheritance(): { descriptors: number[]; sockets: InheritedSockets } {
    const entries = [...this.#sockets];
    return {
      descriptors: entries.map(([, { fd }]) => fd),
      sockets: Object.fromEntries(entries.map(([key], index) => [key, FIRST_DESCRIPTOR + index])),
    };
  }
}

export class WorkerProcess {
  /** True when it is ready; false if it ends before. */
  readonly ready: Promise<boolean>;
  /** Settles with how it ended. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  #isReady = false;
  #lastSign = Date.now(); // of life

  constructor(args: readonly string[], shelf: SocketShelf) {
    const { descriptors, sockets } = shelf.inheritance();
    this.#child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], {
      stdio: ["inherit", "inherit", "inherit", "ipc", ...descriptors],
      env: { ...process.env, [SOCKETS_VARIABLE]: JSON.stringify(sockets) },
    });
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(error.message));
      this.#child.once("exit", (code, signal) => resolve(signal ?? `exit status ${code}`));
    });
    this.ready = new Promise((resolve) => {
      void this.ended.then(() => resolve(false));
      this.#child.on("message", (message: WorkerMessage, handle: unknown) => {
        this.#lastSign = Date.now();
        if (message.strombus === "socket") shelf.put(message.key, handle as SocketHandle);
        if (message.strombus !== "ready") return;
        this.#isReady = true;
        resolve(true);
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** It drains its connections and ends. */
  stop(): void {
    this.#child.kill("SIGTERM");
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  askForLife(): void {
    this.#send({ strombus: "alive?" });
  }

  reopenLog(): void {
    this.#send({ strombus: "reopen the log" });
  }

  #send(message: SupervisorMessage): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  isSilentFor(seconds: number): boolean {
    return this.#isReady && Date.now() - this.#lastSign > seconds * 1000;
  }
}
