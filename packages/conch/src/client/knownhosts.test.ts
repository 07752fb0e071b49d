import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capturedLogs } from "@strombus/reactor/logger";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HostKeyChanged, HostKeyRevoked, InvalidEntry, UserRejectedKey } from "../error.js";
import { Certificate } from "../keys/certificate.js";
import { BadKeyError, CertificateError } from "../keys/errors.js";
import { Key } from "../ssh/keys.js";
import { algorithmsFor, type Host, knownFirst, verifyHost } from "./host-key.js";
import { parseEntry } from "./known-host-entries.js";
import {
  type Console,
  ConsoleUI,
  HashedEntry,
  KnownHostsFile,
  type KnownHostsUI,
  MarkedEntry,
  PlainEntry,
  UnparsedEntry,
} from "./knownhosts.js";

const KEY = Key.generate("ed25519").public();
const OTHER = Key.generate("ed25519").public();
const EC = Key.generate("ecdsa").public();
const SALT = Buffer.from(Array.from({ length: 20 }, (_, index) => index));
const SALTED = SALT.toString("base64");

const lineOf = (hosts: string, key = KEY, comment?: string): string =>
  [hosts, key.sshType(), key.blob().toString("base64"), ...(comment === undefined ? [] : [comment])].join(" ");

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "known-hosts-"));
  path = join(folder, "deep", "known_hosts");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A file with these lines. */
function written(...lines: string[]): KnownHostsFile {
  path = join(folder, "known_hosts");
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
  return KnownHostsFile.fromPath(path);
}

/** Answers what it is told to, and notes what it is asked. */
class UI implements KnownHostsUI {
  readonly asked: string[] = [];
  readonly warned: string[] = [];
  constructor(readonly answer: boolean | Error = true) {}
  prompt(text: string): boolean {
    this.asked.push(text);
    if (this.answer instanceof Error) throw this.answer;
    return this.answer;
  }
  warn(text: string): void {
    this.warned.push(text);
  }
}

describe("an entry whose hosts can be read", () => {
  test("matches the names that it has, as they are written, and its own key", () => {
    const entry = PlainEntry.fromString(lineOf("www.example.com,192.0.2.7", KEY, "its  comment "));
    expect(
      ["www.example.com", "192.0.2.7", "WWW.example.com", "example.com"].map((each) => entry.matchesHost(each)),
    ).toEqual([true, true, false, false]);
    expect([KEY, OTHER, EC, "no key"].map((each) => entry.matchesKey(each))).toEqual([true, false, false, false]);
    expect([entry.keyType, entry.publicKey.equals(KEY), entry.comment]).toEqual(["ssh-ed25519", true, "its  comment "]);
  });

  test("is written as it was read", () => {
    for (const line of [lineOf("a"), lineOf("a,b", EC, "a comment"), lineOf("a", KEY, " with blanks  ")]) {
      expect(PlainEntry.fromString(line).toString()).toBe(line);
      expect(PlainEntry.fromString(`  ${line}\n`).toString()).toBe(line);
    }
  });

  test("knows OpenSSH's patterns, and what they exclude", () => {
    const entry = PlainEntry.fromString(lineOf("*.example.com,!db?.example.com"));
    expect(["a.example.com", "db1.example.com", "example.com"].map((each) => entry.matchesHost(each))).toEqual([
      true,
      false,
      false,
    ]);
  });

  test.each([
    ["", InvalidEntry],
    ["host ssh-ed25519", InvalidEntry],
    ["host ssh-ed25519 not+base64!", BadKeyError],
    ["host ssh-ed25519 AAAA", Error],
  ])("%j is none", (line, error) => {
    expect(() => PlainEntry.fromString(line)).toThrow(error);
  });
});

