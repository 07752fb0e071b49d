/** A screen that tells when something is on it: for tests of programs on terminals. */
import { reactor } from "@strombus/reactor";
import { Deferred } from "@strombus/reactor/defer";
import type { BytesLike, IDelayedCall, IReactorTime } from "@strombus/reactor/interfaces";
import { TerminalBuffer } from "./buffer.js";

/** What was expected has not come in time. */
export class ExpectationTimeout extends Error {
  override readonly name = "ExpectationTimeout";
  readonly code = "ERR_EXPECTATION_TIMEOUT";
}

export interface ExpectOptions {
  /** Seconds; none waits for ever. */
  timeout?: number | null;
  scheduler?: IReactorTime;
}

interface Expectation {
  readonly expression: RegExp;
  readonly found: Deferred<RegExpExecArray>;
  timer: IDelayedCall | null;
}

/** A screen in memory that tells when something is on it. */
export class ExpectableBuffer extends TerminalBuffer {
  _mark = 0;
  #expecting: Expectation[] = [];

  override connectionMade(): void {
    super.connectionMade();
    this._mark = 0;
    this.#expecting = [];
  }

  override write(data: BytesLike): void {
    super.write(data);
    this.#look();
  }

  override cursorHome(): void {
    super.cursorHome();
    this._mark = 0;
  }

  /**
   * Fires with the match when the expression, a pattern if it is text, is on the screen behind the one before. Fails with
   * ExpectationTimeout.
   */
  expect(
    expression: RegExp | string | Buffer,
    { timeout = null, scheduler = reactor }: ExpectOptions = {},
  ): Deferred<RegExpExecArray> {
    const [source, flags] =
      expression instanceof RegExp ? [expression.source, expression.flags] : [expression.toString(), ""];
    const found = new Deferred<RegExpExecArray>();
    const entry: Expectation = { expression: new RegExp(source, flags.replace(/[gy]/g, "")), found, timer: null };
    if (timeout) entry.timer = scheduler.callLater(timeout, () => this.#expire(entry));
    this.#expecting.push(entry);
    this.#look();
    return found;
  }

  #expire(entry: Expectation): void {
    entry.timer = null;
    this.#expecting = this.#expecting.filter((each) => each !== entry);
    entry.found.errback(new ExpectationTimeout(`${entry.expression.source} is not on the screen`));
    this.#look();
  }

  #look(): void {
    for (let head = this.#expecting[0]; head !== undefined; head = this.#expecting[0]) {
      const match = head.expression.exec(this.toString().slice(this._mark));
      if (match === null) return;
      this.#expecting.shift();
      if (head.timer?.active() === true) head.timer.cancel();
      this._mark += match.index + match[0].length;
      head.found.callback(match);
    }
  }
}
