import { UnauthorizedLogin } from "@strombus/cred/error";
import { describe, expect, test } from "vitest";
import { ConchError, IgnoreAuthentication, ValidPublicKey } from "./error.js";

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
