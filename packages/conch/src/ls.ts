/** Lines as `ls -l` has them (twisted.conch.ls). */
import { constants } from "node:fs";

/** What a line needs of a file: Node's `Stats`, or Python's names. */
export type ListedFile =
  | {
      readonly mode: number;
      readonly nlink: number;
      readonly uid: number;
      readonly gid: number;
      readonly size: number;
      readonly mtimeMs: number;
    }
  | {
      readonly st_mode: number;
      readonly st_nlink: number;
      readonly st_uid: number;
      readonly st_gid: number;
      readonly st_size: number;
      /** In seconds. */
      readonly st_mtime: number;
    };

/** From when on a line has the year of a date and not its time: 26 weeks, in seconds. */
const LONG_AGO = 26 * 7 * 24 * 60 * 60;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

const TYPES = new Map([
  [constants.S_IFDIR, "d"],
  [constants.S_IFCHR, "c"],
  [constants.S_IFBLK, "b"],
  [constants.S_IFREG, "-"],
  [constants.S_IFIFO, "f"],
  [constants.S_IFLNK, "l"],
  [constants.S_IFSOCK, "s"],
]);
const SETUID = 0o4000;
const SETGID = 0o2000;

/**
 * One line: type and permissions, links, owner and group as numbers, size, date by the local clock, and the name.
 *
 * @param name text, or bytes of UTF-8
 * @param now in seconds since 1970
 */
export function lsLine(name: string | Uint8Array, stat: ListedFile, now = Date.now() / 1000): string {
  const { mode, links, uid, gid, size, mtime } = "st_mode" in stat ? fromPython(stat) : fromNode(stat);
  return [
    permissions(mode),
    String(links).padStart(5),
    " ",
    String(uid).padEnd(9),
    String(gid).padEnd(9),
    String(size).padStart(8),
    " ",
    date(mtime, now),
    typeof name === "string" ? name : Buffer.from(name).toString(),
  ].join("");
}

interface Facts {
  readonly mode: number;
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
}

function fromNode({ mode, nlink, uid, gid, size, mtimeMs }: Extract<ListedFile, { mode: number }>): Facts {
  return { mode, links: nlink, uid, gid, size, mtime: mtimeMs / 1000 };
}

function fromPython(stat: Extract<ListedFile, { st_mode: number }>): Facts {
  const { st_mode: mode, st_nlink: links, st_uid: uid, st_gid: gid, st_size: size, st_mtime: mtime } = stat;
  return { mode, links, uid, gid, size, mtime };
}

function permissions(mode: number): string {
  const type = TYPES.get(mode & constants.S_IFMT) ?? "!";
  return `${type}${triple(mode >> 6, mode & SETUID)}${triple(mode >> 3, mode & SETGID)}${triple(mode, 0)}`;
}

/** Of one owner, group or all others; an `s` for who becomes the owner or the group by running it. */
function triple(bits: number, setid: number): string {
  const executable = setid === 0 ? ["-", "x"] : ["S", "s"];
  return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${executable[bits & 1]!}`;
}

function date(mtime: number, now: number): string {
  const when = new Date(mtime * 1000);
  const day = `${MONTHS[when.getMonth()]!} ${twoDigits(when.getDate())}`;
  if (mtime + LONG_AGO < now) return `${day}  ${when.getFullYear()} `;
  return `${day} ${twoDigits(when.getHours())}:${twoDigits(when.getMinutes())} `;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
