/** An X server without a screen, for X programs to connect to. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { temporaryFolder } from "./folder.js";
import { needed } from "./needed.js";
import { Program } from "./program.js";

export interface XServer {
  readonly number: number;
  /** Who connects shows the cookie of this file. */
  readonly authority: string;
  stop(): Promise<void>;
}

/** @param open whether whoever is on this machine may connect, by TCP too: then no cookie is asked for */
export async function startX({ open = false } = {}): Promise<XServer> {
  const authority = join(temporaryFolder(), "authority");
  const cookie = randomBytes(16).toString("hex");
  writeFileSync(authority, "");
  // A server takes all cookies of its file, whatever display they are for.
  const allow = (display: string) =>
    execFileSync(needed("xauth"), ["-q", "-f", authority, "add", display, "MIT-MAGIC-COOKIE-1", cookie]);
  allow(":0");
  const access = open ? ["-ac", "-listen", "tcp"] : ["-auth", authority, "-nolisten", "tcp"];
  const program = new Program([needed("Xvfb"), "-displayfd", "1", "-screen", "0", "320x200x8", ...access]);
  const [, digits] = await program.stdout.until(/(\d+)\n/);
  allow(`${hostname()}/unix:${digits}`);
  const stop = async () => {
    await program.kill();
  };
  return { number: Number(digits), authority, stop };
}
