/**
 * What a server does against floods and guesses before anybody has logged in (rules R5 and R6): connections that have
 * not logged in are bounded, in all and by source, and refused at random with rising odds before the bound is met, so
 * that one flood cannot shut the others out; sources that guess, stall or break the protocol are refused for a time that
 * grows with what they do, and fades. The terms are those of sshd's MaxStartups and PerSourcePenalties.
 */
import { totalmem } from "node:os";
import { reactor } from "@strombus/reactor";
import type { IAddress, IReactorTime } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import type { Gate, Offence, Visit } from "../transport/gate.js";
import { bytesHeld } from "../transport/held.js";
import { heapFill } from "./heap.js";
import { Penalties, type PenaltyTerms } from "./penalties.js";
import { hostOf, isIn, isLoopback, networks, sourceOf } from "./source.js";

const log = new Logger({ namespace: "strombus.conch.defence" });

/** Why connections are refused. */
export type Refusal =
  | "penalty" // the source misbehaved and its time is not over
  | "source" // too many of its connections have not logged in
  | "random" // many connections have not logged in: this one drew the short straw
  | "full" // as many as may be have not logged in
  | "connections" // as many as may be are open
  | "memory" // the process is short of memory
  | "queued"; // too much waits for those who are in

export interface DefenceOptions {
  /** Connections that have not logged in: all are let in below `start`, of `full` none, between them fewer and fewer. */
  readonly startups?: {
    readonly start: number;
    /** Odds of refusal at `start`. */ readonly rate: number;
    readonly full: number;
  };
  /** Connections of one source that have not logged in. */
  readonly perSource?: number;
  /** Connections in all, logged in or not. Default: as many as come. */
  readonly maxConnections?: number;
  /** Part of the memory that the process may have, from which on newcomers are refused; 1 and more never does. */
  readonly memoryPressure?: number;
  /** Bytes that may wait, in the whole process, for clients to take them; from there on newcomers are refused. */
  readonly maxQueued?: number;
  /** Leading bits of an address that count as one source. */
  readonly ipv4Prefix?: number;
  readonly ipv6Prefix?: number;
  readonly penalties?: Partial<PenaltyTerms> | null;
  /** Hosts and networks to which none of this applies, such as `["192.0.2.0/24", "2001:db8::1"]`. */
  readonly exempt?: readonly string[];
  /** Loopback is exempt too, unless this is false. */
  readonly exemptLoopback?: boolean;
  readonly clock?: Pick<IReactorTime, "seconds">;
  /** From 0 to 1, 1 excluded. */
  readonly random?: () => number;
}

const LOG_INTERVAL = 1; // seconds
const MEMORY_INTERVAL = 0.25; // seconds between two looks

/** Bytes: a quarter of the memory of the machine, and no more than 1 GiB. */
const MAX_QUEUED = Math.min(2 ** 30, totalmem() / 4);

export const DEFAULT_PENALTIES: PenaltyTerms = {
  terms: { protocol: 90, login: 5, timeout: 10, nothing: 1 },
  feltFrom: 15,
  most: 600,
  sources: 65_536,
};

const NO_VISIT: Visit = { loggedIn() {}, commit() {}, left() {} };

const BY_WEIGHT: readonly Offence[] = ["nothing", "login", "timeout", "protocol"];

/**
 * The gate of a server. Every `SSHFactory` has one of its own with these defaults; several may share one:
 *
 * ```ts
 * factory.defence = new Defence({ perSource: 8, exempt: ["10.0.0.0/8"] });
 * factory.defence = null; // everybody is let in
 * ```
 */
export class Defence implements Gate {
  readonly #options: Required<Omit<DefenceOptions, "penalties" | "exempt" | "exemptLoopback">>;
  readonly #terms: PenaltyTerms | null;
  readonly #exemptLoopback: boolean;
  readonly #exempt: ReturnType<typeof networks> | null;
  readonly #penalties = new Penalties();
  readonly #bySource = new Map<string, number>();
  #startups = 0;
  #connections = 0;
  readonly #refused = new Map<Refusal, number>();
  #lastRefusal: Refusal | null = null;
  #unlogged = 0;
  #loggedAt = -Infinity;
  #lookedAt = -Infinity;
  #short = false;
  #queued = 0; // bytes

