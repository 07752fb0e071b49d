/** The sockets that systemd opens for a service (sd_listen_fds(3)). */
import { ValueError } from "../exceptions.js";

const FIRST = 3; // behind stdin, stdout and stderr

/** The descriptors that this process was started with, in order and by name. */
export class ListenFDs {
  readonly #descriptors: readonly number[];
  readonly #names: readonly string[];

  constructor(descriptors: readonly number[], names: readonly string[] = descriptors.map(() => "unknown")) {
    this.#descriptors = descriptors;
    this.#names = names;
  }

  /** None if the variables are missing, meant for another process, or do not agree. */
  static fromEnvironment(environ: NodeJS.ProcessEnv = process.env): ListenFDs {
    const { LISTEN_PID = "", LISTEN_FDS = "", LISTEN_FDNAMES } = environ;
    if (LISTEN_PID !== String(process.pid) || !/^[0-9]{1,4}$/.test(LISTEN_FDS)) return new ListenFDs([]);
    const descriptors = Array.from({ length: Number(LISTEN_FDS) }, (_, i) => FIRST + i);
    if (LISTEN_FDNAMES === undefined) return new ListenFDs(descriptors);
    const names = LISTEN_FDNAMES.split(":");
    return names.length === descriptors.length ? new ListenFDs(descriptors, names) : new ListenFDs([]);
  }

  inheritedDescriptors(): number[] {
    return [...this.#descriptors];
  }

  inheritedNamedDescriptors(): Map<string, number> {
    return new Map(this.#names.map((name, i) => [name, this.#descriptors[i]!]));
  }

  /** @throws ValueError if there is none */
  byIndex(index: number): number {
    const found = this.#descriptors[index];
    if (found === undefined)
      throw new ValueError(`systemd gave ${this.#descriptors.length} sockets, none is number ${index}`);
    return found;
  }

  /** @throws ValueError if there is none */
  byName(name: string): number {
    const found = this.inheritedNamedDescriptors().get(name);
    if (found === undefined) throw new ValueError(`systemd gave no socket named ${JSON.stringify(name)}`);
    return found;
  }
}
