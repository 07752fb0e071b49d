import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { Key } from "../ssh/keys.js";
import { ED448, KEYS, MLDSA44_ED25519, SK_ECDSA, SK_ED25519 } from "./keys.test.fixtures.js";

test("a key's picture has a title, nine rows and the hash's name", () => {
  for (const key of KEYS) {
    const rows = key.randomArt().split("\n");
    expect(rows).toHaveLength(11);
    for (const row of rows) expect(row).toHaveLength(19);
    expect(rows[0]).toMatch(/^\+-*\[(?:(RSA|DSA|ECDSA|ED25519|ED448) \d+\]|MLDSA44-ED25519)-+\+$/);
    expect(rows[10]).toBe("+----[SHA256]-----+");
    expect(key.public().randomArt()).toBe(key.randomArt());
  }
});

describe.skipIf(spawnSync("ssh-keygen", ["-?"]).error !== undefined)("ssh-keygen -lv", () => {
  const known = KEYS.filter((key) => key !== ED448 && key !== MLDSA44_ED25519); // by OpenSSH of any age
  for (const key of [...known, Key.fromString(SK_ED25519), Key.fromString(SK_ECDSA)]) {
    test(`draws the same picture of ${key.sshType()}`, () => {
      const input = key.public().toString("openssh");
      const theirs = execFileSync("ssh-keygen", ["-lv", "-f", "-"], { input, encoding: "utf8" });
      expect(theirs.trimEnd().split("\n").slice(1).join("\n")).toBe(key.randomArt());
    });
  }
});