describe("an entry whose host is hidden", () => {
  test.each([
    ["ssh.example.com", "tqnICArMOmOdI8w0So4Ykc0a1iw="],
    ["192.0.2.7", "iCClSv7Tbv8odHZMdGWnUQAjWxg="],
  ])("%s is known by its hash, and nothing else is", (host, hash) => {
    const line = lineOf(`|1|${SALTED}|${hash}`);
    const entry = HashedEntry.fromString(line);
    expect([entry.matchesHost(host), entry.matchesHost(`${host}.`)]).toEqual([true, false]);
    expect([entry.matchesKey(KEY), entry.matchesKey(OTHER)]).toEqual([true, false]);
    expect(entry.toString()).toBe(line);
    expect(HashedEntry.of(host, SALT, KEY).equals(entry)).toBe(true);
  });

  test("equals one with the same salt, hash, type, key and comment", () => {
    const make = ([salt, hash, type, key, comment]: [Buffer, Buffer, string, Key, string | null]): HashedEntry =>
      new HashedEntry(salt, hash, type, key, comment);
    const fields: [Buffer, Buffer, string, Key, string | null] = [SALT, Buffer.from("hash"), "ssh-ed25519", KEY, "c"];
    const others = [Buffer.from("salt"), Buffer.from("other"), "ssh-rsa", OTHER, null];
    const entry = make(fields);
    expect(entry.equals(make([...fields]))).toBe(true);
    for (const [place, other] of others.entries()) {
      expect(entry.equals(make(fields.with(place, other) as typeof fields))).toBe(false);
    }
    expect(entry.equals(PlainEntry.fromString(lineOf("host")))).toBe(false);
  });

  test.each([
    [`|1|${SALTED} ssh-ed25519 AAAA`, Error],
    [lineOf(`|1|${SALTED}`), InvalidEntry],
    [lineOf(`|1|${SALTED}|a|b`), InvalidEntry],
    [lineOf("plain"), InvalidEntry],
    [lineOf(`|1|${SALTED}|!!`), BadKeyError],
    [`|1|${SALTED}|${SALTED} ssh-ed25519`, InvalidEntry],
  ])("%j is none", (line, error) => {
    expect(() => HashedEntry.fromString(line)).toThrow(error);
  });
});

test("a line that cannot be read matches nothing and stays what it is", () => {
  for (const line of ["", "  # a comment  ", "host ssh-ed25519", "host ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA=="]) {
    const entry = parseEntry(line);
    expect(entry).toBeInstanceOf(UnparsedEntry);
    expect([entry.toString(), entry.matchesHost("host"), entry.matchesKey(KEY)]).toEqual([line, false, false]);
  }
  expect(new UnparsedEntry("line \n").toString()).toBe("line ");
});

