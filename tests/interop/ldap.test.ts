/** The LDAP checker on a real slapd, by each way to reach it, and the example by a real client. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { UsernamePassword } from "@strombus/cred/credentials";
import { UnauthorizedLogin } from "@strombus/cred/error";
import { LDAPChecker, type LDAPCheckerOptions } from "@strombus/cred/ldap";
import { formatEvent, globalLogPublisher, type LogEvent } from "@strombus/reactor/logger";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { startExample } from "../support/example.js";
import { NAMES } from "../support/hostile-names.js";
import { openSSH, ssh } from "../support/openssh.js";
import { Slapd, SUFFIX } from "../support/slapd.js";

/** The one that the checker loads. */
const { Client: LDAPClient } = createRequire(import.meta.url)("ldapts") as {
  Client: { prototype: Record<"startTLS" | "bind" | "search", (...args: unknown[]) => unknown> };
};

const PEOPLE = `ou=people,${SUFFIX}`;

/** The names in the directory: some look like DNs or filters. All have the password `correct horse`. */
const NAMES_IN_DIRECTORY = [
  "alice",
  "Bob",
  "jörg",
  "a,b",
  "x+uid=alice",
  "*",
  "al*",
  "(uid=alice)",
  "back\\slash",
  'quo"te',
  "#1",
  "__proto__",
];

/** Those of the directory, and what it takes for alice's: it looks past case, white space at the ends and width (RFC 4518). */
const NAMED: ReadonlySet<string> = new Set([...NAMES_IN_DIRECTORY, "ALICE", " alice\t", "\uff41lice"]);

let slapd: Slapd;
const logged: string[] = [];
const observer = (event: LogEvent) => void logged.push(formatEvent(event));

function person(name: string, lines: string[] = []): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const rdn = name.replace(/[^A-Za-z0-9\u0080-\uffff]/g, (c) => `\\${c.charCodeAt(0).toString(16)}`);
  return [
    `dn:: ${base64(`uid=${rdn},${PEOPLE}`)}`,
    "objectClass: inetOrgPerson",
    `uid:: ${base64(name)}`,
    `sn:: ${base64(name)}`,
    `cn:: ${base64(name)}`,
    "userPassword: correct horse",
    ...lines,
    "\n",
  ].join("\n");
}

beforeAll(async () => {
  const twins = [person("twin1", ["mail: twin@example.com"]), person("twin2", ["mail: twin@example.com"])];
  const locked = person("locked").replace("userPassword: correct horse\n", "");
  const people = [
    ...NAMES_IN_DIRECTORY.map((name) => person(name)),
    person("carol", ["mail: carol@example.com"]),
    ...twins,
    locked,
  ];
  slapd = await Slapd.start(people.join("\n"));
  globalLogPublisher.addObserver(observer);
});
beforeEach(() => void logged.splice(0));
afterAll(async () => {
  globalLogPublisher.removeObserver(observer);
  await slapd.stop();
});

async function login(checker: LDAPChecker, name: string, password = "correct horse"): Promise<string> {
  return checker.requestAvatarId(new UsernamePassword(name, password));
}

async function refused(checker: LDAPChecker, name: string, password = "correct horse"): Promise<void> {
  await expect(login(checker, name, password)).rejects.toThrow(UnauthorizedLogin);
}

const ways: Record<string, () => LDAPCheckerOptions> = {
  "ldaps:, the DN made of the name": () => ({
    url: slapd.secureURL,
    tls: { ca: readFileSync(slapd.certificate) },
    userDN: `uid={},${PEOPLE}`,
  }),
  "StartTLS, the DN searched for by nobody": () => ({
    url: slapd.url,
    startTLS: true,
    tls: { ca: readFileSync(slapd.certificate) },
    base: SUFFIX,
    filter: "(&(objectClass=inetOrgPerson)(uid={}))",
  }),
  "loopback, the DN searched for by somebody": () => ({
    url: slapd.url,
    base: PEOPLE,
    filter: "(uid={})",
    bindDN: `cn=admin,${SUFFIX}`,
    bindPassword: "admin",
  }),
};

for (const [way, options] of Object.entries(ways)) {
  describe(`by ${way}`, () => {
    test("each user logs in with the right password only", async () => {
      const checker = new LDAPChecker(options());
      for (const name of NAMES_IN_DIRECTORY) {
        expect(await login(checker, name)).toBe(name);
        await refused(checker, name, "wrong");
      }
      await refused(checker, "locked");
      expect(logged).toEqual([]);
    });

    test("A12: whether a user is known shows neither in what the directory is asked nor in the log", async () => {
      const checker = new LDAPChecker(options());
      const asked: string[] = [];
      for (const method of ["startTLS", "bind", "search"] as const) {
        const original = LDAPClient.prototype[method];
        LDAPClient.prototype[method] = function (this: unknown, ...args) {
          asked.push(method);
          return original.apply(this, args);
        };
        onTestFinished(() => void (LDAPClient.prototype[method] = original));
      }
      const work: string[][] = [];
      for (const name of ["alice", "nobody", "locked", "Bob", "someone"]) {
        await refused(checker, name, "wrong");
        work.push(asked.splice(0));
      }
      expect(work).toEqual(Array.from(work, () => work[0]));
      expect(work[0]).toContain("bind");
      expect(logged).toEqual([]);
    });

    test("a bind without a password, which the server takes, lets nobody in", async () => {
      const checker = new LDAPChecker(options());
      for (const name of ["alice", "nobody", ""]) await refused(checker, name, "");
    });

    test("LDAP in a user name is text", async () => {
      const checker = new LDAPChecker(options());
      for (const name of [
        "alice)(uid=*",
        "alice)(objectClass=*))(|(uid=*",
        "a*",
        "**",
        `alice,${PEOPLE}`,
        "alice,ou=people",
        "alice+sn=alice",
        "\\61lice",
        "alice\\",
        "alice\0",
        "\0",
        "alice\ud800",
        "",
        "{}",
        "constructor",
        ...Object.values(NAMES).filter((each) => !NAMED.has(each)),
      ]) {
        await refused(checker, name);
      }
      expect(logged).toEqual([]);
    });

    test("the name is that of the directory, which does not tell upper from lower case", async () => {
      const checker = new LDAPChecker(options());
      for (const name of ["ALICE", "\uff41lice"]) expect(await login(checker, name)).toBe("alice");
      expect(await login(checker, "bob")).toBe("Bob");
      expect(await login(checker, " alice ").catch(() => "alice")).toBe("alice");
    });
  });
}

