import { providedBy } from "@strombus/reactor/components";
import { expect, test } from "vitest";
import * as checkers from "../checkers.js";
import { IPluggableAuthenticationModules, UsernamePassword } from "../credentials.js";
import { UnauthorizedLogin } from "../error.js";
import { PluggableAuthenticationModulesChecker } from "../pam.js";

test("asks PAM for the service Twisted, unless told another, about those who hold its conversation", () => {
  const checker = new PluggableAuthenticationModulesChecker();
  expect(checker.service).toBe("Twisted");
  expect(checker.credentialInterfaces).toEqual([IPluggableAuthenticationModules]);
  expect(providedBy(checkers.ICredentialsChecker, checker)).toBe(true);
  expect(new PluggableAuthenticationModulesChecker({ service: "sshd" }).service).toBe("sshd");
  expect(checkers.PluggableAuthenticationModulesChecker).toBe(PluggableAuthenticationModulesChecker);
});

test("A17: asks nobody about a name that C cannot hold", async () => {
  const checker = new PluggableAuthenticationModulesChecker();
  for (const name of ["alice\0", "\0", "alice\ud800"]) {
    const login = checker.requestAvatarId(new UsernamePassword(name, "secret"));
    await expect(login.then()).rejects.toThrow(new UnauthorizedLogin("no user has such a name"));
  }
});
