/** The files of OpenSSH's own unit tests: keys with their numbers and fingerprints, certificates, signatures. */
import { Certificate } from "@strombus/conch/keys/certificate";
import { verifyMessage } from "@strombus/conch/keys/sshsig";
import { BadKeyError, EncryptedKeyError, Key } from "@strombus/conch/ssh/keys";
import { describe, expect, test } from "vitest";
import { PeerFolder } from "../support/interop-folder.js";
import { fingerprint } from "../support/interop-keys.js";
import { peers } from "../support/peers.js";

/** All files of a folder among the peers, by their names. */
function filesOf(tests: string): ReadonlyMap<string, Buffer> {
  const folder = new PeerFolder(peers());
  const script =
    'cd "/usr/lib/openssh/regress/unittests/$0/testdata" && for f in *; do echo "$f $(base64 -w0 "$f")"; done';
  try {
    const lines = folder.run("sh", "-c", script, tests).trim().split("\n");
    return new Map(lines.map((line) => [line.split(" ")[0]!, Buffer.from(line.split(" ")[1] ?? "", "base64")]));
  } catch (cause) {
    throw new Error("The peers lack OpenSSH's own tests: apt-get install openssh-tests", { cause });
  } finally {
    folder.remove();
  }
}

describe("keys", () => {
  const files = filesOf("sshkey");
  const text = (name: string): string => files.get(name)!.toString().trim();
  const named = (pattern: RegExp): string[] => [...files.keys()].filter((name) => pattern.test(name));

  test.each(named(/\.fp$/))("%s is the fingerprint that we take", (name) => {
    const line = files.get(name.replace(/\.fp$/, ".pub"))!;
    const key = name.includes("-cert") ? Certificate.fromString(line).key : Key.fromString(line);
    expect(fingerprint(key)).toBe(text(name));
  });

  test.each(named(/^(rsa|ecdsa|ed25519|mldsa44-ed25519)_([12]|n)(_sha1|_sha512)?(_pw)?$/))("%s is read", (name) => {
    const file = files.get(name)!;
    const passphrase = name.endsWith("_pw") ? text("pw") : "";
    const key = Key.fromString(file, { passphrase });
    const half = text(`${name.replace(/_pw$/, "").replace(/_n$/, "_1")}.pub`);
    expect(key.public().equals(Key.fromString(half))).toBe(true);
    if (passphrase === "") return;
    expect(() => Key.fromString(file)).toThrow(EncryptedKeyError);
    expect(() => Key.fromString(file, { passphrase: "wrong" })).toThrow(BadKeyError);
  });

  test.each(named(/^\w+_sk\w*\d(_pw)?$/))("%s leads to a device, and says so", (name) => {
    const passphrase = name.endsWith("_pw") ? text("pw") : "";
    const read = () => Key.fromString(files.get(name)!, { passphrase });
    expect(read).toThrow(BadKeyError);
    expect(read).toThrow("in its device");
  });

  test.each(["rsa_1", "rsa_2"])("%s has the numbers that stand beside it", (name) => {
    const { n, p, q } = Key.fromString(files.get(name)!).data();
    expect([n, p, q]).toEqual(["n", "p", "q"].map((each) => BigInt(`0x${text(`${name}.param.${each}`)}`)));
  });

  test.each(["ecdsa_1", "ecdsa_2"])("%s has the number that stands beside it", (name) => {
    const { privateValue } = Key.fromString(files.get(name)!).data();
    expect(privateValue).toBe(BigInt(`0x${text(`${name}.param.priv`)}`));
  });
});

describe("certificates", () => {
  const files = filesOf("authopt");
  const during = Date.UTC(1999, 5, 1) / 1000;

  test.each([...files.keys()].filter((name) => name.endsWith(".cert")))("%s is good or not, for its reason", (name) => {
    const certificate = Certificate.fromString(files.get(name)!);
    const kind = name === "host.cert" ? ("host" as const) : ("user" as const);
    const rules = { kind, principal: "user", now: during, authorities: [certificate.authority] };
    const check = () => certificate.check(rules);
    if (name === "unknown_critical.cert") expect(check).toThrow("blah");
    else expect(check).not.toThrow();
    expect(() => certificate.check({ ...rules, now: Date.now() / 1000 })).toThrow(); // over since 1999
    expect(() => certificate.check({ ...rules, principal: "other" })).toThrow();
    expect(() => certificate.check({ ...rules, kind: kind === "host" ? "user" : "host" })).toThrow();
    const [, only] = /^(?:only|no)_(.*)\.cert$/.exec(name) ?? [];
    const extension = { agentfwd: "permit-agent-forwarding", portfwd: "permit-port-forwarding", pty: "permit-pty" }[
      only ?? ""
    ];
    if (extension !== undefined) expect(certificate.extensions.has(extension)).toBe(name.startsWith("only"));
  });
});

describe("signatures", () => {
  const files = filesOf("sshsig");
  const [message, namespace] = [files.get("signed-data")!, files.get("namespace")!.toString()];

  test.each(["rsa", "ecdsa", "ed25519", "mldsa44-ed25519", "ecdsa_sk", "ed25519_sk"])(
    "%s has signed what it says",
    (name) => {
      const signature = files.get(`${name}.sig`)!;
      const signed = verifyMessage(signature, message, namespace);
      expect(signed?.key.equals(Key.fromString(files.get(`${name}.pub`)!))).toBe(true);
      expect(verifyMessage(signature, "something else", namespace)).toBe(null);
      expect(verifyMessage(signature, message, "other")).toBe(null);
    },
  );

  test("ecdsa_sk_webauthn is not ours to verify, and never good", () => {
    let signed: unknown = null;
    try {
      signed = verifyMessage(files.get("ecdsa_sk_webauthn.sig")!, message, namespace);
    } catch (error) {
      expect(error).toBeInstanceOf(BadKeyError);
    }
    expect(signed).toBe(null);
  });
});