test("the name may be another attribute than the one that is searched for; who is not alone with it is nobody", async () => {
  const checker = new LDAPChecker({ url: slapd.url, base: SUFFIX, filter: "(mail={})" });
  expect(await login(checker, "carol@example.com")).toBe("carol");
  await refused(checker, "twin@example.com");
  expect(logged).toEqual([expect.stringContaining("more than one entry")]);
});

test("a hundred at a time come out right over a few connections", async () => {
  const checker = new LDAPChecker({ url: slapd.url, userDN: `uid={},${PEOPLE}`, maxConnections: 4 });
  const outcomes = await Promise.all(
    Array.from({ length: 100 }, async (_, i) =>
      login(checker, NAMES_IN_DIRECTORY[i % NAMES_IN_DIRECTORY.length]!, i % 3 ? "wrong" : undefined).catch(
        (error: unknown) => error,
      ),
    ),
  );
  for (const [i, outcome] of outcomes.entries()) {
    if (i % 3 === 0) expect(outcome).toBe(NAMES_IN_DIRECTORY[i % NAMES_IN_DIRECTORY.length]);
    else expect(outcome).toBeInstanceOf(UnauthorizedLogin);
  }
});

describe("nobody is let in, and the log says why,", () => {
  test("by a server whose certificate is not trusted, or is another's", async () => {
    await refused(new LDAPChecker({ url: slapd.secureURL, userDN: `uid={},${PEOPLE}` }), "alice");
    await refused(new LDAPChecker({ url: slapd.url, startTLS: true, userDN: `uid={},${PEOPLE}` }), "alice");
    const tls = { ca: readFileSync(slapd.certificate), servername: "other.example.com", host: "other.example.com" };
    await refused(new LDAPChecker({ url: slapd.secureURL, tls, userDN: `uid={},${PEOPLE}` }), "alice");
    expect(logged).toHaveLength(3);
    expect(logged[0]).toMatch(/could not be asked.*self.signed/);
    expect(logged[2]).toMatch(/other\.example\.com/);
  });

  test("when whoever searches has the wrong password", async () => {
    const bindDN = `cn=admin,${SUFFIX}`;
    await refused(
      new LDAPChecker({ url: slapd.url, base: SUFFIX, filter: "(uid={})", bindDN, bindPassword: "x" }),
      "alice",
    );
    expect(logged).toEqual([expect.stringContaining("could not be asked")]);
  });

  test("when the server does not answer in time, and right again when it does", async () => {
    const checker = new LDAPChecker({ url: slapd.url, userDN: `uid={},${PEOPLE}`, timeout: 0.2 });
    await slapd.pause();
    await refused(checker, "alice");
    slapd.resume();
    expect(await login(new LDAPChecker({ url: slapd.url, userDN: `uid={},${PEOPLE}` }), "alice")).toBe("alice");
    expect(logged).toHaveLength(1);
  });

  test("while the server is away, and right again when it is back", async () => {
    const checker = new LDAPChecker({ url: slapd.url, userDN: `uid={},${PEOPLE}` });
    await slapd.stop();
    await refused(checker, "alice");
    expect(logged).toEqual([expect.stringContaining("ECONNREFUSED")]);
    await slapd.restart();
    expect(await login(checker, "alice")).toBe("alice");
    await refused(checker, "alice", "wrong");
  });
});

test("ldap-checker: a real client logs in with the password in the directory", async () => {
  const env = { LDAP_URL: slapd.url, LDAP_USER_DN: `uid={},${PEOPLE}` };
  const { program, port } = await startExample("ldap-checker", { env });
  onTestFinished(() => void program.kill("SIGKILL"));
  const shown = async (user: string, password: string) => {
    const session = ssh(openSSH(), { port, user, password, options: ["-o", "NumberOfPasswordPrompts=1"] });
    await session.ending;
    return session.stdout.text;
  };
  expect(await shown("alice", "correct horse")).toBe("Welcome, alice!\r\n");
  expect(await shown("a,b", "correct horse")).toBe("Welcome, a,b!\r\n");
  expect(await shown("alice", "wrong")).toBe("");
  expect(await shown("alice", "")).toBe("");
  expect(await shown("*", "wrong")).toBe("");
});
