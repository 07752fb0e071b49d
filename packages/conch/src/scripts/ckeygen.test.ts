import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { SystemExit } from "@strombus/reactor/exceptions";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BadFingerPrintFormat, BadKeyError, FingerprintFormats, Key } from "../ssh/keys.js";
import {
  _getKeyOrDefault,
  _saveKey,
  changePassPhrase,
  displayPublicKey,
  enumrepresentation,
  GeneralOptions,
  printFingerprint,
  run,
} from "./ckeygen.js";
import { RSA } from "../keys/rsa.test.support.js";

const ED25519 = Key.generate("ed25519");
const P256 = Key.generate("ecdsa", 256);
const KEYS = [
  ["RSA", RSA],
  ["EC", P256],
  ["Ed25519", ED25519],
] as const;

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "strombus-ckeygen-"));
  file = join(folder, "key");
  process.exitCode = 0;
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  process.exitCode = 0;
  vi.restoreAllMocks();
});

/** Options as given, with answers to the questions that are expected, and what is printed. */
function made(given: Record<string, unknown> = {}, answers: readonly string[] = []) {
  const options = new GeneralOptions();
  for (const [name, value] of Object.entries(given)) options.set(name, value);
  const left = [...answers];
  const seen = { printed: "", errors: "", questions: [] as string[] };
  options.output = { write: (text) => (seen.printed += text) };
  const answer = (question: string): string => {
    seen.questions.push(question);
    const next = left.shift();
    if (next === undefined) throw new Error(`nobody answers ${question}`);
    return next;
  };
  options.input = answer;
  options.getpass = answer;
  return { options, seen, left };
}

/** The program, by its command line. */
async function program(words: readonly string[], answers: readonly string[] = []) {
  const { options, seen, left } = made({}, answers);
  await run(words, options, { write: (text) => (seen.errors += text) });
  expect(left).toEqual([]);
  return { ...seen, status: process.exitCode };
}

const mode = (path: string): number => statSync(path).mode & 0o777;

describe("making a key", () => {
  test.each([
    ["ecdsa", ["-b", "384"], "EC", 384, "-----BEGIN EC"],
    ["ecdsa", [], "EC", 256, "-----BEGIN EC"],
    ["ed25519", [], "Ed25519", 256, "-----BEGIN OPENSSH"],
    ["dsa", ["-b", "2048"], "DSA", 2048, "-----BEGIN DSA"],
    ["dsa", [], "DSA", 1024, "-----BEGIN DSA"],
    ["rsa", ["-b", "2048"], "RSA", 2048, "-----BEGIN RSA"],
    ["RSA", [], "RSA", 2048, "-----BEGIN RSA"],
    ["ecdsa", ["--private-key-subtype", "v1"], "EC", 256, "-----BEGIN OPENSSH"],
    ["rsa", ["--private-key-subtype", "v1"], "RSA", 2048, "-----BEGIN OPENSSH"],
    ["dsa", ["--private-key-subtype", "v1"], "DSA", 1024, "-----BEGIN OPENSSH"],
    ["ecdsa", ["--private-key-subtype", "PKCS8"], "EC", 256, "-----BEGIN PRIVATE KEY"],
  ])("%s %j", async (type, words, kind, bits, start) => {
    const { printed, status } = await program(["-t", type, "--no-passphrase", "-f", file, ...words]);
    expect(status).toBe(0);
    expect(printed.split("\n")[0]).toBe(`Generating public/private ${type} key pair.`);
    const key = Key.fromFile(file);
    expect([key.type(), key.size(), key.isPublic()]).toEqual([kind, bits, false]);
    expect(readFileSync(file, "latin1")).toContain(start);
    const half = Key.fromFile(`${file}.pub`);
    expect([half.isPublic(), half.equals(key.public())]).toEqual([true, true]);
  });

  test.each([
    ["an unknown type", ["-t", "foo"], "Key type was foo, must be one of rsa, dsa, ecdsa, ed25519\n"],
    ["no such curve", ["-t", "ecdsa", "-b", "255"], "ckeygen: there is no ECDSA curve of 255 bits\n"],
    ["too small", ["-t", "rsa", "-b", "1024"], /^ckeygen: an RSA key has 2048 to \d+ bits, not 1024\n$/],
    [
      "no PEM",
      ["-t", "ed25519", "--private-key-subtype", "PEM"],
      "ckeygen: Ed25519 keys have no traditional PEM form\n",
    ],
    ["no such subtype", ["-t", "ecdsa", "--private-key-subtype", "x"], 'ckeygen: unknown subtype "x"\n'],
    ["no such format", ["-t", "ecdsa", "-o", "x"], "ckeygen: Unsupported fingerprint format: x\n"],
  ])("%s is one sentence and status 1, and no file", async (_, words, errors) => {
    const seen = await program([...words, "--no-passphrase", "-f", file]);
    expect([seen.status, existsSync(file)]).toEqual([1, false]);
    if (typeof errors === "string") expect(seen.errors).toBe(errors);
    else expect(seen.errors).toMatch(errors);
  });

  test.each([[["--bits=many"]], [["--nothing"]], [["word"]]])(
    "%j is an error with the usage, and status 1",
    async (words) => {
      const { errors, status, printed } = await program(words);
      expect([status, printed]).toEqual([1, ""]);
      expect(errors).toMatch(/^ERROR: .+\nUsage: ckeygen \[options\]\n/);
    },
  );

  test("nothing to do prints the help", async () => {
    const { printed, status, errors } = await program([]);
    expect([status, errors]).toEqual([0, ""]);
    expect(printed).toContain("--changepass");
  });
});

