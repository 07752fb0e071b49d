/** Accounts of this system, and acting as one of them. */
import { readFileSync } from "node:fs";
import type { PasswdEntry } from "../checkers/passwd.js";

/** The primary group first, then every group of `/etc/group` that names the user as a member (group(5)). */
export function groupsOf({ pw_name, pw_gid }: PasswdEntry, file = "/etc/group"): number[] {
  const groups = new Set([pw_gid]);
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const [, , gid, members] = line.split(":");
    if (gid !== undefined && members?.split(",").includes(pw_name) === true) groups.add(Number(gid));
  }
  return [...groups];
}

export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/**
 * Calls each function with the user's effective ids, and gives back what the last returns. The ids are those of the whole
 * process, so the functions must not wait for anything. When we are not root we are the user already, or cannot be.
 */
export function runAs<T>(uid: number, gid: number, groups: readonly number[], ...calls: readonly (() => T)[]): T {
  const run = () => calls.map((call) => call()).at(-1) as T;
  if (!isRoot() || uid === 0) return run();
  const [ourGroup, ourGroups] = [process.getegid!(), process.getgroups!()];
  process.setgroups!([...groups]);
  process.setegid!(gid);
  process.seteuid!(uid);
  try {
    return run();
  } finally {
    process.seteuid!(0);
    process.setegid!(ourGroup);
    process.setgroups!(ourGroups);
  }
}
