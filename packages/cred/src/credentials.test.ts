import { implementedBy, providedBy } from "@strombus/reactor/components";
import { ValueError } from "@strombus/reactor/exceptions";
import { describe, expect, test } from "vitest";
import {
  Anonymous,
  CramMD5Credentials,
  DigestedCredentials,
  IAnonymous,
  ICredentials,
  IKeyboardInteractive,
  IPluggableAuthenticationModules,
  ISSHHostBased,
  ISSHPrivateKey,
  IUsernameDigestHash,
  IUsernameHashedPassword,
  IUsernamePassword,
  IUsernamePasswordChange,
  KeyboardInteractive,
  PluggableAuthenticationModules,
  SSHHostBased,
  SSHPrivateKey,
  UsernameHashedPassword,
  UsernamePassword,
  UsernamePasswordChange,
} from "./credentials.js";

const kinds = [
  IUsernamePassword,
  IUsernameHashedPassword,
  IUsernameDigestHash,
  IAnonymous,
  ISSHPrivateKey,
  IUsernamePasswordChange,
  IKeyboardInteractive,
  IPluggableAuthenticationModules,
  ISSHHostBased,
];
const NONE = Buffer.alloc(0);

const table = [
  [new UsernamePassword("ann", "secret"), [IUsernamePassword]],
  [new UsernameHashedPassword("ann", "hash"), [IUsernameHashedPassword]],
  [new CramMD5Credentials(), [IUsernameHashedPassword]],
  [new DigestedCredentials("ann", "GET", "realm", new Map()), [IUsernameHashedPassword, IUsernameDigestHash]],
  [new Anonymous(), [IAnonymous]],
  [new SSHPrivateKey("ann", "ssh-ed25519", Buffer.alloc(0), null, null), [ISSHPrivateKey]],
  [new UsernamePasswordChange("ann", "old", "new"), [IUsernamePasswordChange]],
  [new PluggableAuthenticationModules("ann", () => []), [IPluggableAuthenticationModules]],
  [new KeyboardInteractive("ann", () => []), [IKeyboardInteractive, IPluggableAuthenticationModules]],
  [new SSHHostBased("ann", "ssh-ed25519", NONE, "host", "ann", NONE, NONE), [ISSHHostBased]],
] as const;

for (const [credentials, provided] of table) {
  const names = provided.map((kind) => kind.name).join(" and ");
  test(`${credentials.constructor.name} provides ${names}, and no other kind`, () => {
    expect(kinds.filter((kind) => providedBy(kind, credentials))).toEqual(provided);
    expect(providedBy(ICredentials, credentials)).toBe(true);
  });
}

test("an object that only looks like credentials is none: kinds must be declared", () => {
  const looks = { username: "ann", password: "x", checkPassword: () => true };
  expect(kinds.some((kind) => providedBy(kind, looks))).toBe(false);
});

describe("UsernamePassword", () => {
  test("agrees with the same bytes only", () => {
    const credentials = new UsernamePassword("ann", "pässword");
    expect(credentials.checkPassword("pässword")).toBe(true);
    expect(credentials.checkPassword(Buffer.from("pässword"))).toBe(true);
    for (const wrong of ["password", "pässword ", "", "PÄSSWORD"]) expect(credentials.checkPassword(wrong)).toBe(false);
  });

  test("takes a password as bytes, and compares those that are no UTF-8 as they are", () => {
    expect(new UsernamePassword("ann", Buffer.from("secret")).password).toBe("secret");
    const odd = new UsernamePassword("ann", Buffer.from([0xff]));
    expect(odd.checkPassword(odd.password)).toBe(false);
    expect(odd.checkPassword(Buffer.from([0xff]))).toBe(true);
  });
});

test("UsernameHashedPassword agrees with the stored hash", () => {
  const credentials = new UsernameHashedPassword("ann", "hash");
  expect([credentials.hashed, credentials.checkPassword("hash"), credentials.checkPassword("other")]).toEqual([
    "hash",
    true,
    false,
  ]);
});