  constructor({
    startups = { start: 100, rate: 0.3, full: 500 },
    perSource = 32,
    maxConnections = Infinity,
    memoryPressure = 0.9,
    maxQueued = MAX_QUEUED,
    ipv4Prefix = 32,
    ipv6Prefix = 64,
    penalties = {},
    exempt = [],
    exemptLoopback = true,
    clock = reactor,
    random = Math.random,
  }: DefenceOptions = {}) {
    this.#options = {
      startups,
      perSource,
      maxConnections,
      memoryPressure,
      maxQueued,
      ipv4Prefix,
      ipv6Prefix,
      clock,
      random,
    };
    this.#terms = penalties === null ? null : { ...DEFAULT_PENALTIES, ...penalties };
    this.#exemptLoopback = exemptLoopback;
    this.#exempt = exempt.length === 0 ? null : networks(exempt);
  }

  /** Connections that are open and have not logged in, those of exempt sources left out. */
  get startups(): number {
    return this.#startups;
  }

  /** Connections that are open, those of exempt sources left out. */
  get connections(): number {
    return this.#connections;
  }

  /** Sources that are remembered for what they did. */
  get penalised(): number {
    return this.#penalties.size;
  }

  /** How many connections were refused, by reason. */
  get refused(): ReadonlyMap<Refusal, number> {
    return this.#refused;
  }

  /** Why the last one was turned away. */
  get lastRefusal(): Refusal | null {
    return this.#lastRefusal;
  }

  admit(peer: IAddress): Visit | null {
    const host = hostOf(peer);
    if (host === null || this.#isExempt(host)) return NO_VISIT;
    const source = sourceOf(host, this.#options);
    const refusal = this.#refusal(source);
    if (refusal !== null) {
      this.#refuse(refusal, host);
      return null;
    }
    this.#connections++;
    this.#startups++;
    this.#bySource.set(source, (this.#bySource.get(source) ?? 0) + 1);
    return new SourceVisit(
      () => this.#settled(source),
      (offence) => this.#left(source, offence),
    );
  }

  #refusal(source: string): Refusal | null {
    const { startups, perSource, maxConnections, clock, random } = this.#options;
    if (this.#terms !== null && this.#penalties.left(source, clock.seconds()) > 0) return "penalty";
    if (this.#connections >= maxConnections) return "connections";
    if ((this.#bySource.get(source) ?? 0) >= perSource) return "source";
    if (this.#startups >= startups.full) return "full";
    this.#look();
    if (this.#short) return "memory";
    if (this.#queued >= this.#options.maxQueued) return "queued";
    if (this.#startups < startups.start) return null;
    const way = (this.#startups - startups.start) / (startups.full - startups.start);
    return random() < startups.rate + (1 - startups.rate) * way ? "random" : null;
  }

  /** It counts no longer among those that have not logged in. */
  #settled(source: string): void {
    this.#startups--;
    const left = this.#bySource.get(source)! - 1;
    if (left > 0) this.#bySource.set(source, left);
    else this.#bySource.delete(source);
  }

  #left(source: string, offence: Offence | null): void {
    this.#connections--;
    if (offence === null || this.#terms === null) return;
    this.#penalties.add(source, offence, this.#options.clock.seconds(), this.#terms);
  }

  /** At memory, now and then. */
  #look(): void {
    const { memoryPressure, clock } = this.#options;
    const now = clock.seconds();
    if (now - this.#lookedAt < MEMORY_INTERVAL) return;
    this.#lookedAt = now;
    this.#short = memoryPressure < 1 && heapFill() > memoryPressure;
    this.#queued = bytesHeld();
  }

  #isExempt(host: string): boolean {
    return (this.#exemptLoopback && isLoopback(host)) || (this.#exempt !== null && isIn(this.#exempt, host));
  }

  /** Each is counted; a flood gets a line a second (rule L4). */
  #refuse(reason: Refusal, host: string): void {
    this.#lastRefusal = reason;
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    const now = this.#options.clock.seconds();
    if (now - this.#loggedAt < LOG_INTERVAL) {
      this.#unlogged++;
      return;
    }
    const more = this.#unlogged;
    this.#loggedAt = now;
    this.#unlogged = 0;
    log.warn("refused a connection from {host}: {reason}{others}", {
      "event.name": "ssh.connection.refused",
      "client.address": host,
      "ssh.refusal.reason": reason,
      host,
      reason,
      more,
      others: more === 0 ? "" : `, and ${more} more since the last such line`,
    });
  }
}

class SourceVisit implements Visit {
  readonly #settle: () => void;
  readonly #end: (offence: Offence | null) => void;
  #isLoggedIn = false;
  #isOver = false;
  #worst: Offence = "nothing";

  constructor(settle: () => void, end: (offence: Offence | null) => void) {
    this.#settle = settle;
    this.#end = end;
  }

  loggedIn(): void {
    if (this.#isLoggedIn || this.#isOver) return;
    this.#isLoggedIn = true;
    this.#settle();
  }

  commit(offence: Offence): void {
    if (BY_WEIGHT.indexOf(offence) > BY_WEIGHT.indexOf(this.#worst)) this.#worst = offence;
  }

  left(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.#isLoggedIn) this.#settle();
    this.#end(this.#isLoggedIn ? null : this.#worst);
  }
}
