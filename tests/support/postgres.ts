/** A PostgreSQL server of one's own: a new cluster in a temporary folder, run by a user who is not root. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./folder.js";
import { needed } from "./needed.js";
import { freePort } from "./ports.js";
import { Program } from "./program.js";

const VERSIONS = "/usr/lib/postgresql";

export class Postgres {
  #server: Program | null = null;

  private constructor(
    readonly folder: string,
    readonly port: number,
  ) {}

  /** What the name of its database is to a client. */
  get url(): string {
    return `postgres://strombus@127.0.0.1:${this.port}/postgres`;
  }

  /** Makes a cluster and starts its server. @throws if PostgreSQL is not installed. */
  static async start(): Promise<Postgres> {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "data"));
    if (process.getuid!() === 0) execFileSync("chown", ["-R", "postgres:postgres", folder]);
    run("initdb", ["-D", join(folder, "data"), "-U", "strombus", "--auth", "trust", "--no-sync", "-E", "UTF8"]);
    const postgres = new Postgres(folder, await freePort());
    await postgres.restart();
    return postgres;
  }

  /** Starts the server again, after `stop`. */
  async restart(): Promise<void> {
    const options = ["listen_addresses=127.0.0.1", `port=${this.port}`, "fsync=off", "logging_collector=off"];
    const settings = [...options, `unix_socket_directories=${this.folder}`].flatMap((each) => ["-c", each]);
    this.#server = new Program([...asNobody(), program("postgres"), "-D", join(this.folder, "data"), ...settings]);
    await this.#server.stderr.until("ready to accept connections");
  }

  /** Ends it at once, its connections with it. */
  async stop(): Promise<void> {
    await this.#server?.kill("SIGQUIT");
    this.#server = null;
  }
}

function run(name: string, args: readonly string[]): void {
  const [file = "", ...words] = [...asNobody(), program(name), ...args];
  execFileSync(file, words, { stdio: "pipe", cwd: "/" });
}

/** The words that run a program as the user `postgres`, if we are root. */
function asNobody(): string[] {
  if (process.getuid!() !== 0) return [];
  return [needed("setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups"];
}

function program(name: string): string {
  const versions = listing(VERSIONS).sort((a, b) => Number(b) - Number(a));
  const folder = versions.map((version) => join(VERSIONS, version, "bin")).find((bin) => listing(bin).includes(name));
  return folder === undefined ? needed(name) : join(folder, name);
}

function listing(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
