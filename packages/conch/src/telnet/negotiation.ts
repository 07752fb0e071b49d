/** What of an option's negotiation (RFC 854, RFC 1143) is on its way, on either side. */
import { Deferred, fail } from "@strombus/reactor/defer";
import { AssertionError, NotImplementedError, ValueError } from "@strombus/reactor/exceptions";
import type { Failure } from "@strombus/reactor/failure";
import type { MaybeAsync } from "@strombus/reactor/interfaces";
import { Logger } from "@strombus/reactor/logger";
import { connectionDone, Protocol } from "@strombus/reactor/protocol";
import { isLater } from "../channel/later.js";
import { peerLog } from "../peer-log.js";
import { DO, DONT, IAC, WILL, WONT } from "./constants.js";
import { AlreadyDisabled, AlreadyEnabled, AlreadyNegotiating, type NegotiationError, OptionRefused } from "./errors.js";
import type { TelnetOption } from "./interfaces.js";

const log = new Logger({ namespace: "strombus.conch.telnet" });

/** One side of an option. */
export interface Perspective {
  state: "no" | "yes";
  /** We have asked, and the answer is to come. */
  negotiating: boolean;
  /** What fires with the answer. */
  onResult: Deferred<true> | null;
}

export interface OptionState {
  /** What we do. */
  readonly us: Perspective;
  /** What the peer does. */
  readonly him: Perspective;
}

/** What is done about a command, by the state of its side and whether we wait for an answer. */
export type CommandTable = Record<
  "no_false" | "no_true" | "yes_false" | "yes_true",
  (state: OptionState, option: number) => MaybeAsync
>;

const disabled = (): Perspective => ({ state: "no", negotiating: false, onResult: null });

/** @throws ValueError for what is no byte */
export function optionNumber(option: TelnetOption): number {
  const value = typeof option === "number" ? option : option.length === 1 ? option[0]! : NaN;
  if (!Number.isInteger(value) || value < 0 || value > 255) throw new ValueError("an option is one byte");
  return value;
}

/** Asks the peer for options, and answers what it asks. */
export abstract class OptionNegotiation extends Protocol {
  /** By option; what is not there is off. */
  options = new Map<number, OptionState>();
  /** So many of the peer's wishes are answered; one more ends the connection. */
  maxAnswers = 4096;
  willMap: CommandTable = {
    no_false: (state, option) => this.will_no_false(state, option),
    no_true: (state, option) => this.will_no_true(state, option),
    yes_false: (state, option) => this.will_yes_false(state, option),
    yes_true: (state, option) => this.will_yes_true(state, option),
  };
  wontMap: CommandTable = {
    no_false: (state, option) => this.wont_no_false(state, option),
    no_true: (state, option) => this.wont_no_true(state, option),
    yes_false: (state, option) => this.wont_yes_false(state, option),
    yes_true: (state, option) => this.wont_yes_true(state, option),
  };
  doMap: CommandTable = {
    no_false: (state, option) => this.do_no_false(state, option),
    no_true: (state, option) => this.do_no_true(state, option),
    yes_false: (state, option) => this.do_yes_false(state, option),
    yes_true: (state, option) => this.do_yes_true(state, option),
  };
  dontMap: CommandTable = {
    no_false: (state, option) => this.dont_no_false(state, option),
    no_true: (state, option) => this.dont_no_true(state, option),
    yes_false: (state, option) => this.dont_yes_false(state, option),
    yes_true: (state, option) => this.dont_yes_true(state, option),
  };
  #answers = 0;
  #isOffended = false;
  #lost: Failure | null = null;

  // What we ask for

  do(option: TelnetOption): Deferred<true> {
    return this.#request(option, "him", "yes", DO);
  }

  dont(option: TelnetOption): Deferred<true> {
    return this.#request(option, "him", "no", DONT);
  }

  will(option: TelnetOption): Deferred<true> {
    return this.#request(option, "us", "yes", WILL);
  }

  wont(option: TelnetOption): Deferred<true> {
    return this.#request(option, "us", "no", WONT);
  }

  getOptionState(option: TelnetOption): OptionState {
    const number = optionNumber(option);
    const known = this.options.get(number);
    if (known !== undefined) return known;
    const state = { us: disabled(), him: disabled() };
    this.options.set(number, state);
    return state;
  }

  // What the application decides

  enableLocal(option: number): boolean {
    return false;
  }

  enableRemote(option: number): boolean {
    return false;
  }

  /** To be overridden by those who enable any. */
  disableLocal(option: number): MaybeAsync {
    throw new NotImplementedError(`nobody knows how to disable option ${option}`);
  }

  /** To be overridden by those who enable any. */
  disableRemote(option: number): MaybeAsync {
    throw new NotImplementedError(`nobody knows how to have option ${option} disabled`);
  }

  override connectionLost(reason: Failure = connectionDone): MaybeAsync {
    this.#lost = reason;
    for (const { us, him } of this.options.values()) {
      for (const side of [us, him]) finished(side)?.errback(reason);
    }
  }

  // What the peer says

  telnet_WILL(option: number): MaybeAsync {
    return this.#decide(this.willMap, "him", option);
  }

  telnet_WONT(option: number): MaybeAsync {
    return this.#decide(this.wontMap, "him", option);
  }

  telnet_DO(option: number): MaybeAsync {
    return this.#decide(this.doMap, "us", option);
  }

