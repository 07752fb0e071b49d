/** What the tests of this folder share. */
import type { Failure } from "../failure.js";
import type { IChildProcess, SpawnProcessOptions } from "../interfaces.js";
import { ProcessProtocol } from "../protocol.js";
import { spawnProcess } from "./spawn.js";

/** Writes down what it is told. */
export class Recorder extends ProcessProtocol {
  declare transport: IChildProcess;
  readonly events: string[] = [];
  /** The reason, when all is over. */
  readonly ended: Promise<Failure>;
  #end!: (reason: Failure) => void;
  output = Buffer.alloc(0);
  errors = "";
  bytes = 0;
  keep = true;
  #waiting: (() => void)[] = [];

  constructor() {
    super();
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  override connectionMade(): void {
    this.#tell("made");
  }
  override childDataReceived(fd: number, data: Buffer): void {
    if (fd === 2) this.errors += data.toString();
    else if (this.keep) this.output = Buffer.concat([this.output, data]);
    this.bytes += data.length;
    if (this.events.at(-1) !== `data ${fd}`) this.events.push(`data ${fd}`);
    this.#tell();
  }
  override childConnectionLost(fd: number): void {
    this.#tell(`lost ${fd}`);
  }
  override processExited(reason: Failure): void {
    this.#tell(`exited pid ${this.transport.pid}`);
  }
  override processEnded(reason: Failure): void {
    this.#tell("ended");
    this.#end(reason);
  }

  get text(): string {
    return this.output.toString();
  }

  /** Waits until the condition holds; events and data are what changes it. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #tell(event?: string): void {
    if (event !== undefined) this.events.push(event);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export const PATH = process.env["PATH"]!;

export function run<R extends Recorder>(
  recorder: R,
  [executable, ...args]: readonly [string, ...string[]],
  options: SpawnProcessOptions = {},
): R {
  spawnProcess(recorder, executable, [executable, ...args], { env: { PATH }, ...options });
  return recorder;
}

export function shell(script: string, options: SpawnProcessOptions = {}, ...args: string[]): Recorder {
  return run(new Recorder(), ["/bin/sh", "-c", script, "sh", ...args], options);
}