describe("_getKeyOrDefault", () => {
  const usual = join(userInfo().homedir, ".ssh/id_rsa");
  beforeEach(() => vi.stubEnv("HOME", userInfo().homedir));
  afterEach(() => vi.unstubAllEnvs());

  test("the file that is named, without a question", async () => {
    const { options } = made({ filename: "name" });
    expect(await _getKeyOrDefault(options)).toBe("name");
  });

  test("an empty answer takes the usual one, and the options stay as they are", async () => {
    const { options, seen } = made({}, [""]);
    expect(await _getKeyOrDefault(options)).toBe(usual);
    expect(seen.questions).toEqual([`Enter file in which the key is (${usual}): `]);
    expect(options.get("filename")).toBeNull();
  });

  test("the usual one is its type's, and any collector of answers will do", async () => {
    const { options } = made();
    const answers: string[] = [];
    expect(await _getKeyOrDefault(options, (question) => (answers.push(question), ""), "ecdsa")).toMatch(/id_ecdsa$/);
    expect(await _getKeyOrDefault(options, () => Promise.resolve(" other "))).toBe("other");
    expect(answers).toHaveLength(1);
  });
});

describe("_saveKey", () => {
  test.each(KEYS)("%s: four lines, a private file of mode 0600, and a line of a public one", async (_, key) => {
    const { options, seen } = made({ filename: file, "no-passphrase": 1, format: "md5-hex" });
    await _saveKey(key, options);
    expect(seen.printed.split("\n")).toEqual([
      `Your identification has been saved in ${file}`,
      `Your public key has been saved in ${file}.pub`,
      "The key fingerprint in <FingerprintFormats=MD5_HEX> is:",
      key.fingerprint(FingerprintFormats.MD5_HEX),
      "",
    ]);
    expect(Key.fromFile(file).equals(key)).toBe(true);
    expect([mode(file), mode(`${file}.pub`)]).toEqual([0o600, 0o644]);
    const comment = `${userInfo().username}@${hostname()}`;
    expect(readFileSync(`${file}.pub`, "utf8")).toBe(`${key.public().toString("openssh", { comment }).toString()}\n`);
  });

  test("a private file is never readable for others, however lax the umask, and is not another's that is there", async () => {
    const before = process.umask(0);
    try {
      await _saveKey(ED25519, made({ filename: file, "no-passphrase": 1 }).options);
      expect([mode(file), mode(`${file}.pub`)]).toEqual([0o600, 0o644]);
      writeFileSync(join(folder, "target"), "", { mode: 0o666 });
      symlinkSync("nowhere", join(folder, "dangling"));
      const dangling = made({ filename: join(folder, "dangling"), "no-passphrase": 1 }).options;
      await expect(_saveKey(ED25519, dangling)).rejects.toThrow(/could not be saved: EEXIST/);
      expect(existsSync(join(folder, "nowhere"))).toBe(false);
    } finally {
      process.umask(before);
    }
  });

  test.each(KEYS)("%s: with a passphrase, given or asked for twice until both are the same", async (_, key) => {
    await _saveKey(key, made({ filename: file, pass: "secret", "private-key-subtype": "PKCS8" }).options);
    expect(Key.fromFile(file, { passphrase: "secret" }).equals(key)).toBe(true);
    const asked = made({ filename: `${file}2`, "private-key-subtype": "PKCS8" }, ["a", "b", "other", "other"]);
    await _saveKey(key, asked.options);
    expect(Key.fromFile(`${file}2`, { passphrase: "other" }).equals(key)).toBe(true);
    expect(asked.seen.questions.slice(0, 2)).toEqual([
      "Enter passphrase (empty for no passphrase): ",
      "Enter same passphrase again: ",
    ]);
    expect(asked.seen.printed).toMatch(/^The passphrases differ\. Try again\.\n/);
  });

  test("an empty passphrase is none", async () => {
    await _saveKey(RSA, made({ filename: file }, ["", ""]).options);
    expect(Key.fromFile(file).equals(RSA)).toBe(true);
    await _saveKey(RSA, made({ filename: `${file}2`, pass: "" }).options);
    expect(Key.fromFile(`${file}2`).equals(RSA)).toBe(true);
  });

  test("v1 begins as OpenSSH's own, and has the comment, as the public file", async () => {
    await _saveKey(
      RSA,
      made({ filename: file, "no-passphrase": 1, "private-key-subtype": "v1", comment: "me" }).options,
    );
    const text = readFileSync(file, "utf8");
    expect(text.split("\n")[0]).toBe("-----BEGIN OPENSSH PRIVATE KEY-----");
    expect(Buffer.from(text.split("\n").slice(1, -2).join(""), "base64").includes("\0\0\0\x02me")).toBe(true);
    expect(readFileSync(`${file}.pub`, "utf8")).toMatch(/ me\n$/);
  });

  test("without a file's name it asks for one", async () => {
    const { options, seen } = made({ "no-passphrase": 1 }, [` ${file} `]);
    await _saveKey(ED25519, options);
    expect(seen.questions[0]).toMatch(/^Enter file in which to save the key \(.*id_ed25519\): $/);
    expect(existsSync(file)).toBe(true);
  });

  test.each(["n", "", "no"])("a file that is there stays when the answer is %j", async (answer) => {
    writeFileSync(file, "there");
    const { options, seen } = made({ filename: file, "no-passphrase": 1 }, [answer]);
    await expect(_saveKey(ED25519, options)).rejects.toEqual(new SystemExit(0));
    expect(seen.printed).toBe(`${file} already exists.\n`);
    expect(seen.questions).toEqual(["Overwrite (y/n)? "]);
    expect([readFileSync(file, "utf8"), existsSync(`${file}.pub`)]).toEqual(["there", false]);
  });

  test("and is replaced when it is yes: with mode 0600, and where a link leads", async () => {
    writeFileSync(join(folder, "target"), "there", { mode: 0o666 });
    symlinkSync("target", file);
    await _saveKey(ED25519, made({ filename: file, "no-passphrase": 1 }, ["Yes"]).options);
    expect([lstatSync(file).isSymbolicLink(), mode(join(folder, "target"))]).toEqual([true, 0o600]);
    expect(Key.fromFile(file).equals(ED25519)).toBe(true);
  });

  test("what cannot be written is one sentence", async () => {
    const { errors, status } = await program(["-t", "ed25519", "--no-passphrase", "-f", join(folder, "no/key")]);
    expect([status, errors]).toEqual([1, expect.stringMatching(/^.*no\/key could not be saved: ENOENT[^\n]*\n$/)]);
  });

  test("quiet says nothing", async () => {
    const { printed, status } = await program(["-q", "-t", "ed25519", "--no-passphrase", "-f", file]);
    expect([printed, status, existsSync(file)]).toEqual(["", 0, true]);
  });
});

