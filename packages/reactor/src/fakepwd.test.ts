import { expect, test } from "vitest";
import { KeyError } from "./exceptions.js";
import { ShadowDatabase, UserDatabase } from "./fakepwd.js";

test("a user has what was given, by name and by index, and ids that nobody else has", () => {
  const users = new UserDatabase();
  users.addUser("alice");
  users.addUser("bob", "secret", 1, 2, "Bob", "/home/bob", "/bin/bash");
  users.addUser("carol");
  const alice = users.getpwnam("alice");
  expect([...alice]).toEqual(["alice", "password", 10_101, 20_202, "", "", "/bin/sh"]);
  expect(users.getpwnam("carol")).toMatchObject({ pw_uid: 10_102, pw_gid: 20_203 });
  expect(users.getpwuid(1)).toMatchObject({
    pw_name: "bob",
    pw_passwd: "secret",
    pw_gid: 2,
    pw_gecos: "Bob",
    pw_dir: "/home/bob",
    pw_shell: "/bin/bash",
  });
  expect(users.getpwall().map(([name]) => name)).toEqual(["alice", "bob", "carol"]);
});

test("a password has what was given, by name and by index", () => {
  const passwords = new ShadowDatabase();
  passwords.addUser("alice", "x", 1, 2, 3, 4, 5, 6, 7);
  passwords.addUser("bob", "y");
  expect([...passwords.getspnam("alice")]).toEqual(["alice", "x", 1, 2, 3, 4, 5, 6, 7]);
  expect(passwords.getspnam("alice")).toMatchObject({ sp_pwdp: "x", sp_lstchg: 1, sp_expire: 6 });
  expect(passwords.getspnam("bob").sp_expire).toBeNull();
  expect(passwords.getspall().map(([name]) => name)).toEqual(["alice", "bob"]);
});

test("who is unknown is a KeyError, by the names of what every object has too", () => {
  for (const name of ["nobody", "constructor", "__proto__", ""]) {
    expect(() => new UserDatabase().getpwnam(name)).toThrow(KeyError);
    expect(() => new ShadowDatabase().getspnam(name)).toThrow(KeyError);
  }
  expect(() => new UserDatabase().getpwuid(0)).toThrow(KeyError);
});
