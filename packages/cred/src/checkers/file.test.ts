import { appendFileSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { classImplements } from "@strombus/reactor/components";
import { KeyError, ValueError } from "@strombus/reactor/exceptions";
import { capturedLogs, formatEvent } from "@strombus/reactor/logger";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  CramMD5Credentials,
  IUsernameHashedPassword,
  IUsernamePassword,
  UsernameHashedPassword,
  UsernamePassword,
} from "../credentials.js";
import { loadCrypt } from "../crypt.js";
import { UnauthorizedLogin, UnhandledCredentials } from "../error.js";
import { type IRealm, Portal } from "../portal.js";
import { errorOf, resultOf } from "../outcome.test.support.js";
import { FilePasswordDB, type FilePasswordDBOptions } from "./file.js";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cred-"));
  file = join(folder, "passwords");
});
afterEach(() => rmSync(folder, { recursive: true }));

const users = [
  ["user1", "pass1"],
  ["user2", "pass2"],
  ["user3", "pass3"],
] as const;

/** A transform as a database or a network protocol may use; it is its own inverse. */
function reversed(text: string): string {
  return Buffer.from(text).reverse().toString();
}

/** Credentials whose password was transformed on its way to us. */
class NetworkHashed {
  constructor(
    public username: string,
    readonly sent: string,
  ) {}
  checkPassword(password: string): boolean {
    return reversed(this.sent) === password;
  }
}
classImplements(NetworkHashed, IUsernameHashedPassword);

const layouts: Record<string, { options: FilePasswordDBOptions; line: (name: string, password: string) => string }> = {
  "the default layout": { options: {}, line: (name, password) => `${name}:${password}` },
  "blanks between fields": {
    options: { delim: " ", usernameField: 3, passwordField: 0 },
    line: (name, password) => `${password} dingle dongle ${name}`,
  },
  "capitals and commas": {
    options: { delim: ",", usernameField: 2, passwordField: 4, caseSensitive: false },
    line: (name, password) => `zip,zap,${name.toUpperCase()},zup,${password}`,
  },
};

for (const [layout, { options, line }] of Object.entries(layouts)) {
  for (const cache of [false, true]) {
    describe(`a file with ${layout}, ${cache ? "cached" : "uncached"}`, () => {
      function logins(
        db: FilePasswordDB,
        credentials: (name: string, password: string) => NetworkHashed | UsernamePassword,
      ) {
        for (const [name, password] of users) {
          expect(resultOf(db.requestAvatarId(credentials(name, password)))).toBe(name);
          expect(errorOf(db.requestAvatarId(credentials(name, "wrong")))).toBeInstanceOf(UnauthorizedLogin);
        }
        expect(errorOf(db.requestAvatarId(credentials("user1", "pass2")))).toBeInstanceOf(UnauthorizedLogin);
        expect(errorOf(db.requestAvatarId(credentials("nobody", "pass1")))).toBeInstanceOf(UnauthorizedLogin);
      }

      test("lets in who has the password", () => {
        writeFileSync(file, users.map(([name, password]) => `${line(name, password)}\r\n`).join(""));
        logins(
          new FilePasswordDB(file, { ...options, cache }),
          (name, password) => new UsernamePassword(name, password),
        );
      });

      test("lets in by passwords that are transformed in the file", () => {
        writeFileSync(file, users.map(([name, password]) => `${line(name, reversed(password))}\n`).join(""));
        const hash = (name: string, sent: string, stored: string) => reversed(sent);
        const db = new FilePasswordDB(file, { ...options, hash, cache });
        logins(db, (name, password) => new UsernamePassword(name, password));
      });

      test("lets in by credentials that undo a transform of their own", () => {
        writeFileSync(file, users.map(([name, password]) => line(name, password)).join("\n"));
        const db = new FilePasswordDB(file, { ...options, cache });
        logins(db, (name, password) => new NetworkHashed(name, reversed(password)));
      });
    });
  }
}

