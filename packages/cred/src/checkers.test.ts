import { implementedBy, interfaceToken, providedBy } from "@strombus/reactor/components";
import { Deferred } from "@strombus/reactor/defer";
import { expect, test } from "vitest";
import {
  ANONYMOUS,
  AllowAnonymousAccess,
  FilePasswordDB,
  ICredentialsChecker,
  InMemoryUsernamePasswordDatabaseDontUse,
  OnDiskUsernamePasswordDatabase,
} from "./checkers.js";
import {
  Anonymous,
  CramMD5Credentials,
  IAnonymous,
  IUsernameHashedPassword,
  IUsernamePassword,
  UsernamePassword,
} from "./credentials.js";
import { UnauthorizedLogin } from "./error.js";
import { errorOf, resultOf } from "./outcome.test.support.js";

test("AllowAnonymousAccess answers ANONYMOUS, which is no name, for IAnonymous", () => {
  const checker = new AllowAnonymousAccess();
  expect(checker.credentialInterfaces).toEqual([IAnonymous]);
  expect(resultOf(checker.requestAvatarId(new Anonymous()))).toBe(ANONYMOUS);
  expect(typeof ANONYMOUS).not.toBe("string");
});

test("every checker class implements ICredentialsChecker, and so does any object with its members", () => {
  for (const type of [AllowAnonymousAccess, InMemoryUsernamePasswordDatabaseDontUse, FilePasswordDB]) {
    expect(implementedBy(ICredentialsChecker, type)).toBe(true);
  }
  expect(providedBy(ICredentialsChecker, { credentialInterfaces: [], requestAvatarId: () => "ann" })).toBe(true);
  expect(OnDiskUsernamePasswordDatabase).toBe(FilePasswordDB);
});

test("the memory database answers the name for the right password, at once, and else UnauthorizedLogin", () => {
  const checker = new InMemoryUsernamePasswordDatabaseDontUse({ ann: "secret", bob: Buffer.from("bytes") });
  expect(checker.credentialInterfaces).toEqual([IUsernamePassword, IUsernameHashedPassword]);
  expect(resultOf(checker.requestAvatarId(new UsernamePassword("ann", "secret")))).toBe("ann");
  expect(resultOf(checker.requestAvatarId(new UsernamePassword("bob", "bytes")))).toBe("bob");
  for (const [name, password] of [
    ["ann", "wrong"],
    ["eve", "secret"],
    ["", ""],
  ] as const) {
    const error = errorOf(checker.requestAvatarId(new UsernamePassword(name, password)));
    expect(error).toBeInstanceOf(UnauthorizedLogin);
  }
});

test("addUser adds a user, and gives one another password", () => {
  const checker = new InMemoryUsernamePasswordDatabaseDontUse(new Map([["ann", "old"]]));
  checker.addUser("ann", "new");
  checker.addUser("bob", "secret");
  expect([...checker.users]).toEqual([
    ["ann", "new"],
    ["bob", "secret"],
  ]);
  expect(resultOf(checker.requestAvatarId(new UsernamePassword("ann", "new")))).toBe("ann");
});

test("names of what every object has are unknown users, unless they are added", () => {
  const checker = new InMemoryUsernamePasswordDatabaseDontUse();
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    const credentials = { username: name, password: "", checkPassword: () => true };
    expect(errorOf(checker.requestAvatarId(credentials))).toBeInstanceOf(UnauthorizedLogin);
    checker.addUser(name, "secret");
    expect(resultOf(checker.requestAvatarId(new UsernamePassword(name, "secret")))).toBe(name);
  }
});

test("A12: an unknown user's password is checked as a known one's is, and refused whatever comes of it", () => {
  const checker = new InMemoryUsernamePasswordDatabaseDontUse();
  const pending = new Deferred<boolean>();
  for (const answer of [true, pending, new Error("broken")]) {
    let asked = 0;
    const checkPassword = () => {
      asked++;
      if (answer instanceof Error) throw answer;
      return answer;
    };
    const result = checker.requestAvatarId({ username: "eve", checkPassword });
    if (answer === pending) {
      expect(result.called).toBe(false);
      pending.callback(true);
    }
    expect(errorOf(result)).toBeInstanceOf(UnauthorizedLogin);
    expect(asked).toBe(1);
  }
});

test("a failing checkPassword is the answer for a known user", () => {
  const checker = new InMemoryUsernamePasswordDatabaseDontUse({ ann: "secret" });
  const broken = new Error("broken");
  const thrower = {
    username: "ann",
    checkPassword: () => {
      throw broken;
    },
  };
  expect(errorOf(checker.requestAvatarId(thrower))).toBe(broken);
});

test("A4: only an answer of exactly true is a success", () => {
  const checker = new InMemoryUsernamePasswordDatabaseDontUse({ ann: "secret" });
  for (const value of [undefined, null, 1, "true", {}, new Error("no")]) {
    const credentials = { username: "ann", checkPassword: () => value as boolean };
    expect(errorOf(checker.requestAvatarId(credentials))).toBeInstanceOf(UnauthorizedLogin);
  }
});

test("checkPassword may answer later, by a Deferred or a Promise", async () => {
  const checker = new InMemoryUsernamePasswordDatabaseDontUse({ ann: "secret" });
  for (const later of [Promise.resolve(true), (async () => await Promise.resolve(true))()]) {
    expect(await checker.requestAvatarId({ username: "ann", checkPassword: () => later })).toBe("ann");
  }
});

test("credentials that never got a name are those of an unknown user", () => {
  const checker = new InMemoryUsernamePasswordDatabaseDontUse({ null: "secret" });
  expect(errorOf(checker.requestAvatarId(new CramMD5Credentials()))).toBeInstanceOf(UnauthorizedLogin);
});

test("an interface of one's own can be checked by a plain object", () => {
  const IBadge = interfaceToken("IBadge");
  const checker = { credentialInterfaces: [IBadge], requestAvatarId: () => "ann" } satisfies ICredentialsChecker;
  expect(providedBy(ICredentialsChecker, checker)).toBe(true);
});
