/** Commands of this system, by the user's shell. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { userInfo } from "node:os";
import { getProcessOutput } from "@strombus/reactor/utils";
import type { UserDatabase } from "../../checkers/passwd.js";

/** What it writes, to either output. */
export async function outputOf(command: string, users: UserDatabase): Promise<Buffer> {
  return getProcessOutput(await shellOf(users), { args: ["-c", command], env: null, errortoo: true });
}

/** On the terminal that the program has. */
export async function interactiveShell(users: UserDatabase): Promise<void> {
  await once(spawn(await shellOf(users), { stdio: "inherit" }), "close");
}

async function shellOf(users: UserDatabase): Promise<string> {
  try {
    const { pw_shell } = await users.getpwnam(userInfo().username);
    return pw_shell === "" ? "/bin/sh" : pw_shell;
  } catch {
    return "/bin/sh"; // the account is not in the file
  }
}