describe("the parameters", () => {
  test("are positional, or named, and have Twisted's names and defaults as attributes", () => {
    const hash = (): string => "";
    const shown = (db: FilePasswordDB) => [
      db.filename,
      db.delim,
      db.ufield,
      db.pfield,
      db.caseSensitive,
      db.hash,
      db.cache,
    ];
    expect(shown(new FilePasswordDB("f"))).toEqual(["f", ":", 0, 1, true, null, false]);
    const values = ["f", ",", 2, 4, false, hash, true];
    expect(shown(new FilePasswordDB("f", ",", 2, 4, false, hash, true))).toEqual(values);
    const options = { delim: ",", usernameField: 2, passwordField: 4, caseSensitive: false, hash, cache: true };
    expect(shown(new FilePasswordDB("f", options))).toEqual(values);
  });

  test("decide which credentials can be checked: with a hash only those with the password itself", () => {
    expect(new FilePasswordDB("f").credentialInterfaces).toEqual([IUsernamePassword, IUsernameHashedPassword]);
    expect(new FilePasswordDB("f", { hash: () => "" }).credentialInterfaces).toEqual([IUsernamePassword]);
  });

  test("are refused when no line could be read by them", () => {
    for (const options of [{ delim: "" }, { usernameField: -1 }, { passwordField: 0.5 }]) {
      expect(() => new FilePasswordDB("f", options)).toThrow(ValueError);
    }
  });
});

test("fields may stand apart by more than one character", () => {
  writeFileSync(file, "user:: pass :: more\nother: :x\n");
  const db = new FilePasswordDB(file, { delim: ":: " });
  expect(db.getUser("user")).toEqual(["user", "pass "]);
  expect(() => db.getUser("other")).toThrow(KeyError);
});

describe("getUser", () => {
  test("raises UnauthorizedLogin for a file that is missing, every time, and logs why", () => {
    for (const cache of [false, true]) {
      const db = new FilePasswordDB(file, { cache });
      const events = capturedLogs(() => {
        expect(() => db.getUser("user")).toThrow(UnauthorizedLogin);
        expect(() => db.getUser("user")).toThrow(UnauthorizedLogin);
        expect(errorOf(db.requestAvatarId(new UsernamePassword("user", "x")))).toBeInstanceOf(UnauthorizedLogin);
      });
      expect(events.map(formatEvent)).toEqual(Array(3).fill(expect.stringMatching(/passwords: ENOENT/)));
    }
  });

  test("raises UnauthorizedLogin for what is no file, and logs why", () => {
    for (const cache of [false, true]) {
      const events = capturedLogs(() => {
        expect(() => new FilePasswordDB(folder, { cache }).getUser("user")).toThrow(UnauthorizedLogin);
      });
      expect(events.map(formatEvent)).toEqual([expect.stringMatching(/EISDIR/)]);
    }
  });

  test("opens the file anew each time, and again when it has been missing", () => {
    const db = new FilePasswordDB(file, { cache: true });
    capturedLogs(() => expect(() => db.getUser("user")).toThrow(UnauthorizedLogin));
    writeFileSync(file, "user:pass\n");
    expect(db.getUser("user")).toEqual(["user", "pass"]);
  });

  test("knows upper from lower case, and raises KeyError for an unknown user", () => {
    writeFileSync(file, "user:pass\n");
    const db = new FilePasswordDB(file);
    expect(db.getUser("user")).toEqual(["user", "pass"]);
    expect(() => db.getUser("USER")).toThrow(KeyError);
  });

  test("gives the folded name where case does not count, and folds A to Z only", () => {
    writeFileSync(file, "User:Pass\nÄnn:x\n");
    const db = new FilePasswordDB(file, { caseSensitive: false });
    expect(db.getUser("USER")).toEqual(["user", "Pass"]);
    expect(db.getUser("ÄNN")).toEqual(["Änn", "x"]);
    expect(() => db.getUser("änn")).toThrow(KeyError);
  });

  test("takes the first of several records, cached or not", () => {
    writeFileSync(file, "user:first\nuser:second\n");
    for (const cache of [false, true])
      expect(new FilePasswordDB(file, { cache }).getUser("user")).toEqual(["user", "first"]);
  });

  test("drops white space at the end of a line only, and has no comments, quotes or escapes", () => {
    writeFileSync(file, ' blank: a b \t\r\n#user:"x\\\n:empty name\nextra:a:b:c\n');
    const db = new FilePasswordDB(file);
    expect(db.getUser(" blank")[1]).toBe(" a b");
    expect(db.getUser("#user")[1]).toBe('"x\\');
    expect(db.getUser("")[1]).toBe("empty name");
    expect(db.getUser("extra")[1]).toBe("a");
  });

  test("skips lines with too few fields, and those that are not UTF-8", () => {
    writeFileSync(file, Buffer.concat([Buffer.from("\nnobody\n"), Buffer.from([0xff]), Buffer.from(":x\nuser:pass")]));
    const db = new FilePasswordDB(file);
    expect(db.getUser("user")).toEqual(["user", "pass"]);
    for (const name of ["nobody", "", "\ufffd"]) expect(() => db.getUser(name)).toThrow(KeyError);
  });

  test("finds no user by the name of what every object has", () => {
    writeFileSync(file, "user:pass\n");
    for (const name of ["__proto__", "constructor", "toString"]) {
      expect(() => new FilePasswordDB(file).getUser(name)).toThrow(KeyError);
    }
    writeFileSync(file, "__proto__:pass\n");
    expect(new FilePasswordDB(file).getUser("__proto__")).toEqual(["__proto__", "pass"]);
  });
});