describe("fingerprints", () => {
  test.each([
    ["md5-hex", FingerprintFormats.MD5_HEX],
    ["sha256-base64", FingerprintFormats.SHA256_BASE64],
  ])("%s, of the file itself and of the public one beside it", async (format, symbol) => {
    writeFileSync(file, RSA.public().toString("openssh"));
    const own = await program(["-l", "-f", file, "-o", format]);
    expect(own.printed).toBe(`2048 ${RSA.fingerprint(symbol)} key\n`);
    writeFileSync(file, "unreadable");
    writeFileSync(`${file}.pub`, P256.public().toString("openssh"));
    expect((await program(["-l", "-f", file, "-o", format])).printed).toBe(`256 ${P256.fingerprint(symbol)} key.pub\n`);
  });

  test("of what is no key, is missing or encrypted: one sentence", async () => {
    expect(await program(["-l", "-f", file])).toMatchObject({
      status: 1,
      errors: `${file} could not be opened, please specify a file.\n`,
    });
    writeFileSync(file, "nonsense");
    expect(await program(["-l", "-f", file])).toMatchObject({ status: 1, errors: "bad key\n" });
    writeFileSync(file, RSA.toString("openssh", { passphrase: "x" }));
    expect((await program(["-l", "-f", file])).errors).toBe(`${file} is encrypted, and there is no ${file}.pub\n`);
  });

  test("no file is read further than a key may be long (CL6)", async () => {
    for (const action of ["-p", "-y"]) {
      const { status, errors } = await program([action, "-f", "/dev/zero"]);
      expect([status, errors]).toEqual([1, "ckeygen: the key file is too large\n"]);
    }
    expect((await program(["-l", "-f", "/dev/zero"])).errors).toBe("bad key\n");
  });

  test("formats by their names, and no others", async () => {
    expect(enumrepresentation(made({ format: "md5-hex" }).options).get("format")).toBe(FingerprintFormats.MD5_HEX);
    const sha = made({ format: "sha256-base64" }).options;
    expect(enumrepresentation(enumrepresentation(sha)).get("format")).toBe(FingerprintFormats.SHA256_BASE64);
    const other = made({ format: "sha-base64", filename: file }).options;
    const error = new BadFingerPrintFormat("Unsupported fingerprint format: sha-base64");
    expect(() => enumrepresentation(other)).toThrow(error);
    await expect(printFingerprint(other)).rejects.toThrow(error);
  });
});

