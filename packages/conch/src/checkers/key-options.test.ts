import { describe, expect, test } from "vitest";
import { BadKeyError, Key } from "../ssh/keys.js";
import { AuthorizedKey, parseAuthorizedKey } from "./authorized-key.js";
import { parseKeyOptions } from "./key-options.js";

const key = Key.generate("ed25519").public();
const line = key.toString("openssh").toString();

describe("the flags", () => {
  test("forbid one thing each, and restrict all, out of which what stands behind it is taken again", () => {
    const all = { pty: true, portForwarding: true, agentForwarding: true, x11Forwarding: true, userRc: true };
    expect(parseKeyOptions("").permissions).toMatchObject(all);
    for (const [option, what] of [
      ["no-pty", "pty"],
      ["no-port-forwarding", "portForwarding"],
      ["NO-AGENT-forwarding", "agentForwarding"],
      ["no-X11-forwarding", "x11Forwarding"],
      ["no-user-rc", "userRc"],
    ] as const) {
      expect(parseKeyOptions(option).permissions).toMatchObject({ ...all, [what]: false });
      const none = Object.fromEntries(Object.keys(all).map((name) => [name, name === what]));
      expect(parseKeyOptions(`restrict,${option.toLowerCase().slice(3)}`).permissions).toMatchObject(none);
    }
  });

  test("of a security key's", () => {
    expect(parseKeyOptions("no-touch-required,verify-required")).toMatchObject({
      touchRequired: false,
      verifyRequired: true,
    });
  });
});

describe("the values", () => {
  test("a command may have quotes and commas, and is forced once", () => {
    expect(parseKeyOptions('command="echo \\"a, b\\"",no-pty').permissions.command).toBe('echo "a, b"');
    expect(() => parseKeyOptions('command="a",command="b"')).toThrow(BadKeyError);
  });

  test("of variables of one name the first counts", () => {
    const { permissions } = parseKeyOptions('environment="A=1",environment="A=2",environment="B=x=y"');
    expect(Object.fromEntries(permissions.environment)).toEqual({ A: "1", B: "x=y" });
    expect(parseKeyOptions('environment="A=1"', { permitUserEnvironment: false }).permissions.environment.size).toBe(0);
  });

  test("places of forwardings", () => {
    const { permissions } = parseKeyOptions('permitopen="db:5432",permitopen="[::1]:80",permitlisten="8080"');
    expect([permissions.mayConnect("db", 5432), permissions.mayConnect("::1", 80)]).toEqual([true, true]);
    expect([permissions.mayConnect("db", 80), permissions.mayListen("any", 8080)]).toEqual([false, true]);
    expect(permissions.mayListen("any", 8081)).toBe(false);
  });

  test("where the user comes from: addresses, networks, patterns, and what is not to match", () => {
    const { from } = parseKeyOptions('from="10.0.0.0/8,!10.6.6.0/24,192.168.1.?,2001:db8::/32,*.example.org"');
    for (const address of ["10.1.2.3", "192.168.1.7", "2001:db8::5", "::ffff:10.1.2.3"]) {
      expect(from!.matches(address), address).toBe(true);
    }
    for (const address of ["10.6.6.6", "192.168.1.77", "2001:db9::5", "11.0.0.1", "::ffff:10.6.6.1"]) {
      expect(from!.matches(address), address).toBe(false);
    }
  });

  test("until when: in UTC, or in our time zone", () => {
    expect(parseKeyOptions('expiry-time="20300102Z"').expires).toBe(Date.UTC(2030, 0, 2) / 1000);
    expect(parseKeyOptions('expiry-time="203001020304z"').expires).toBe(Date.UTC(2030, 0, 2, 3, 4) / 1000);
    expect(parseKeyOptions('expiry-time="20300102030405"').expires).toBe(
      new Date(2030, 0, 2, 3, 4, 5).getTime() / 1000,
    );
  });

  test("an authority, and the names that its certificates must bear", () => {
    expect(parseKeyOptions('cert-authority,principals="a,b"')).toMatchObject({
      certAuthority: true,
      principals: ["a", "b"],
    });
  });
});

test("A16: options that are unknown or malformed leave no key", () => {
  for (const options of [
    "unknown",
    "no-unknown",
    "pty=1",
    "command",
    'command="x',
    "command=x",
    'unknown="x"',
    "no-pty,",
    ",no-pty",
    "no-pty,,no-pty",
    'from="10.0.0.0/33"',
    'from="10.0.0.1,"',
    'from="a b"',
    'environment="1 A=x"',
    'permitopen="host"',
    'permitlisten="host:x"',
    'expiry-time="2030"',
    'expiry-time="20300231"',
    'expiry-time="2030010225"',
    'principals="a"',
    'tunnel="x"',
    "__proto__",
  ]) {
    expect(() => AuthorizedKey.fromString(`${options} ${line}`), options).toThrow(BadKeyError);
  }
});

describe("a line", () => {
  test("is a key alone, or one with options, whatever blanks are in their quotes", () => {
    expect(parseAuthorizedKey(Buffer.from(line))).toBeInstanceOf(Key);
    const given = parseAuthorizedKey(Buffer.from(`command="a b \\" c",no-pty  ${line} comment here`));
    expect(given).toBeInstanceOf(AuthorizedKey);
    const { key: read, options } = given as AuthorizedKey;
    expect(read.equals(key)).toBe(true);
    expect(options.permissions).toMatchObject({ command: 'a b " c', pty: false });
  });

  test("with options is none to who compares keys alone", () => {
    expect(key.equals(parseAuthorizedKey(Buffer.from(`no-pty ${line}`)))).toBe(false);
  });

  test("without a key is none", () => {
    for (const text of ["no-pty", "no-pty ssh-ed25519", `no-pty no-pty ${line}`, "", "ssh-ed25519 AAAA"]) {
      expect(() => AuthorizedKey.fromString(text), text).toThrow(BadKeyError);
    }
  });
});
