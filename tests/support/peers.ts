/**
 * Other people's SSH programs, in a system of their own that shares the loopback network: `STROMBUS_PEER` is a program
 * that runs its arguments there.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "./example.js";

const command = process.env["STROMBUS_PEER"] ?? join(root, "../shared/peers/peer");
const NEEDED = ["ssh", "plink", "dbclient", "python3", "rsync", "git"];

const HOW_TO = `
The interop tests need a Debian sid in a folder or container that shares this machine's loopback network, with
  apt-get install openssh-client openssh-tests putty-tools dropbear-bin python3-asyncssh python3-paramiko rsync git
and STROMBUS_PEER set to a program that runs its arguments there, such as a script with: exec chroot /the/folder "$@"`;

let areComplete = false;

/** The words that run a program among the peers. @throws if the peers are not there: nothing passes without them. */
export function peers(): readonly string[] {
  if (!areComplete) look();
  areComplete = true;
  return [command];
}

/** Once in a process: to start their Python alone takes half a second. */
function look(): void {
  if (!existsSync(command)) throw new Error(`There are no peers: ${command} does not exist.${HOW_TO}`);
  try {
    execFileSync(command, ["sh", "-c", `type ${NEEDED.join(" ")} && python3 -c "import asyncssh, paramiko"`]);
  } catch (cause) {
    throw new Error(`The peers of ${command} are not complete.${HOW_TO}`, { cause });
  }
}
