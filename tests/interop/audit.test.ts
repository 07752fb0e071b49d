/** What ssh-audit says about a server with default settings: nothing to fail and nothing to warn of. */
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { reactor } from "@strombus/reactor";
import type { IAddress } from "@strombus/reactor/interfaces";
import { expect, onTestFinished, test } from "vitest";
import { peers } from "../support/peers.js";
import { Program } from "../support/program.js";
import { rsaKey } from "../support/rsa.js";

test("ssh-audit finds no failure and no warning in a server with default settings", async () => {
  const keys = [Key.generate("ed25519"), rsaKey()];
  const factory = new SSHFactory();
  factory.privateKeys = Object.fromEntries(keys.map((key) => [key.sshType(), key]));
  factory.publicKeys = Object.fromEntries(keys.map((key) => [key.sshType(), key.public()]));
  const listening = reactor.listenTCP(0, factory, { interface: "127.0.0.1" });
  onTestFinished(async () => {
    await listening.stopListening();
  });
  const { port } = listening.getHost() as IAddress & { readonly port: number };

  const audit = new Program([...peers(), "ssh-audit", "--no-colors", "--port", String(port), "127.0.0.1"]);
  await audit.ending;
  const report = audit.stdout.text;
  expect(report).toMatch(/^\(kex\) .*\[info\]/m); // it has looked
  expect(report.split("\n").filter((line) => /\[(fail|warn)\]/.test(line))).toEqual([]);
  console.log(report);
});
