import { Failure } from "@strombus/reactor/failure";
import { expect, test } from "vitest";
import { LoginDenied, LoginFailed, Unauthorized, UnauthorizedLogin, UnhandledCredentials } from "./error.js";

test("UnauthorizedLogin is both a LoginFailed and an Unauthorized, and so for a Failure", () => {
  const error = new UnauthorizedLogin("no");
  for (const parent of [LoginFailed, Unauthorized, Error]) {
    expect(error).toBeInstanceOf(parent);
    expect(new Failure(error).check(parent)).toBe(parent);
  }
});

test("no other failed login is an Unauthorized, and an Unauthorized is no failed login", () => {
  for (const type of [LoginFailed, UnhandledCredentials, LoginDenied]) {
    expect(new type("no")).toBeInstanceOf(LoginFailed);
    expect(new type("no")).not.toBeInstanceOf(Unauthorized);
  }
  expect(new Unauthorized()).toBeInstanceOf(Unauthorized);
  expect(new Unauthorized()).not.toBeInstanceOf(LoginFailed);
});

test("a subclass of Unauthorized does not take in UnauthorizedLogin", () => {
  class Forbidden extends Unauthorized {}
  expect(new Forbidden()).toBeInstanceOf(Unauthorized);
  expect(new UnauthorizedLogin()).not.toBeInstanceOf(Forbidden);
});

test("every error has the name of its class, a code of its own, and the cause it is given", () => {
  const types = [Unauthorized, LoginFailed, UnauthorizedLogin, UnhandledCredentials, LoginDenied];
  const cause = new Error("below");
  const errors = types.map((type) => new type("text", { cause }));
  expect(errors.map((error) => error.name)).toEqual(types.map((type) => type.name));
  expect(new Set(errors.map((error) => error.code)).size).toBe(types.length);
  for (const error of errors) expect(error).toMatchObject({ message: "text", cause });
});