test("SSHPrivateKey keeps what it is made of", () => {
  const [blob, data, signature] = ["blob", "data", "signature"].map((text) => Buffer.from(text));
  expect(new SSHPrivateKey("ann", "ssh-rsa", blob!, data!, signature!)).toMatchObject({
    username: "ann",
    algName: "ssh-rsa",
    blob,
    sigData: data,
    signature,
  });
});

describe("CramMD5Credentials", () => {
  // RFC 2195 section 2
  const challenge = "<1896.697170952@postoffice.reston.mci.net>";
  const digest = "b913a602c7eda7a495b4e6e7334d3890";

  test("gives one challenge, of random number, time and host, for ever", () => {
    const credentials = new CramMD5Credentials("example.org");
    const first = credentials.getChallenge();
    expect(first).toMatch(/^<\d+\.\d+@example\.org>$/);
    expect(credentials.getChallenge()).toBe(first);
    expect(credentials.challenge).toBe(first);
    expect(new CramMD5Credentials("example.org").getChallenge()).not.toBe(first);
    expect(new CramMD5Credentials().getChallenge()).toMatch(/^<\d+\.\d+@[a-z]+>$/);
  });

  test("agrees with the password that the response was made of", () => {
    const credentials = new CramMD5Credentials();
    credentials.challenge = challenge;
    expect(credentials.checkPassword("tanstaaftanstaaf")).toBe(false);
    credentials.response = digest;
    expect(credentials.checkPassword("tanstaaftanstaaf")).toBe(true);
    expect(credentials.checkPassword("another")).toBe(false);
    credentials.response = digest.replace("b", "c");
    expect(credentials.checkPassword("tanstaaftanstaaf")).toBe(false);
  });

  test("takes name and response from the client's answer, with blanks between and before but not after", () => {
    const credentials = new CramMD5Credentials();
    credentials.setResponse(Buffer.from(` tim \t ${digest}`));
    expect([credentials.username, credentials.response]).toEqual(["tim", digest]);
    credentials.setResponse("tim two words ");
    expect(credentials.response).toBe("two words ");
    expect(credentials.moreChallenges()).toBe(false);
  });

  test("refuses an answer of one word", () => {
    for (const answer of ["tim", " tim ", "tim   ", "", "  "]) {
      expect(() => new CramMD5Credentials().setResponse(answer)).toThrow(ValueError);
    }
  });

  test("implements IUsernameHashedPassword", () => {
    expect(implementedBy(IUsernameHashedPassword, CramMD5Credentials)).toBe(true);
  });
});

describe("a user who answers questions", () => {
  test("is asked by texts, whose answers are not shown, or by text and whether they are", async () => {
    const asked: unknown[] = [];
    const user = new KeyboardInteractive("ann", (...round) => {
      asked.push(round);
      return ["1", "2"];
    });
    expect(await user.ask(["Code: ", ["Name: ", true]], "Please.", "Login")).toEqual(["1", "2"]);
    expect(asked).toEqual([
      [
        [
          ["Code: ", false],
          ["Name: ", true],
        ],
        "Please.",
        "Login",
      ],
    ]);
  });

  test("holds PAM's conversation: what is told stands above what is asked, and has an empty response", async () => {
    const asked: unknown[] = [];
    const user = new KeyboardInteractive("ann", (...round) => {
      asked.push(round);
      return ["secret", "name"];
    });
    const responses = await user.pamConversion([
      ["Welcome", 4],
      ["Password: ", 1],
      ["Careful", 3],
      ["Name: ", 2],
    ]);
    expect(responses).toEqual([
      ["", 0],
      ["secret", 0],
      ["", 0],
      ["name", 0],
    ]);
    expect(asked).toEqual([
      [
        [
          ["Password: ", false],
          ["Name: ", true],
        ],
        "Welcome\nCareful",
        "",
      ],
    ]);
  });
});