describe("another passphrase", () => {
  const SAVED = "Your identification has been saved with the new passphrase.\n";
  const encrypted = (): void => writeFileSync(file, RSA.toString("openssh", { passphrase: "old" }));
  const opens = (passphrase: string): boolean => Key.fromFile(file, { passphrase }).equals(RSA);

  test("by questions", async () => {
    encrypted();
    const { options, seen } = made({ filename: file }, ["old", "new", "new"]);
    await changePassPhrase(options);
    expect(seen.questions).toEqual([
      "Enter old passphrase: ",
      "Enter new passphrase (empty for no passphrase): ",
      "Enter same passphrase again: ",
    ]);
    expect(seen.printed).toBe(SAVED);
    expect([opens("new"), mode(file)]).toEqual([true, 0o600]);
  });

  test("with the old one given, and with both", async () => {
    encrypted();
    expect((await program(["-p", "-f", file, "-P", "old"], ["new", "new"])).printed).toBe(SAVED);
    expect((await program(["-p", "-f", file, "-P", "new", "-N", "newer"])).printed).toBe(SAVED);
    expect(opens("newer")).toBe(true);
    expect((await program(["-p", "-f", file, "-P", "newer", "-N", ""])).printed).toBe(SAVED);
    expect(Key.fromFile(file).equals(RSA)).toBe(true);
  });

  test.each([
    ["v1", "-----BEGIN OPENSSH PRIVATE"],
    ["PKCS8", "-----BEGIN ENCRYPTED PRIVATE"],
    ["PEM", "-----BEGIN RSA PRIVATE"],
  ])("a file of subtype %s stays one, and another is made by an option", async (subtype, start) => {
    writeFileSync(file, RSA.toString("openssh", { subtype, comment: "me" }));
    const pass = subtype === "v1" ? "" : "new"; // its encryption takes seconds
    await changePassPhrase(made({ filename: file, newpass: pass }).options);
    expect(readFileSync(file, "utf8")).toContain(start);
    await changePassPhrase(made({ filename: file, pass, newpass: "", "private-key-subtype": "v1" }).options);
    const text = readFileSync(file, "utf8");
    expect(text).toContain("BEGIN OPENSSH");
    const blob = Buffer.from(text.split("\n").slice(1, -2).join(""), "base64");
    expect(blob.includes("\0\0\0\x02me")).toBe(subtype === "v1"); // the only one with a comment
  });

  test.each([
    ["a wrong old one", ["-P", "wrong", "-N", "new"], [], "old passphrase error"],
    ["an empty old one", ["-N", "new"], [""], "Passphrase must be provided for an encrypted key"],
  ])("%s: the file stays", async (_, words, answers, why) => {
    encrypted();
    const before = readFileSync(file);
    const { errors, status } = await program(["-p", "-f", file, ...words], answers);
    expect([errors, status]).toEqual([`Could not change passphrase: ${why}\n`, 1]);
    expect(readFileSync(file)).toEqual(before);
  });

  test.each([
    ["no key", () => Buffer.from("foobar"), /^Could not change passphrase: cannot guess the type of [^\n]*\n$/],
    ["a public key", () => RSA.public().toString("openssh"), /^Could not change passphrase: key not encrypted\n$/],
  ])("of %s there is none", async (_, content, errors) => {
    writeFileSync(file, content());
    const seen = await program(["-p", "-f", file, "-N", "new"]);
    expect(seen.status).toBe(1);
    expect(seen.errors).toMatch(errors);
    expect(readFileSync(file)).toEqual(content());
  });

  test("of a missing file there is none", async () => {
    expect((await program(["-p", "-f", file])).errors).toBe(`${file} could not be opened, please specify a file.\n`);
  });

  test.each([
    [
      "fails",
      () => {
        throw new Error("oops");
      },
      "oops",
    ],
    ["gives nothing", () => Buffer.alloc(0), "cannot guess the type of the key"],
  ] as const)("a serialiser that %s leaves the file alone", async (_, toString, why) => {
    encrypted();
    const before = readFileSync(file);
    vi.spyOn(Key.prototype, "toString").mockImplementation(toString);
    const { errors, status } = await program(["-p", "-f", file, "-P", "old", "-N", "new"]);
    expect([errors, status]).toEqual([`Could not change passphrase: ${why}\n`, 1]);
    expect(readFileSync(file)).toEqual(before);
  });
});

describe("the public half", () => {
  const line = `${RSA.public().toString("openssh").toString()}\n`;

  test("of a private key, without a comment", async () => {
    writeFileSync(file, RSA.toString("openssh"));
    expect((await program(["-y", "-f", file])).printed).toBe(line);
  });

  test("of an encrypted one, by the passphrase that is given or asked for", async () => {
    writeFileSync(file, RSA.toString("openssh", { passphrase: "secret" }));
    expect((await program(["-y", "-f", file, "-P", "secret"])).printed).toBe(line);
    const asked = await program(["-y", "-f", file], ["secret"]);
    expect([asked.printed, asked.questions]).toEqual([line, ["Enter passphrase: "]]);
  });

  test("a wrong passphrase is a BadKeyError, and one sentence of the program's", async () => {
    writeFileSync(file, RSA.toString("openssh", { passphrase: "secret" }));
    await expect(displayPublicKey(made({ filename: file, pass: "wrong" }).options)).rejects.toThrow(BadKeyError);
    expect(await program(["-y", "-f", file, "-P", "wrong"])).toMatchObject({
      status: 1,
      printed: "",
      errors: "ckeygen: wrong passphrase or malformed key\n",
    });
  });
});
