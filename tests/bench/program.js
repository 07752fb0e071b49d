/** A server under measurement: started, asked what it spent, stopped. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";

export class Program {
  /** Starts `command(port)` on a free port, and waits until it listens. */
  static async start(command) {
    const port = await freePort();
    const began = performance.now();
    const [program, ...args] = command(port);
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"], detached: true });
    await listening(port, child);
    return new Program(child, port, (performance.now() - began) / 1000);
  }

  constructor(child, port, startSeconds) {
    this.child = child;
    this.port = port;
    this.startSeconds = startSeconds;
  }

  /** Seconds of processor time that all threads, and processes that it started, spent meanwhile. NaN without /proc. */
  async cpuOf(work) {
    const before = cpu(this.child.pid);
    await work();
    return cpu(this.child.pid) - before;
  }

  /** Resident bytes. */
  get memory() {
    const path = `/proc/${this.child.pid}/statm`;
    return existsSync(path) ? Number(readFileSync(path, "latin1").split(" ")[1]) * 4096 : NaN;
  }

  stop() {
    try {
      process.kill(-this.child.pid, "SIGKILL");
    } catch {
      // it has ended
    }
  }
}

/** By the scheduler's own count, in nanoseconds, where there is one. */
function cpu(pid) {
  if (!existsSync(`/proc/${pid}/task`)) return NaN;
  let seconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    seconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]) / 1e9;
    const children = readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1").trim();
    for (const child of children === "" ? [] : children.split(" ")) seconds += cpu(child);
  }
  const ended = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1].split(" ");
  return seconds + (Number(ended[13]) + Number(ended[14])) / 100; // of children that it has waited for
}

export function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function listening(port, child) {
  for (;;) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (open) return;
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(" ")} ended at once`);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}
