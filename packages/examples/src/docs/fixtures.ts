/** Files that the programs of the documentation read. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Certificate } from "@strombus/conch/keys/certificate";
import { Key } from "@strombus/conch/ssh/keys";

export async function temporaryCertificate(): Promise<{ readonly hostKey: Key; readonly file: string }> {
  const [authority, hostKey] = [Key.generate("ed25519"), Key.generate("ed25519")];
  const certificate = await Certificate.issue(authority, {
    key: hostKey.public(),
    kind: "host",
    keyId: "a host",
    principals: ["example.org"],
    validBefore: Infinity,
  });
  const file = join(mkdtempSync(join(tmpdir(), "strombus-docs-")), "ssh_host_ed25519_key-cert.pub");
  writeFileSync(file, `${certificate.toString()}\n`);
  return { hostKey, file };
}
