import { UnauthorizedLogin } from "@strombus/cred/error";
import { describe, expect, test } from "vitest";
import {
  ConchError,
  HostKeyChanged,
  IgnoreAuthentication,
  InvalidEntry,
  MissingKeyStoreError,
  NotEnoughAuthentication,
  UserRejectedKey,
  ValidPublicKey,
} from "./error.js";

describe("an answer that is thrown", () => {
  for (const Answer of [ValidPublicKey, IgnoreAuthentication]) {
    test(`${Answer.name} has no stack, and other errors keep theirs`, () => {
      const cause = new Error("why");
      const answer = new Answer("text", { cause });
      expect(answer).toMatchObject({ message: "text", cause, name: Answer.name });
      expect(answer.stack).not.toContain("\n    at ");
      expect(new ConchError("text").stack).toContain("\n    at ");
    });
  }

  test("a key that would do is still a login refused to whoever knows no better", () => {
    expect(new ValidPublicKey()).toBeInstanceOf(UnauthorizedLogin);
  });
});

test("a ConchError has a value and, often, data", () => {
  expect(new ConchError("text")).toMatchObject({ value: "text", data: null, message: "text" });
  expect(new ConchError("text", 3)).toMatchObject({ value: "text", data: 3 });
});

test("a host key that changed names the entry, its file and its line, which one in memory does not have", () => {
  const entry = {};
  expect(new HostKeyChanged(entry, "known_hosts", 1)).toMatchObject({
    offendingEntry: entry,
    path: "known_hosts",
    lineno: 1,
  });
  expect(new HostKeyChanged(entry, null, null)).toMatchObject({ path: null, lineno: null });
});

test("no other error is a refused login", () => {
  for (const Type of [
    NotEnoughAuthentication,
    IgnoreAuthentication,
    MissingKeyStoreError,
    UserRejectedKey,
    InvalidEntry,
  ]) {
    expect(new Type("text")).toBeInstanceOf(Error);
    expect(new Type("text")).not.toBeInstanceOf(UnauthorizedLogin);
    expect(new Type("text")).not.toBeInstanceOf(ConchError);
    expect(new Type("text").message).toBe("text");
  }
});
