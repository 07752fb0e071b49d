/** Whom a child runs as. */
import { NotImplementedError, OSError } from "../exceptions.js";

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** All groups of the user, `gid` among them. */
  readonly groups: readonly number[];
}

/** Null when that is whom we run as. @throws OSError when we may not be anybody else. */
export function identityOf(uid: number | null, gid: number | null): Identity | null {
  if (uid === null && gid === null) return null;
  if (process.geteuid === undefined || process.getegid === undefined) {
    throw new NotImplementedError("this system has no user ids");
  }
  const ours = { uid: process.geteuid(), gid: process.getegid() };
  const wanted = { uid: uid ?? ours.uid, gid: gid ?? ours.gid };
  if (wanted.uid === ours.uid && wanted.gid === ours.gid) return null;
  if (ours.uid !== 0) {
    throw new OSError(`only root can start a process for user ${wanted.uid}, group ${wanted.gid}`, { code: "EPERM" });
  }
  return { ...wanted, groups: groupsOf(wanted.uid, wanted.gid) };
}

/** Calls `run` while our own groups are those of somebody else, which a child made meanwhile keeps. It must not wait. */
export function withGroups<T>(groups: readonly number[], run: () => T): T {
  const ours = process.getgroups!();
  process.setgroups!([...groups]);
  try {
    return run();
  } finally {
    process.setgroups!(ours);
  }
}

/** As Node documents it; its types have none. */
interface InitGroups {
  initgroups(user: string | number, extraGroup: string | number): void;
}

/** The system's library finds them, wherever groups are kept: we put them on for a moment, and look. */
function groupsOf(uid: number, gid: number): number[] {
  const [ours, group] = [process.getgroups!(), process.getegid!()];
  process.setegid!(gid); // getgroups adds it
  try {
    (process as unknown as InitGroups).initgroups(uid, gid);
    return process.getgroups!();
  } catch {
    return [gid]; // nobody's number
  } finally {
    process.setgroups!(ours);
    process.setegid!(group);
  }
}
