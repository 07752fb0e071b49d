/** The program ckeygen, and OpenSSH's ssh-keygen as the judge of what it makes. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { root } from "../support/example.js";
import { temporaryFolder } from "../support/folder.js";
import { needed } from "../support/needed.js";
import { atTerminal, Program } from "../support/program.js";

const command = [process.execPath, join(root, "packages/conch/bin/ckeygen.js")];

let file: string;
beforeEach(() => {
  file = join(temporaryFolder(), "key");
});

async function ckeygen(...words: string[]): Promise<{ status: number | null; printed: string; errors: string }> {
  const program = new Program([...command, ...words]);
  program.endInput();
  const { status } = await program.ending;
  return { status, printed: program.stdout.text, errors: program.stderr.text };
}

function sshKeygen(...words: string[]): string {
  return execFileSync(needed("ssh-keygen"), words, { encoding: "utf8", stdio: "pipe" });
}

/** What ssh-keygen calls a key: without the padding. */
const unpadded = (fingerprint: string): string => `SHA256:${fingerprint.replace(/=+$/, "")}`;

describe("a key that it makes", () => {
  test.each([
    ["ed25519", [], "256", "ED25519"],
    ["ecdsa", [], "256", "ECDSA"],
    ["ecdsa", ["-b", "521", "--private-key-subtype", "v1"], "521", "ECDSA"],
    ["rsa", ["-C", "me there"], "2048", "RSA"],
    ["ed25519", ["-P", "secret"], "256", "ED25519"],
  ])("%s %j is read by ssh-keygen, with the same fingerprint", async (type, words, bits, name) => {
    const passphrase = words.includes("-P") ? "secret" : "";
    const secret = words.includes("-P") ? [] : ["--no-passphrase"];
    const { status, printed } = await ckeygen("-t", type, "-f", file, ...words, ...secret);
    expect(status).toBe(0);
    const fingerprint = unpadded(printed.trim().split("\n").at(-1)!);
    expect(sshKeygen("-l", "-f", `${file}.pub`)).toMatch(new RegExp(`^${bits} .*\\(${name}\\)\n$`));
    expect(sshKeygen("-l", "-f", `${file}.pub`).split(" ")[1]).toBe(fingerprint);
    const [ours, theirs] = [readFileSync(`${file}.pub`, "utf8"), sshKeygen("-y", "-P", passphrase, "-f", file)];
    expect(ours.split(" ").slice(0, 2)).toEqual(theirs.trim().split(" ").slice(0, 2));
    if (words.includes("-C")) expect(ours).toMatch(/ me there\n$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("can be given another passphrase by either program, and shown by either", async () => {
    sshKeygen("-q", "-t", "ed25519", "-N", "theirs", "-a", "1", "-C", "the comment", "-f", file);
    const line = readFileSync(`${file}.pub`, "utf8").split(" ").slice(0, 2).join(" ");
    expect(await ckeygen("-p", "-f", file, "-P", "theirs", "-N", "ours")).toMatchObject({ status: 0, errors: "" });
    sshKeygen("-q", "-p", "-P", "ours", "-N", "again", "-a", "1", "-f", file);
    expect(sshKeygen("-y", "-P", "again", "-f", file)).toBe(`${line} the comment\n`);
    expect(await ckeygen("-y", "-f", file, "-P", "again")).toEqual({ status: 0, printed: `${line}\n`, errors: "" });
    const [size, fingerprint] = (await ckeygen("-l", "-f", file)).printed.split(" ");
    expect([size, unpadded(fingerprint!)]).toEqual(sshKeygen("-l", "-f", file).split(" ").slice(0, 2));
  });
});

describe("what it cannot do is one sentence, without a stack, and status 1", () => {
  test("a wrong passphrase", async () => {
    sshKeygen("-q", "-t", "ed25519", "-N", "right", "-a", "1", "-f", file);
    const before = readFileSync(file);
    const error = "Could not change passphrase: old passphrase error\n";
    expect(await ckeygen("-p", "-f", file, "-P", "wrong", "-N", "x")).toEqual({
      status: 1,
      printed: "",
      errors: error,
    });
    expect((await ckeygen("-y", "-f", file, "-P", "wrong")).errors).toMatch(/^ckeygen: [^\n]+\n$/);
    expect(readFileSync(file)).toEqual(before);
  });

  test("an option that it does not know", async () => {
    const { status, errors } = await ckeygen("--other");
    expect([status, errors]).toEqual([1, expect.stringMatching(/^ERROR: option --other not recognized\nUsage: /)]);
  });

  test("an end of its input where it has a question", async () => {
    writeFileSync(file, "there");
    const { status, errors } = await ckeygen("-t", "ed25519", "--no-passphrase", "-f", file);
    expect([status, errors]).toEqual([1, "ckeygen: the input ended before the answer\n"]);
    expect(readFileSync(file, "utf8")).toBe("there");
  });
});

describe("at a terminal", () => {
  test("a passphrase is asked for twice and never shown", async () => {
    const program = atTerminal([...command, "-t", "ecdsa"], { env: { HOME: join(file, "..") } });
    await program.stdout.until("Enter file in which to save the key");
    program.type(`${file}\r`);
    for (const question of ["Enter passphrase (empty for no passphrase): ", "Enter same passphrase again: "]) {
      await program.stdout.until(question);
      program.type("hudden\x7f\x7f\x7f\x7f\x7fidden\r");
    }
    await program.stdout.until("The key fingerprint in");
    expect((await program.ending).status).toBe(0);
    expect(program.stdout.text).not.toMatch(/hudden|hidden|\*/);
    expect(program.stdout.text).toContain(file); // what may be seen is
    expect(sshKeygen("-y", "-P", "hidden", "-f", file)).toMatch(/^ecdsa-sha2-nistp256 /);
  });

  test("Ctrl-C ends a question for a passphrase, and nothing is written", async () => {
    const program = atTerminal([...command, "-t", "ed25519", "-f", file]);
    await program.stdout.until("Enter passphrase");
    program.type("half\x03");
    expect((await program.ending).status).toBe(130);
    expect(existsSync(file)).toBe(false);
  });

  test("the passphrase comes from the terminal even where the input is a file", async () => {
    writeFileSync(`${file}.answers`, `${file}\n`);
    const shell = `exec "$0" "$1" -t ecdsa <"$2"`;
    const program = atTerminal(["sh", "-c", shell, ...command, `${file}.answers`]);
    for (const question of ["Enter passphrase", "Enter same passphrase again"]) {
      await program.stdout.until(question);
      program.type("terminal\r");
    }
    expect((await program.ending).status).toBe(0);
    expect(program.stdout.text).not.toMatch(/terminal\r/);
    expect(sshKeygen("-y", "-P", "terminal", "-f", file)).toMatch(/^ecdsa-sha2-nistp256 /);
  });
});

test("whoever reads what it says may go", async () => {
  const words = [...command, "-t", "ed25519", "-f", file, "--no-passphrase"].map((word) => JSON.stringify(word));
  const program = new Program(["sh", "-c", `{ sleep 0.1; exec ${words.join(" ")}; } | true`]);
  await program.ending;
  expect(program.stderr.text).toBe("");
  expect([existsSync(file), existsSync(`${file}.pub`)]).toEqual([true, true]);
});
