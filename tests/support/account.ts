/** An account of this system with a home and a login shell, made for a test and deleted after it. It needs root. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needed } from "./needed.js";

export class Account {
  readonly name = `strombus-${randomBytes(4).toString("hex")}`;
  readonly home = join("/home", this.name);
  readonly uid: number;
  readonly gid: number;

  /** @param keys lines for its authorized_keys; @param groups those that it is in besides its own */
  constructor(keys: string, groups: readonly string[] = []) {
    if (process.getuid!() !== 0)
      throw new Error("accounts of this system can be made by root only: run the tests as root");
    const options = ["--create-home", "--shell", "/bin/bash", "--groups", groups.join(",")];
    execFileSync(needed("useradd"), [...options, this.name]);
    const id = (kind: string) => Number(execFileSync("id", [kind, this.name]).toString());
    [this.uid, this.gid] = [id("-u"), id("-g")];
    mkdirSync(join(this.home, ".ssh"), 0o700);
    this.put(".ssh/authorized_keys", keys);
    chownSync(join(this.home, ".ssh"), this.uid, this.gid);
  }

  /** Writes a file of its own in its home; returns the path. */
  put(name: string, content: string | Uint8Array): string {
    const path = join(this.home, name);
    writeFileSync(path, content, { mode: 0o600 });
    chownSync(path, this.uid, this.gid);
    return path;
  }

  /** The names of its processes that are not dead. */
  get processes(): string[] {
    const statuses = readdirSync("/proc").flatMap((pid) => (/^\d+$/.test(pid) ? statusOf(pid) : []));
    const own = statuses.filter((status) => new RegExp(`^Uid:\\s+${this.uid}\\b`, "m").test(status));
    return own.flatMap((status) => (/^State:\s+[ZX]/m.test(status) ? [] : [/^Name:\s+(.*)$/m.exec(status)![1]!]));
  }

  remove(): void {
    execFileSync(needed("userdel"), ["--force", "--remove", this.name], { stdio: "ignore" });
  }
}

function statusOf(pid: string): string[] {
  try {
    return [readFileSync(`/proc/${pid}/status`, "utf8")];
  } catch {
    return []; // it has ended meanwhile
  }
}
