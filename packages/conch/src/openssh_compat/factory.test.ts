import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capturedLogs, formatEvent } from "@strombus/reactor/logger";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Key } from "../ssh/keys.js";
import { OpenSSHFactory } from "./factory.js";
import { RSA } from "../keys/rsa.test.support.js";

const isRoot = process.geteuid?.() === 0;
const ED25519 = Key.generate("ed25519");
const NOBODY = 65_534;

let folder = "";
let factory = new OpenSSHFactory();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "openssh-"));
  for (const [name, key] of [
    ["ed25519", ED25519],
    ["rsa", RSA],
  ] as const) {
    writeFileSync(join(folder, `ssh_host_${name}_key`), key.toString("openssh"), { mode: 0o600 });
    writeFileSync(join(folder, `ssh_host_${name}_key.pub`), key.public().toString("openssh"));
  }
  factory = new OpenSSHFactory();
  factory.dataRoot = factory.moduliRoot = folder;
});
afterEach(() => rmSync(folder, { recursive: true }));

const fingerprints = (keys: Record<string, Key>): Record<string, string> =>
  Object.fromEntries(Object.entries(keys).map(([type, key]) => [type, key.fingerprint()]));

test("its folders are those of an OpenSSH that was built by hand", () => {
  const { dataRoot, moduliRoot } = new OpenSSHFactory();
  expect([dataRoot, moduliRoot]).toEqual(["/usr/local/etc", "/usr/local/etc"]);
});

test("its keys are those of the files that are named so, by their types", () => {
  for (const name of ["id_rsa", "ssh_host_key", "ssh_host_rsa_key.pub.old"]) writeFileSync(join(folder, name), "text");
  const expected = { "ssh-ed25519": ED25519.fingerprint(), "ssh-rsa": RSA.fingerprint() };
  expect(fingerprints(factory.getPublicKeys())).toEqual(expected);
  expect(fingerprints(factory.getPrivateKeys())).toEqual(expected);
  expect(Object.values(factory.getPublicKeys()).map((key) => key.isPublic())).toEqual([true, true]);
  expect(Object.values(factory.getPrivateKeys()).map((key) => key.isPublic())).toEqual([false, false]);
});

test("a folder without keys is logged", () => {
  factory.dataRoot = join(folder, "empty");
  mkdirSync(factory.dataRoot);
  const events = capturedLogs(() => expect(factory.getPrivateKeys()).toEqual({}));
  expect(events.map((event) => formatEvent(event))).toEqual([
    `no host key in a file ssh_host_*_key in ${factory.dataRoot}`,
  ]);
});

test("what is no key, or has a passphrase, is logged and left out", () => {
  writeFileSync(join(folder, "ssh_host_bad_key"), "rubbish");
  writeFileSync(join(folder, "ssh_host_bad_key.pub"), "rubbish");
  writeFileSync(
    join(folder, "ssh_host_ed25519_key"),
    ED25519.toString("openssh", { passphrase: "secret", subtype: "PKCS8" }),
  );
  const found: string[][] = [];
  const events = capturedLogs(() => {
    found.push(Object.keys(factory.getPublicKeys()), Object.keys(factory.getPrivateKeys()));
  });
  expect(found).toEqual([["ssh-ed25519", "ssh-rsa"], ["ssh-rsa"]]);
  expect(events.map((event) => event["name"])).toEqual([
    "ssh_host_bad_key.pub",
    "ssh_host_bad_key",
    "ssh_host_ed25519_key",
  ]);
});

test("groups are those of the file moduli; without it there are none", () => {
  expect(factory.getPrimes()).toBe(null);
  writeFileSync(join(folder, "moduli"), "20030501000000 2 6 100 2047 2 ff\n");
  expect(factory.getPrimes()).toEqual(new Map([[2048, [[2n, 0xffn]]]]));
});

test("it starts with them", () => {
  factory.startFactory();
  expect([Object.keys(factory.publicKeys!), Object.keys(factory.privateKeys!)]).toEqual([
    ["ssh-ed25519", "ssh-rsa"],
    ["ssh-ed25519", "ssh-rsa"],
  ]);
  factory.stopFactory();
});

test.skipIf(!isRoot)("a key that root alone may read is read as root, and nothing else is done as root", () => {
  chownSync(folder, NOBODY, NOBODY);
  chmodSync(join(folder, "ssh_host_rsa_key"), 0o600);
  chownSync(join(folder, "ssh_host_ed25519_key"), NOBODY, NOBODY);
  const switches: unknown[] = [];
  const seteuid = process.seteuid!.bind(process);
  process.setegid!(NOBODY);
  process.seteuid!(NOBODY);
  const spy = vi.spyOn(process, "seteuid").mockImplementation((id) => {
    switches.push(id);
    seteuid(id);
  });
  try {
    expect(Object.keys(factory.getPrivateKeys())).toEqual(["ssh-ed25519", "ssh-rsa"]);
    expect([switches, process.geteuid!()]).toEqual([[0, NOBODY], NOBODY]);
  } finally {
    spy.mockRestore();
    process.seteuid!(0);
    process.setegid!(0);
  }
});
