/** The users of a UNIX system, as Python's `pwd` module shows them. */
import { readFileSync } from "node:fs";
import { KeyError } from "@strombus/reactor/exceptions";

/** One line of `/etc/passwd` (passwd(5)). */
export interface PasswdEntry {
  readonly pw_name: string;
  readonly pw_passwd: string;
  readonly pw_uid: number;
  readonly pw_gid: number;
  readonly pw_gecos: string;
  /** The home directory. */
  readonly pw_dir: string;
  readonly pw_shell: string;
}

/** Where users are looked up. */
export interface UserDatabase {
  /** @throws KeyError for a user who is unknown; the entry may be a Promise too. */
  getpwnam(name: string): PasswdEntry | PromiseLike<PasswdEntry>;
}

/** The users in `/etc/passwd`, read anew each time; those of a directory service are not in it. */
export const pwd = {
  /** Where they stand; a test may put another file in its place. */
  path: "/etc/passwd",

  /** The record has its fields by index too. */
  getpwnam(name: string): PasswdEntry & PasswdFields {
    for (const line of readFileSync(pwd.path, "utf8").split("\n")) {
      const fields = line.split(":");
      if (fields.length !== 7 || fields[0] !== name) continue;
      const [pw_name, pw_passwd, uid, gid, pw_gecos, pw_dir, pw_shell] = fields as [string, ...string[]] & string[7][];
      const [pw_uid, pw_gid] = [Number(uid), Number(gid)];
      const entry = { pw_name, pw_passwd, pw_uid, pw_gid, pw_gecos, pw_dir, pw_shell } as PasswdEntry;
      return Object.assign(Object.values(entry) as unknown as PasswdFields, entry);
    }
    throw new KeyError(`no user ${JSON.stringify(name)}`);
  },
} satisfies UserDatabase & Record<string, unknown>;

type PasswdFields = readonly [
  name: string,
  passwd: string,
  uid: number,
  gid: number,
  gecos: string,
  dir: string,
  shell: string,
];
