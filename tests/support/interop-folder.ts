/** A folder where a peer lives, for the files that it reads. */
import { execFileSync } from "node:child_process";

export class PeerFolder {
  readonly path: string;

  /**
   * @param prefix the words that run a program there: none for this machine
   * @param where the folder is made, in words of the shell: Dropbear takes no file below one that others may write to
   */
  constructor(
    readonly prefix: readonly string[],
    where: "/tmp" | "~" = "/tmp",
  ) {
    this.path = this.run("sh", "-c", `mktemp -d ${where}/strombus-XXXXXX`).trim();
  }

  /** Writes a file that only its owner reads; returns its path, there. */
  put(name: string, content: string | Uint8Array, mode = "600"): string {
    const path = `${this.path}/${name}`;
    this.#spawn(["sh", "-c", 'mkdir -p "${0%/*}" && umask 077 && cat >"$0" && chmod "$1" "$0"', path, mode], content);
    return path;
  }

  read(path: string): Buffer {
    return this.#spawn(["cat", path]);
  }

  /** Runs a program to its end; returns what it printed. @throws if it fails */
  run(...words: string[]): string {
    return this.#spawn(words).toString();
  }

  remove(): void {
    this.run("rm", "-r", this.path);
  }

  #spawn(words: readonly string[], input: string | Uint8Array = ""): Buffer {
    const [file = "", ...args] = [...this.prefix, ...words];
    return execFileSync(file, args, { input, stdio: ["pipe", "pipe", "pipe"], maxBuffer: 2 ** 30 });
  }
}