describe("the file", () => {
  test("made anew it ignores what there is, and overwrites it once", () => {
    written(lineOf("old"));
    const file = new KnownHostsFile(path);
    expect([...file.iterentries()]).toEqual([]);
    const first = file.addHostKey("new", KEY);
    file.save();
    expect(readFileSync(path, "utf8")).toBe(`${first.toString()}\n`);
    const second = file.addHostKey("newer", KEY);
    file.save();
    file.save();
    expect(readFileSync(path, "utf8")).toBe(`${first.toString()}\n${second.toString()}\n`);
    expect([...file.iterentries()].map(String)).toEqual([String(first), String(second)]);
  });

  test("from a path it appends, in a folder that it makes, readable by its owner", () => {
    const file = KnownHostsFile.fromPath(path);
    expect([...file.iterentries()]).toEqual([]);
    const entry = file.addHostKey("host", KEY);
    file.save();
    expect(readFileSync(path, "utf8")).toBe(`${entry.toString()}\n`);
    expect([statSync(path).mode & 0o777, statSync(join(folder, "deep")).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  test("is written even when nothing was added", () => {
    KnownHostsFile.fromPath(path).save();
    expect(existsSync(path)).toBe(true);
  });

  test("a last line without an end keeps to itself", () => {
    const file = written();
    appendFileSync(path, lineOf("old"));
    const entry = file.addHostKey("new", OTHER);
    file.save();
    expect(readFileSync(path, "utf8")).toBe(`${lineOf("old")}\n${entry.toString()}\n`);
    expect([file.hasHostKey("old", KEY), file.hasHostKey("new", OTHER)]).toEqual([true, true]);
  });

  test("its path is what it was made with", () => {
    const file = KnownHostsFile.fromPath(path);
    expect(() => Object.assign(file, { savePath: "elsewhere" })).toThrow(TypeError);
    expect(file.savePath).toBe(path);
  });

  test("entries: those in memory, then each line of the file, as it is now", () => {
    const file = written(lineOf("a"), "", "# comment", lineOf(`|1|${SALTED}|${SALTED}`));
    const added = file.addHostKey("b", KEY);
    const kinds = [...file.iterentries()].map((entry) => entry.constructor);
    expect(kinds).toEqual([HashedEntry, PlainEntry, UnparsedEntry, UnparsedEntry, HashedEntry]);
    expect([...file.iterentries()][0]).toBe(added);
    appendFileSync(path, `${lineOf("c")}\n`);
    expect([...file.iterentries()].at(-1)!.toString()).toBe(lineOf("c"));
  });

  test("a host is known with its key, and unknown with a key of a type that it has none of", () => {
    const file = written(lineOf("host"), lineOf("other", OTHER));
    expect([file.hasHostKey("host", KEY), file.hasHostKey("nowhere", KEY), file.hasHostKey("host", EC)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test("another key than the host's tells the entry, the file and the line", () => {
    const file = written("# comment", lineOf("host"));
    file.addHostKey("elsewhere", EC);
    const changed = thrown(() => file.hasHostKey("host", OTHER)) as HostKeyChanged;
    expect(changed).toBeInstanceOf(HostKeyChanged);
    expect([String(changed.offendingEntry), changed.path, changed.lineno]).toEqual([lineOf("host"), path, 2]);
  });

  test("an entry in memory has no place", () => {
    const file = written(lineOf("host"));
    const entry = file.addHostKey("host", OTHER);
    const changed = thrown(() => file.hasHostKey("host", KEY)) as HostKeyChanged;
    expect([changed.offendingEntry, changed.path, changed.lineno]).toEqual([entry, null, null]);
  });

  test("a revoked key is refused, wherever the mark stands and whatever else says", () => {
    const file = written(lineOf("host"), lineOf("@revoked *"));
    expect([...file.iterentries()][1]).toBeInstanceOf(MarkedEntry);
    const revoked = thrown(() => file.hasHostKey("host", KEY)) as HostKeyRevoked;
    expect(revoked).toBeInstanceOf(HostKeyRevoked);
    expect([String(revoked.offendingEntry), revoked.path, revoked.lineno]).toEqual([lineOf("@revoked *"), path, 2]);
    expect(file.hasHostKey("host", EC)).toBe(false);
  });

  test("an authority's key is no host's", () => {
    const file = written(lineOf("@cert-authority *"));
    expect(file.hasHostKey("host", KEY)).toBe(false);
    const [entry] = file.iterentries();
    expect([entry!.matchesHost("host"), entry!.matchesKey(KEY)]).toEqual([false, false]);
  });
});

function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("verifying a host", () => {
  test("a known host at a known address is nobody's question", async () => {
    const ui = new UI();
    const file = written(lineOf("host,192.0.2.7"));
    await expect(file.verifyHostKey(ui, "host", "192.0.2.7", KEY)).resolves.toBe(true);
    expect([ui.asked, ui.warned, readFileSync(path, "utf8")]).toEqual([[], [], `${lineOf("host,192.0.2.7")}\n`]);
  });

  test("a new address of a known host is saved, with a warning", async () => {
    const ui = new UI();
    const file = written(lineOf("host"));
    await expect(file.verifyHostKey(ui, "host", "192.0.2.7", KEY)).resolves.toBe(true);
    expect(ui.asked).toEqual([]);
    expect(ui.warned).toEqual([
      "Warning: Permanently added the Ed25519 host key for IP address '192.0.2.7' to the list of known hosts.\n",
    ]);
    expect(KnownHostsFile.fromPath(path).hasHostKey("192.0.2.7", KEY)).toBe(true);
  });

  test.each([
    ["Ed25519", KEY],
    ["ECDSA", EC],
  ])("an unknown host is asked about, and saved with its address: %s", async (type, key) => {
    const ui = new UI();
    await expect(KnownHostsFile.fromPath(path).verifyHostKey(ui, "host", "192.0.2.7", key)).resolves.toBe(true);
    const [, shown] = /SHA256:(\S+)\./.exec(ui.asked[0]!)!;
    expect(ui.asked).toEqual([
      "The authenticity of host 'host (192.0.2.7)' can't be established.\n" +
        `${type} key fingerprint is SHA256:${shown}.\n` +
        "Are you sure you want to continue connecting (yes/no)? ",
    ]);
    expect(Buffer.from(shown!, "base64").toString("base64")).toBe(shown);
    const again = KnownHostsFile.fromPath(path);
    expect([again.hasHostKey("host", key), again.hasHostKey("192.0.2.7", key)]).toEqual([true, true]);
    expect(readFileSync(path, "utf8").trim().split("\n")).toHaveLength(2);
  });

  test("no is UserRejectedKey, and nothing is saved", async () => {
    const asking = KnownHostsFile.fromPath(path).verifyHostKey(new UI(false), "host", "192.0.2.7", KEY);
    await expect(asking).rejects.toThrow(UserRejectedKey);
    expect(existsSync(path)).toBe(false);
  });

  test("what goes wrong with the question is the outcome", async () => {
    const error = new Error("nobody there");
    await expect(KnownHostsFile.fromPath(path).verifyHostKey(new UI(error), "host", "192.0.2.7", KEY)).rejects.toBe(
      error,
    );
  });

  test.each([
    ["host", lineOf("host", OTHER)],
    ["address of a known host", `${lineOf("host")}\n${lineOf("192.0.2.7", OTHER)}`],
    ["address of an unknown host", lineOf("192.0.2.7", OTHER)],
  ])("another key for the %s is refused without a question", async (_, lines) => {
    const ui = new UI();
    await expect(written(lines).verifyHostKey(ui, "host", "192.0.2.7", KEY)).rejects.toThrow(HostKeyChanged);
    expect([ui.asked, ui.warned]).toEqual([[], []]);
  });

  test("at another port a host has a name of its own, and that of the host where it has none", async () => {
    const ui = new UI(false);
    const own = written(lineOf("[host]:2222"), lineOf("[192.0.2.7]:2222"), lineOf("host", OTHER));
    await expect(own.verifyHostKey(ui, "host", "192.0.2.7", KEY, 2222)).resolves.toBe(true);
    await expect(own.verifyHostKey(ui, "host", "192.0.2.7", KEY)).rejects.toThrow(HostKeyChanged);
    const plain = written(lineOf("host,192.0.2.7"));
    await expect(plain.verifyHostKey(ui, "host", "192.0.2.7", KEY, 2222)).resolves.toBe(true);
    await expect(plain.verifyHostKey(ui, "host", "192.0.2.7", OTHER, 2222)).rejects.toThrow(HostKeyChanged);
    const fresh = KnownHostsFile.fromPath(join(folder, "fresh"));
    await expect(fresh.verifyHostKey(new UI(), "host", "192.0.2.7", KEY, 2222)).resolves.toBe(true);
    expect(["[host]:2222", "[192.0.2.7]:2222", "host"].map((name) => fresh.hasHostKey(name, KEY))).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe("a host that shows a certificate", () => {
  const authority = Key.generate("ed25519");
  const now = Math.floor(Date.now() / 1000);
  const issue = (request: Partial<Parameters<typeof Certificate.issue>[1]> = {}): Promise<Certificate> =>
    Certificate.issue(authority, {
      kind: "host",
      keyId: "host",
      principals: ["host"],
      validBefore: now + 60,
      key: KEY,
      ...request,
    });
  const host: Host = { hostname: "host", ip: "192.0.2.7", port: 22 };
  const trusting = lineOf("@cert-authority *", authority.public());

  test("by an authority that is believed is nobody's question", async () => {
    const ui = new UI(false);
    await expect(verifyHost(written(trusting), ui, host, (await issue()).blob)).resolves.toBe(true);
    expect(ui.asked).toEqual([]);
  });

  test("that is not good is refused", async () => {
    for (const request of [{ principals: ["another"] }, { validBefore: now - 1 }, { kind: "user" as const }]) {
      const { blob } = await issue(request);
      await expect(verifyHost(written(trusting), new UI(), host, blob)).rejects.toThrow(CertificateError);
    }
  });

  test("by a stranger is known by its key, or asked about", async () => {
    const { blob } = await issue();
    await expect(verifyHost(written(lineOf("host,192.0.2.7")), new UI(false), host, blob)).resolves.toBe(true);
    await expect(verifyHost(written(lineOf("host", OTHER)), new UI(), host, blob)).rejects.toThrow(HostKeyChanged);
    await expect(verifyHost(written(), new UI(false), host, blob)).rejects.toThrow(UserRejectedKey);
  });

  test("with a revoked key, or by a revoked authority, is refused", async () => {
    const { blob } = await issue();
    for (const key of [KEY, authority.public()]) {
      const file = written(trusting, lineOf("@revoked host", key));
      await expect(verifyHost(file, new UI(), host, blob)).rejects.toThrow(HostKeyRevoked);
    }
  });
});

test("a host with an authority that is believed is asked for a certificate first", () => {
  const file = written(lineOf("@cert-authority *.example"), lineOf("plain"));
  const algorithms = ["ssh-ed25519", "rsa-sha2-512"];
  const certified = ["ssh-ed25519-cert-v01@openssh.com", "rsa-sha2-512-cert-v01@openssh.com"];
  const asked = (hostname: string): string[] => algorithmsFor(file, { hostname, port: 22 }, algorithms);
  expect([asked("a.example"), asked("plain")]).toEqual([[...certified, ...algorithms], algorithms]);
  expect(algorithmsFor(file, { hostname: "a.example", port: 22 }, certified)).toEqual(certified);
});

test("algorithms for keys that a host is known by come first", () => {
  const algorithms = ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256"];
  const file = written(lineOf("host", EC), lineOf("elsewhere"));
  expect(file.keyTypesOf("host")).toEqual(["ecdsa-sha2-nistp256"]);
  expect(knownFirst(algorithms, file.keyTypesOf("host"))).toEqual([
    algorithms[1],
    algorithms[0],
    ...algorithms.slice(2),
  ]);
  expect(knownFirst(algorithms, ["ssh-rsa"])).toEqual([...algorithms.slice(2), ...algorithms.slice(0, 2)]);
  expect(knownFirst(algorithms, [])).toEqual(algorithms);
});

describe("the console", () => {
  class FakeConsole implements Console {
    text = "";
    closes = 0;
    constructor(readonly answers: string[] = []) {}
    write(text: string): void {
      this.text += text;
    }
    readline(): Promise<string> {
      return Promise.resolve(this.answers.shift() ?? "");
    }
    close(): void {
      this.closes += 1;
    }
  }

  test.each([
    [["yes\n"], true],
    [[" YES \n"], true],
    [["no\n"], false],
    [["\n"], false],
    [[], false],
  ])("%j is the answer %s", async (answers, expected) => {
    const console = new FakeConsole(answers);
    await expect(new ConsoleUI(() => console).prompt("Well? ")).resolves.toBe(expected);
    expect([console.text, console.closes]).toEqual(["Well? ", 1]);
  });

  test("who answers something else is asked again", async () => {
    const console = new FakeConsole(["y\n", "perhaps\n", "yes\n"]);
    await expect(new ConsoleUI(() => console).prompt("Well? ")).resolves.toBe(true);
    expect(console.text).toBe("Well? Please type 'yes' or 'no': Please type 'yes' or 'no': ");
  });

  test("one that cannot be opened fails a question, and a warning is logged", async () => {
    const error = new Error("no terminal");
    const ui = new ConsoleUI(() => {
      throw error;
    });
    await expect(ui.prompt("Well? ")).rejects.toBe(error);
    const events = capturedLogs(() => ui.warn("Beware!"));
    expect(events.map((event) => event.log_failure?.value)).toEqual([error]);
  });

  test("a warning is written, and the console closed", () => {
    const console = new FakeConsole();
    new ConsoleUI(() => console).warn("Beware!\n");
    expect([console.text, console.closes]).toEqual(["Beware!\n", 1]);
  });
});
