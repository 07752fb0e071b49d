/** Databases of UNIX users in memory, for tests (twisted.python.fakepwd). */
import { KeyError } from "./exceptions.js";

/** An entry of passwd(5), by name and by index as Python's `pwd` module has it. */
export type FakePasswdEntry = readonly [string, string, number, number, string, string, string] & {
  readonly pw_name: string;
  readonly pw_passwd: string;
  readonly pw_uid: number;
  readonly pw_gid: number;
  readonly pw_gecos: string;
  readonly pw_dir: string;
  readonly pw_shell: string;
};

/** An entry of shadow(5), by name and by index as Python's `spwd` module has it; dates and periods are in days. */
export type FakeShadowEntry = readonly [
  string,
  string,
  ...[number | null, number | null, number | null, number | null, number | null, number | null, number | null],
] & {
  readonly sp_namp: string;
  readonly sp_pwdp: string;
  readonly sp_lstchg: number | null;
  readonly sp_min: number | null;
  readonly sp_max: number | null;
  readonly sp_warn: number | null;
  readonly sp_inact: number | null;
  readonly sp_expire: number | null;
  readonly sp_flag: number | null;
};

const FIRST_UID = 10_101;
const FIRST_GID = 20_202;

/** Users as in /etc/passwd: in the place of `pwd`. */
export class UserDatabase {
  readonly #users: FakePasswdEntry[] = [];
  #uid = FIRST_UID;
  #gid = FIRST_GID;

  /** Adds a user; who is given no ids gets ones that nobody has had yet. */
  addUser(
    username: string,
    password = "password",
    uid: number = this.#uid++,
    gid: number = this.#gid++,
    gecos = "",
    home = "",
    shell = "/bin/sh",
  ): void {
    const names = {
      pw_name: username,
      pw_passwd: password,
      pw_uid: uid,
      pw_gid: gid,
      pw_gecos: gecos,
      pw_dir: home,
      pw_shell: shell,
    };
    this.#users.push(Object.assign([username, password, uid, gid, gecos, home, shell] as const, names));
  }

  /** @throws KeyError for a user who is unknown */
  getpwnam(name: string): FakePasswdEntry {
    return found(this.#users, (each) => each.pw_name === name);
  }

  /** @throws KeyError for an id that nobody has */
  getpwuid(uid: number): FakePasswdEntry {
    return found(this.#users, (each) => each.pw_uid === uid);
  }

  getpwall(): FakePasswdEntry[] {
    return [...this.#users];
  }
}

/** Passwords as in /etc/shadow: in the place of `spwd`. */
export class ShadowDatabase {
  readonly #users: FakeShadowEntry[] = [];

  /** Adds a user; by default nothing expires. */
  addUser(
    username: string,
    password: string,
    lastChange: number | null = null,
    min: number | null = null,
    max: number | null = null,
    warn: number | null = null,
    inact: number | null = null,
    expire: number | null = null,
    flag: number | null = null,
  ): void {
    const names = {
      sp_namp: username,
      sp_pwdp: password,
      sp_lstchg: lastChange,
      sp_min: min,
      sp_max: max,
      sp_warn: warn,
      sp_inact: inact,
      sp_expire: expire,
      sp_flag: flag,
    };
    const fields = [username, password, lastChange, min, max, warn, inact, expire, flag] as const;
    this.#users.push(Object.assign(fields, names));
  }

  /** @throws KeyError for a user who is unknown */
  getspnam(name: string): FakeShadowEntry {
    return found(this.#users, (each) => each.sp_namp === name);
  }

  getspall(): FakeShadowEntry[] {
    return [...this.#users];
  }
}

function found<T>(users: readonly T[], isWanted: (user: T) => boolean): T {
  const user = users.find(isWanted);
  if (user === undefined) throw new KeyError("no such user");
  return user;
}
