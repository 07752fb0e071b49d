/** What a process holds once all is quiet: what must be the same however many sessions there have been. */
import { readdirSync, readlinkSync } from "node:fs";
import { ChildProcess } from "node:child_process";
import { Socket } from "node:net";
import { getHeapCodeStatistics, queryObjects } from "node:v8";
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { SSHTransportBase } from "@strombus/conch/ssh/transport";
import { SSHUserAuthClient, SSHUserAuthServer } from "@strombus/conch/ssh/userauth";
import { reactor } from "@strombus/reactor";
import { Deferred } from "@strombus/reactor/defer";

/** Counts by name, and bytes after the garbage is collected. */
export interface Census {
  readonly counts: Readonly<Record<string, number>>;
  /** Without code. */
  readonly heap: number;
  readonly external: number;
  /** For reading only: what is compiled, and compiled anew, is V8's business, */
  readonly code: number;
  /** and what the allocator keeps is its own. */
  readonly rss: number;
}

const PATIENCE = 60; // seconds: children that were killed, and deadlines of connections whose peer is gone
const LOOK = 20; // milliseconds
const ROUNDS = 5;
/** What stands on a stack or in a register, or was last, is not garbage yet: objects of a session or two. */
const OBJECTS = 8;

/** Objects of which none may be left, or as many as before, but for what OBJECTS says. */
const CLASSES = {
  transports: SSHTransportBase,
  connections: SSHConnection,
  channels: SSHChannel,
  "user logins": SSHUserAuthServer,
  "client logins": SSHUserAuthClient,
  sockets: Socket,
  children: ChildProcess,
  deferreds: Deferred,
} as const;

/**
 * @param busy how much goes on; the census is taken when nothing does, or when patience ends
 * @param own what else is to be counted
 */
export async function takeCensus(busy: () => number, own: () => Readonly<Record<string, number>>): Promise<Census> {
  for (const end = performance.now() + PATIENCE * 1000; busy() > 0 && performance.now() < end;) await pause(LOOK);
  let [heap, external, code] = [Infinity, Infinity, 0];
  for (let round = 0; round < ROUNDS; round++) {
    await pause(LOOK);
    globalThis.gc!();
    const usage = process.memoryUsage();
    code = getHeapCodeStatistics().code_and_metadata_size;
    heap = Math.min(heap, usage.heapUsed - code);
    external = Math.min(external, usage.external);
  }
  const counts: Record<string, number> = { ...own(), "reactor: delayed calls": reactor.getDelayedCalls().length };
  counts["reactor: transports"] = reactor.openTransports.size;
  for (const [name, kind] of Object.entries(CLASSES))
    counts[`objects: ${name}`] = queryObjects(kind, { format: "count" });
  for (const kind of process.getActiveResourcesInfo()) add(counts, `resources: ${kind}`);
  for (const kind of descriptors()) add(counts, `descriptors: ${kind}`);
  for (const name of process.eventNames()) counts[`listeners: ${String(name)}`] = process.listenerCount(name);
  return { counts, heap, external, code, rss: process.memoryUsage.rss() };
}

/** What has changed, in words; nothing if it is as it was. */
export function differences(before: Census, after: Census, tolerance: number): string[] {
  const names = new Set([...Object.keys(before.counts), ...Object.keys(after.counts)]);
  const changed = [...names]
    .map((name) => [name, before.counts[name] ?? 0, after.counts[name] ?? 0] as const)
    .filter(([name, was, is]) => {
      if (name.startsWith("objects: ")) return is - was > OBJECTS;
      if (name === "descriptors: /dev/null") return is - was > 1; // what stands for nothing is opened once, and kept
      return was !== is;
    })
    .map(([name, was, is]) => `${name}: ${was} became ${is}`);
  for (const kind of ["heap", "external"] as const) {
    const grown = after[kind] - before[kind];
    if (grown > tolerance) changed.push(`${kind} grew by ${grown} bytes`);
  }
  return changed;
}

function* descriptors(): Generator<string> {
  for (const name of readdirSync("/proc/self/fd")) {
    let target: string;
    try {
      target = readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      continue; // that of the folder itself
    }
    yield target.replace(/:\[.*$/, "");
  }
}

function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}
