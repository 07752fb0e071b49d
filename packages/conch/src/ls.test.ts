import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { lsLine } from "./ls.js";

const zone = process.env["TZ"];
afterEach(() => {
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
});

/** A file of everybody's, with what matters. */
function stat(st_mode: number, st_mtime = 0) {
  return { st_mode, st_nlink: 1, st_uid: 1000, st_gid: 100, st_size: 12_345, st_mtime };
}

describe("a line", () => {
  test("has the columns of ls -l", () => {
    process.env["TZ"] = "UTC";
    expect(lsLine("name", stat(0o100644))).toBe("-rw-r--r--    1 1000     100         12345 Jan 01  1970 name");
    expect(lsLine(Buffer.from("größe"), stat(0o100600)).endsWith(" größe")).toBe(true);
  });

  test("pushes what is longer than its column", () => {
    const line = lsLine("x", { ...stat(0o100644), st_uid: 1_234_567_890, st_size: 12_345_678_901 });
    expect(line).toContain("    1 1234567890100      12345678901 Jan ");
  });

  // mode, what is shown of it
  for (const [mode, shown] of [
    [0o040755, "drwxr-xr-x"],
    [0o020600, "crw-------"],
    [0o060600, "brw-------"],
    [0o010644, "frw-r--r--"],
    [0o120777, "lrwxrwxrwx"],
    [0o140755, "srwxr-xr-x"],
    [0o104755, "-rwsr-xr-x"],
    [0o104655, "-rwSr-xr-x"],
    [0o102755, "-rwxr-sr-x"],
    [0o102745, "-rwxr-Sr-x"],
    [0o101777, "-rwxrwxrwx"],
    [0, "!---------"],
  ] as const) {
    test(`shows the mode ${mode.toString(8)} as ${shown}`, () => {
      expect(lsLine("x", stat(mode)).slice(0, 10)).toBe(shown);
    });
  }

  test("has the time of a date in the last 26 weeks or to come, and the year of one before", () => {
    process.env["TZ"] = "UTC";
    const mtime = Date.UTC(2026, 4, 6, 22, 3) / 1000;
    const weeks = 26 * 7 * 86_400;
    const dates = [mtime, mtime + weeks, mtime + weeks + 1, mtime - weeks * 9].map((now) =>
      lsLine("x", stat(0o100644, mtime), now).slice(-14, -2),
    );
    expect(dates).toEqual(["May 06 22:03", "May 06 22:03", "May 06  2026", "May 06 22:03"]);
  });

  test("goes by the local clock, and by English names whatever the locale", () => {
    const old = { ...stat(0), st_nlink: 0, st_uid: 0, st_gid: 0, st_size: 0, st_mtime: 104_687_999 };
    process.env["LC_ALL"] = "es_AR.UTF8";
    process.env["TZ"] = "America/New_York";
    expect(lsLine("foo", old)).toBe("!---------    0 0        0               0 Apr 26  1973 foo");
    process.env["TZ"] = "Pacific/Auckland";
    expect(lsLine("foo", old)).toBe("!---------    0 0        0               0 Apr 27  1973 foo");
    delete process.env["LC_ALL"];
  });
});

test("a file of this system is shown by what Node says of it", () => {
  const folder = mkdtempSync(join(tmpdir(), "strombus-ls-"));
  try {
    writeFileSync(join(folder, "file"), "1234", { mode: 0o640 });
    symlinkSync("file", join(folder, "link"));
    const found = statSync(join(folder, "link"));
    expect(lsLine("link", found)).toMatch(
      new RegExp(
        `^-rw-r----- {4}1 ${String(found.uid).padEnd(9)}${String(found.gid).padEnd(9)} {7}4 \\w{3} \\d\\d .* link$`,
      ),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
