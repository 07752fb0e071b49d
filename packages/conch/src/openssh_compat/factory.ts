/** A factory with the host keys and groups of an OpenSSH server (twisted.conch.openssh_compat.factory). */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "@strombus/reactor/failure";
import { Logger } from "@strombus/reactor/logger";
import { runAsEffectiveUser } from "@strombus/reactor/util";
import { type Primes, SSHFactory } from "../ssh/factory.js";
import { Key } from "../ssh/keys.js";
import { parseModuliFile } from "./primes.js";

const log = new Logger({ namespace: "strombus.conch.openssh_compat" });

const PUBLIC = /^ssh_host_.*_key\.pub$/;
const PRIVATE = /^ssh_host_.*_key$/;
const ROOT = 0;

/**
 * ```ts
 * const factory = new OpenSSHFactory();
 * factory.dataRoot = factory.moduliRoot = "/etc/ssh";
 * factory.portal = portal;
 * ```
 */
export class OpenSSHFactory extends SSHFactory {
  /** Where the files `ssh_host_*_key` and `ssh_host_*_key.pub` are. */
  dataRoot = "/usr/local/etc";
  /** Where `moduli` is. */
  moduliRoot = "/usr/local/etc";

  /** What cannot be read is logged and left out. */
  override getPublicKeys(): Record<string, Key> {
    return this.#keys(PUBLIC, (path) => Key.fromFile(path));
  }

  /**
   * A file that its owner alone may read is read as root. What is no key, or has a passphrase, is logged and left out.
   *
   * @throws SystemError for a file that cannot be read otherwise.
   */
  override getPrivateKeys(): Record<string, Key> {
    return this.#keys(PRIVATE, (path) => {
      try {
        return Key.fromFile(path);
      } catch (error) {
        if (codeOf(error) !== "EACCES") throw error;
        return runAsEffectiveUser(ROOT, ROOT, () => Key.fromFile(path));
      }
    });
  }

  /** Null, which is to do without group exchange, when there is no file of groups that can be read. */
  override getPrimes(): Primes | null {
    try {
      return parseModuliFile(join(this.moduliRoot, "moduli"));
    } catch (error) {
      log.info("no groups for group exchange: {why}", { why: String(error) });
      return null;
    }
  }

  #keys(names: RegExp, read: (path: string) => Key): Record<string, Key> {
    const keys: [type: string, key: Key][] = [];
    for (const name of readdirSync(this.dataRoot).sort()) {
      if (!names.test(name)) continue;
      try {
        const key = read(join(this.dataRoot, name));
        keys.push([key.sshType(), key]);
      } catch (error) {
        if (names === PRIVATE && codeOf(error) !== null) throw error;
        log.failure("bad host key file {name}", new Failure(error), { name });
      }
    }
    if (keys.length === 0) {
      const kind = names === PRIVATE ? "ssh_host_*_key" : "ssh_host_*_key.pub";
      log.error("no host key in a file {kind} in {folder}", { kind, folder: this.dataRoot });
    }
    return Object.fromEntries(keys);
  }
}

/** Of an error of the system. */
function codeOf(error: unknown): string | null {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall === undefined ? null : (code ?? null);
}