describe("the cache", () => {
  const at = (seconds: number) => utimesSync(file, seconds, seconds);

  test("is read again when the file's modification time has grown, and only then", () => {
    writeFileSync(file, "user:one\n");
    at(1000);
    const db = new FilePasswordDB(file, { cache: true });
    expect(db.getUser("user")[1]).toBe("one");
    writeFileSync(file, "user:two\n");
    at(1000);
    expect(db.getUser("user")[1]).toBe("one");
    at(1001);
    expect(db.getUser("user")[1]).toBe("two");
    expect(statSync(file).mtimeMs).toBe(1_001_000);
  });

  test("does not hide that the file is gone", () => {
    writeFileSync(file, "user:one\n");
    const db = new FilePasswordDB(file, { cache: true });
    db.getUser("user");
    rmSync(file);
    capturedLogs(() => expect(() => db.getUser("user")).toThrow(UnauthorizedLogin));
  });

  test("is not there by default", () => {
    writeFileSync(file, "user:one\n");
    at(1000);
    const db = new FilePasswordDB(file);
    db.getUser("user");
    appendFileSync(file, "new:two\n");
    at(1000);
    expect(db.getUser("new")[1]).toBe("two");
  });
});

describe("with a hash", () => {
  test("a portal has no checker for hashed credentials", () => {
    writeFileSync(file, "user:pass\n");
    const realm: IRealm = { requestAvatar: () => expect.unreachable() };
    const portal = new Portal(realm, [new FilePasswordDB(file, { hash: (name, sent) => sent })]);
    const login = portal.login(new UsernameHashedPassword("user", "pass"), null);
    expect(errorOf(login)).toBeInstanceOf(UnhandledCredentials);
  });

  test("the hash gets name, sent and stored password, and its value is compared with the stored one", () => {
    writeFileSync(file, "user:salt$pass\n");
    const calls: unknown[] = [];
    const db = new FilePasswordDB(file, {
      hash: (name, sent, stored) => {
        calls.push([name, sent, stored]);
        return Buffer.from(`${stored.slice(0, 5)}${sent}`);
      },
    });
    expect(resultOf(db.requestAvatarId(new UsernamePassword("user", "pass")))).toBe("user");
    expect(errorOf(db.requestAvatarId(new UsernamePassword("user", "past")))).toBeInstanceOf(UnauthorizedLogin);
    expect(calls).toEqual([
      ["user", "pass", "salt$pass"],
      ["user", "past", "salt$pass"],
    ]);
  });

  test("a hash may take its time, fail for all users, or give null for one it cannot make", async () => {
    writeFileSync(file, "user:pass\n");
    const credentials = new UsernamePassword("user", "pass");
    const slow = new FilePasswordDB(file, { hash: async (name, sent) => await Promise.resolve(sent) });
    expect(await slow.requestAvatarId(credentials)).toBe("user");
    const unable = new FilePasswordDB(file, { hash: () => null });
    expect(errorOf(unable.requestAvatarId(credentials))).toBeInstanceOf(UnauthorizedLogin);
    const broken = new Error("broken");
    const failing = new FilePasswordDB(file, {
      hash: () => {
        throw broken;
      },
    });
    expect(errorOf(failing.requestAvatarId(credentials))).toBe(broken);
    expect(errorOf(failing.requestAvatarId(new UsernamePassword("eve", "pass")))).toBeInstanceOf(UnauthorizedLogin);
  });

  test("a file of crypt(3) is checked by the hash of the password with the stored one as salt", async () => {
    writeFileSync(file, "user:abuT.NwDaAous\nlocked:*\n"); // strombus, by traditional DES
    const db = new FilePasswordDB(file, { hash: async (name, sent, stored) => loadCrypt()(sent, stored) });
    expect(await db.requestAvatarId(new UsernamePassword("user", "strombus"))).toBe("user");
    for (const [name, password] of [
      ["user", "Strombus"],
      ["user", "abuT.NwDaAous"],
      ["locked", "*"],
      ["nobody", "strombus"],
    ] as const) {
      await expect(db.requestAvatarId(new UsernamePassword(name, password)).then()).rejects.toThrow(UnauthorizedLogin);
    }
  });

  test("A12: an unknown user costs a hash too, with a stored password of the file", () => {
    writeFileSync(file, "user:salt$pass\n");
    const stored: string[] = [];
    const hash = (name: string, sent: string, kept: string) => (stored.push(kept), kept);
    const db = new FilePasswordDB(file, { hash });
    expect(errorOf(db.requestAvatarId(new UsernamePassword("eve", "x")))).toBeInstanceOf(UnauthorizedLogin);
    expect(stored).toEqual(["salt$pass"]);
  });

  test("credentials without the password itself are refused", () => {
    writeFileSync(file, "user:pass\n");
    const db = new FilePasswordDB(file, { hash: (name, sent, stored) => stored });
    expect(errorOf(db.requestAvatarId(new UsernameHashedPassword("user", "pass")))).toBeInstanceOf(UnauthorizedLogin);
  });
});

test("credentials that never got a name are not those of the user with the empty name", () => {
  writeFileSync(file, ":pass\n");
  const credentials = new CramMD5Credentials();
  Object.assign(credentials, { checkPassword: () => true });
  for (const caseSensitive of [true, false]) {
    const db = new FilePasswordDB(file, { caseSensitive });
    expect(errorOf(db.requestAvatarId(credentials))).toBeInstanceOf(UnauthorizedLogin);
  }
});

test("a subclass that overrides getUser is asked", () => {
  class Other extends FilePasswordDB {
    override getUser(username: string): [string, string] {
      if (username !== "user") throw new KeyError("unknown user");
      return ["somebody", "pass"];
    }
  }
  const db = new Other("no file");
  expect(resultOf(db.requestAvatarId(new UsernamePassword("user", "pass")))).toBe("somebody");
  expect(errorOf(db.requestAvatarId(new UsernamePassword("eve", "pass")))).toBeInstanceOf(UnauthorizedLogin);
});
