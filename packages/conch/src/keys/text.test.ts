/** The text form of keys. */
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { mpintBytes } from "../wire/writer.js";
import { RSA, P256, ED25519, numbers, secret } from "./keys.test.fixtures.js";

describe("the text form", () => {
  /** What Twisted prints, said another way. */
  function attribute(name: string, bytes: Buffer): string {
    const rows: string[] = [];
    for (let at = 0; at < bytes.length; at += 15) {
      const row = [...bytes.subarray(at, at + 15)].map((each) => each.toString(16).padStart(2, "0"));
      rows.push(`\t${row.join(":")}${row.length === 15 ? ":" : ""}\n`);
    }
    return `attr ${name}:\n${rows.join("")}`;
  }

  test("of RSA and Ed25519 lists attributes in rows of 15 bytes", () => {
    const rows = (...names: string[]): string =>
      names.map((name) => attribute(name, mpintBytes(numbers(RSA)[name]!))).join("");
    expect(String(RSA)).toBe(`<RSA Private Key (2048 bits)\n${rows("d", "e", "n", "p", "q", "u")}>`);
    expect(String(RSA.public())).toBe(`<RSA Public Key (2048 bits)\n${rows("e", "n")}>`);
    const { a, k } = secret(ED25519);
    expect(String(ED25519)).toBe(`<Ed25519 Private Key (256 bits)\n${attribute("a", a)}${attribute("k", k)}>`);
    expect(inspect(ED25519.public())).toBe(`<Ed25519 Public Key (256 bits)\n${attribute("a", a)}>`);
  });

  test("of ECDSA lists decimal numbers", () => {
    const { x, y, privateValue } = numbers(P256);
    const tail = `x:\n\t${x!}\ny:\n\t${y!}\n>\n`;
    expect(String(P256.public())).toBe(`<Elliptic Curve Public Key (256 bits)\ncurve:\n\tecdsa-sha2-nistp256\n${tail}`);
    expect(String(P256)).toBe(
      `<Elliptic Curve Private Key (256 bits)\ncurve:\n\tecdsa-sha2-nistp256\nprivateValue:\n\t${privateValue!}\n${tail}`,
    );
  });

  test("inside of something else shows no secret", () => {
    const text = inspect({ factory: { privateKeys: { "ssh-ed25519": ED25519 } } }, { depth: 10 });
    expect(text).toContain("<Ed25519 Private Key (256 bits) SHA256:");
    expect(text).not.toContain("attr");
    expect(JSON.stringify(ED25519)).toBe("{}");
  });
});
