/** The page on hardening tells the defaults as they are. */
import { readFileSync } from "node:fs";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { SSHServerTransport } from "@strombus/conch/ssh/transport";
import { SSHUserAuthServer } from "@strombus/conch/ssh/userauth";
import { expect, test } from "vitest";

const page = readFileSync(new URL("../../docs/hardening.md", import.meta.url), "utf8");
const made = {
  SSHConnection: new SSHConnection(),
  SSHServerTransport: new SSHServerTransport(),
  SSHUserAuthServer: new SSHUserAuthServer(),
};
const rows = [...page.matchAll(/^\| `(\w+)\.(\w+)`\s*\| ([\d.]+)\s*\|/gm)];

test("every limit of the three classes has a row", () => expect(rows.length).toBeGreaterThan(20));

for (const [, owner = "", name = "", value] of rows) {
  test(`${owner}.${name} is ${value}`, () => {
    const limits = made[owner as keyof typeof made] as unknown as Readonly<Record<string, unknown>>;
    expect(limits[name]).toBe(Number(value));
  });
}
