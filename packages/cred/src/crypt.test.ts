import { NotImplementedError } from "@strombus/reactor/exceptions";
import { describe, expect, test } from "vitest";
import { loadCrypt, verifyCryptedPassword } from "./crypt.js";
import { UnauthorizedLogin } from "./error.js";
import { optional } from "./optional.js";

/** All of `strombus`; those without a comment are the sheet's. */
const HASHES = {
  "traditional DES": "abuT.NwDaAous",
  MD5: "$1$shell$edT6vDsuGULJMMgHjyt/b0",
  "SHA-256": "$5$shell$RjUvf2lpWK8fqkToCXcBSBX1Czux6aTYLF/a9vsA7d0",
  "SHA-512": "$6$shell$Uqk.9ZPPhOrSI5zoGri/LgPrt47OKTcIU2DfK1V8F98Sz5OFEoC2xCuxvZuODf.eAcw07tvpPPwVWIb4ZbJgz.",
  yescrypt: "$y$j9T$abcdefgh$fhBA2fFlWQQP4CJ3ycA6ZG4aOCvyWz8/OVNB2RhA9LA", // by mkpasswd of Debian 12
};

for (const [format, hash] of Object.entries(HASHES)) {
  describe(`a hash of ${format}`, () => {
    test("verifies the right password, as text and as bytes, and no other", async () => {
      expect(await verifyCryptedPassword(hash, "strombus")).toBe(true);
      expect(await verifyCryptedPassword(Buffer.from(hash), Buffer.from("strombus"))).toBe(true);
      for (const wrong of ["Strombus", "", "strombu", "strombus\0", "strombus\0x"]) {
        expect(await verifyCryptedPassword(hash, wrong)).toBe(false);
      }
    });

    test("that is damaged verifies nothing", async () => {
      const last = hash.endsWith("0") ? "1" : "0";
      expect(await verifyCryptedPassword(hash.slice(0, -1) + last, "strombus")).toBe(false);
      expect(await verifyCryptedPassword(hash.slice(0, -1), "strombus")).toBe(false);
      expect(await verifyCryptedPassword(`${hash}x`, "strombus")).toBe(false);
      expect(await verifyCryptedPassword(`!${hash}`, "strombus")).toBe(false);
    });
  });
}

test("bcrypt is known too, where the system has it", async () => {
  const hash = await loadCrypt()("strombus", "$2b$04$abcdefghijklmnopqrstuu");
  expect(hash).toMatch(/^\$2b\$04\$.{53}$/);
  expect(await verifyCryptedPassword(hash!, "strombus")).toBe(true);
  expect(await verifyCryptedPassword(hash!, "strombuS")).toBe(false);
});

test("what a locked account has instead of a hash is nobody's password, least of all itself", async () => {
  for (const locked of ["", "x", "*", "!", "!!", "*0", "*1", "!*", "*LK*", "NP", "$", "$6$", "$y$", "$6$shell$"]) {
    for (const password of [locked, "", "x"]) expect(await verifyCryptedPassword(locked, password)).toBe(false);
  }
});

test("R9: a thousand at a time come out right, and the event loop turns meanwhile", async () => {
  let turns = 0;
  const turning = setInterval(() => turns++, 1);
  const answers = await Promise.all(
    Array.from({ length: 1000 }, async (_, i) => verifyCryptedPassword(HASHES.MD5, i % 3 ? "wrong" : "strombus")),
  );
  clearInterval(turning);
  expect(answers).toEqual(answers.map((_, i) => i % 3 === 0));
  expect(turns).toBeGreaterThan(10);
});

test("R9: when too many wait, those that come fail at once", async () => {
  const all = Array.from({ length: 1100 }, async () => verifyCryptedPassword(HASHES.MD5, "strombus"));
  const outcomes = await Promise.allSettled(all);
  const refused = outcomes.filter((each) => each.status === "rejected");
  expect(refused.length).toBeGreaterThan(70);
  expect(refused.every(({ reason }) => reason instanceof UnauthorizedLogin)).toBe(true);
  expect(await verifyCryptedPassword(HASHES.MD5, "strombus")).toBe(true);
});

test("what is not installed is named, with what needs it", () => {
  expect(() => loadCrypt(["libnone.so.1", "libnone.so.2"])).toThrow(NotImplementedError);
  expect(() => loadCrypt(["libnone.so.1", "libnone.so.2"])).toThrow(/needs libnone\.so\.1 or libnone\.so\.2/);
  expect(() => optional("@strombus/none", "This test")).toThrow(NotImplementedError);
  expect(() => optional("@strombus/none", "This test")).toThrow(
    "This test needs the package @strombus/none: npm install @strombus/none",
  );
});