  telnet_DONT(option: number): MaybeAsync {
    return this.#decide(this.dontMap, "us", option);
  }

  /** It offers. */
  will_no_false(state: OptionState, option: number): MaybeAsync {
    return this.#offered(state.him, this.enableRemote(option), [DO, DONT], option);
  }

  /** It does what we asked for. */
  will_no_true(state: OptionState, option: number): MaybeAsync {
    this.#agreed(state.him, "yes");
    const enabled: unknown = this.enableRemote(option);
    if (isLater(enabled)) return enabled;
    if (enabled !== true) throw new AssertionError(`option ${option} was asked for, and is not wanted`);
  }

  /** It does so already. */
  will_yes_false(state: OptionState, option: number): MaybeAsync {}

  /** It would go on while it is told to stop, which is no answer (RFC 854: a request to stop is never refused). */
  will_yes_true(state: OptionState, option: number): MaybeAsync {
    this.offended(`WILL ${option} as the answer to DONT`);
  }

  wont_no_false(state: OptionState, option: number): MaybeAsync {}

  wont_no_true(state: OptionState, option: number): MaybeAsync {
    finished(state.him)?.errback(new OptionRefused(option));
  }

  wont_yes_false(state: OptionState, option: number): MaybeAsync {
    state.him.state = "no";
    const later = this.disableRemote(option);
    this.#answer(DONT, option);
    return later;
  }

  wont_yes_true(state: OptionState, option: number): MaybeAsync {
    this.#agreed(state.him, "no");
    return this.disableRemote(option);
  }

  /** It asks for it. */
  do_no_false(state: OptionState, option: number): MaybeAsync {
    return this.#offered(state.us, this.enableLocal(option), [WILL, WONT], option);
  }

  /** It takes what we offered. */
  do_no_true(state: OptionState, option: number): MaybeAsync {
    this.#agreed(state.us, "yes");
    const enabled: unknown = this.enableLocal(option);
    if (isLater(enabled)) return enabled;
  }

  do_yes_false(state: OptionState, option: number): MaybeAsync {}

  do_yes_true(state: OptionState, option: number): MaybeAsync {
    this.offended(`DO ${option} as the answer to WONT`);
  }

  dont_no_false(state: OptionState, option: number): MaybeAsync {}

  dont_no_true(state: OptionState, option: number): MaybeAsync {
    finished(state.us)?.errback(new OptionRefused(option));
  }

  dont_yes_false(state: OptionState, option: number): MaybeAsync {
    state.us.state = "no";
    const later = this.disableLocal(option);
    this.#answer(WONT, option);
    return later;
  }

  dont_yes_true(state: OptionState, option: number): MaybeAsync {
    this.#agreed(state.us, "no");
    return this.disableLocal(option);
  }

  // For those who build on this

  /** Whether the peer has broken the rules, and nothing more of what it says counts. */
  protected get isOffended(): boolean {
    return this.#isOffended;
  }

  /** The peer has broken the rules of the protocol, and the connection is over. */
  protected offended(what: string): void {
    if (this.#isOffended) return;
    this.#isOffended = true;
    const peer = String(this.transport?.getPeer() ?? "-");
    peerLog(log, this.transport).info("closing the telnet connection of {peer}: {what}", { peer, what });
    this._close();
  }

  protected _close(): void {
    this.transport?.loseConnection();
  }

  /** Sends bytes as they are. */
  protected _write(bytes: Uint8Array): void {
    this.transport?.write(bytes);
  }

  #request(wanted: TelnetOption, side: "us" | "him", goal: "yes" | "no", command: number): Deferred<true> {
    const option = optionNumber(wanted);
    const state = this.getOptionState(option);
    const error = errorOf(state, side, goal, option);
    if (error !== null) return fail(error);
    if (this.#lost !== null) return fail(this.#lost);
    const onResult = new Deferred<true>();
    Object.assign(state[side], { negotiating: true, onResult });
    this._write(Buffer.of(IAC, command, option));
    return onResult;
  }

  #decide(table: CommandTable, side: "us" | "him", option: number): MaybeAsync {
    const state = this.getOptionState(option);
    return table[`${state[side].state}_${state[side].negotiating}`](state, option);
  }

  #offered(side: Perspective, enabled: unknown, [yes, no]: readonly [number, number], option: number): MaybeAsync {
    if (enabled === true) side.state = "yes";
    this.#answer(enabled === true ? yes : no, option);
    if (isLater(enabled)) return enabled;
  }

  #agreed(side: Perspective, state: "yes" | "no"): void {
    side.state = state;
    finished(side)?.callback(true);
  }

  #answer(command: number, option: number): void {
    this.#answers += 1;
    if (this.#answers > this.maxAnswers) this.offended("it asks for too much");
    else this._write(Buffer.of(IAC, command, option));
  }
}

/** No answer is to come any more: what waited for it, if anything did. */
function finished(side: Perspective): Deferred<true> | null {
  const { onResult } = side;
  side.negotiating = false;
  side.onResult = null;
  return onResult;
}

/** Why this cannot be asked for now. */
function errorOf(state: OptionState, side: "us" | "him", goal: "yes" | "no", option: number): NegotiationError | null {
  if (state.us.negotiating || state.him.negotiating) return new AlreadyNegotiating(option);
  if (state[side].state !== goal) return null;
  return goal === "yes" ? new AlreadyEnabled(option) : new AlreadyDisabled(option);
}
