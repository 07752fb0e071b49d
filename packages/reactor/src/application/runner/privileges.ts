/** Giving up the rights of root, for good. */
import { execFileSync } from "node:child_process";
import { RunError } from "./errors.js";

export interface Identity {
  readonly uid: number | string | null;
  readonly gid: number | string | null;
}

/** Missing in Node's own types. */
interface InitGroups {
  readonly initgroups?: (user: number | string, extraGroup: number | string) => void;
}

/**
 * Becomes a user and a group. A user without a group brings the user's own groups; a group without a user keeps the
 * user. @throws RunError if that cannot be, or could be undone
 */
export function dropPrivileges({ uid, gid }: Identity): void {
  if (uid === null && gid === null) return;
  const { setuid, setgid, setgroups, initgroups, getuid } = process as NodeJS.Process & InitGroups;
  if (!setuid || !setgid || !setgroups || !initgroups || !getuid) {
    throw new RunError("this system has no users that a process could become");
  }
  try {
    const group = gid ?? Number(idOf("-g", uid!));
    if (uid === null) setgroups([group]);
    else
      joinGroups(
        () => initgroups(uid, group),
        uid,
        () => setgroups([group]),
      );
    setgid(group);
    if (uid !== null) setuid(uid);
  } catch (cause) {
    const whom = [uid, gid].filter((each) => each !== null).join(":");
    throw new RunError(`cannot become ${whom}: ${(cause as Error).message}`, { cause });
  }
  if (uid !== null && getuid() !== 0 && canBecomeRoot()) throw new RunError("the rights of root were not given up");
}

/** A number may be nobody's that the system knows, as in containers: then there is only the group. */
function joinGroups(ofUser: () => void, uid: number | string, onlyGroup: () => void): void {
  try {
    ofUser();
  } catch (error) {
    if (typeof uid !== "number") throw error;
    onlyGroup();
  }
}

/** The system's own answer, whatever its users are kept in. */
function idOf(option: "-g", user: number | string): string {
  return execFileSync("id", [option, "--", String(user)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  }).trim();
}

function canBecomeRoot(): boolean {
  try {
    process.setuid!(0);
    return true;
  } catch {
    return false;
  }
}
