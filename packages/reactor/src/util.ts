/** What fits nowhere else (twisted.python.util). */

/**
 * Calls `f` with the effective user and group that are given, and goes back to the present ones when it returns or throws.
 * The ids are those of the whole process, so `f` must do its work before it returns. The process must be root, or have
 * been: ids that are the present ones already need no right.
 */
export function runAsEffectiveUser<A extends unknown[], R>(
  euid: number,
  egid: number,
  f: (...args: A) => R,
  ...args: A
): R {
  const uid = process.geteuid!();
  const gid = process.getegid!();
  if (uid === euid && gid === egid) return f(...args);
  if (uid !== 0) process.seteuid!(0);
  if (gid !== egid) process.setegid!(egid);
  if (euid !== 0) process.seteuid!(euid);
  try {
    return f(...args);
  } finally {
    if (euid !== 0) process.seteuid!(0);
    if (gid !== egid) process.setegid!(gid);
    if (uid !== 0) process.seteuid!(uid);
  }
}
