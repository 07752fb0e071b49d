/** The programs of docs/algorithms.md. */
import { readFileSync } from "node:fs";
import { Certificate } from "@strombus/conch/keys/certificate";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import { type Offer, PROFILES, SSHClientTransport, SSHServerTransport } from "@strombus/conch/ssh/transport";
import { IPv4Address } from "@strombus/reactor/address";
import type { IAddress } from "@strombus/reactor/interfaces";
import { expect, test } from "vitest";
import { temporaryCertificate } from "./fixtures.js";

const peer = new IPv4Address("TCP", "192.0.2.1", 2222);

test("the table of the page says what the profiles have", () => {
  const page = readFileSync(new URL("../../../../docs/algorithms.md", import.meta.url), "utf8");
  for (const list of Object.keys(PROFILES.default) as (keyof typeof PROFILES.default)[]) {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${list}\``))!;
    const cells = row.split("|").slice(2, 5);
    const [byDefault, compat, legacy] = cells.map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    expect(byDefault).toEqual(PROFILES.default[list]);
    expect(compat).toEqual(PROFILES.compat[list].filter((name) => !PROFILES.default[list].includes(name)));
    expect(legacy).toEqual(PROFILES.legacy[list].filter((name) => !PROFILES.compat[list].includes(name)));
  }
  const isHybrid = (name: string) => /^(mlkem|sntrup)/.test(name);
  const { keyExchanges, ...others } = PROFILES.pq;
  expect(keyExchanges).toEqual(PROFILES.compat.keyExchanges.filter(isHybrid));
  expect({ ...PROFILES.default, ...others }).toEqual(PROFILES.default);
});

test("profiles and lists", () => {
  const hostKey = Key.generate("ed25519");
  const factory = new SSHFactory();
  factory.privateKeys = { "ssh-ed25519": hostKey };
  factory.publicKeys = { "ssh-ed25519": hostKey.public() };

  factory.algorithms = "compat";
  expect((factory.buildProtocol(peer) as SSHServerTransport).supportedMACs).toContain("hmac-sha2-256");

  factory.algorithms = {
    ...PROFILES.compat,
    keyExchanges: ["mlkem768x25519-sha256", "ecdh-sha2-nistp256"],
    ciphers: ["aes256-gcm@openssh.com"],
  };
  factory.doStart();
  expect((factory.buildProtocol(peer) as SSHServerTransport).supportedCiphers).toEqual(["aes256-gcm@openssh.com"]);

  const client = new SSHClientTransport();
  client.useAlgorithms("legacy");
  expect(client.supportedPublicKeys).toContain("ssh-rsa");
});

test("lists of one connection", () => {
  class PoliteFactory extends SSHFactory {
    override buildProtocol(addr: IAddress) {
      const transport = super.buildProtocol(addr);
      if (transport instanceof SSHServerTransport && isOldPrinter(addr)) transport.useAlgorithms("legacy");
      return transport;
    }
  }
  const isOldPrinter = (addr: IAddress) => addr instanceof IPv4Address && addr.host === "192.0.2.1";
  const transport = new PoliteFactory().buildProtocol(peer) as SSHServerTransport;
  expect(transport.supportedCiphers).toContain("aes128-cbc");

  class WhateverYouSay extends SSHServerTransport {
    override kexInitMoment = "kexInitReceived" as const;

    override kexInitReceived(offer: Offer) {
      if (offer.ciphersToServer.includes("aes256-ctr")) this.supportedCiphers = ["aes256-ctr"];
    }
  }
  const yours = new WhateverYouSay();
  yours.kexInitReceived({ ciphersToServer: ["aes256-ctr"] } as unknown as Offer);
  expect(yours.supportedCiphers).toEqual(["aes256-ctr"]);
});

test("a host certificate", async () => {
  const { hostKey, file } = await temporaryCertificate();
  const factory = new SSHFactory();
  factory.privateKeys = { "ssh-ed25519": hostKey };
  factory.publicKeys = { "ssh-ed25519": hostKey.public() };
  factory.hostCertificates = [Certificate.fromString(readFileSync(file))];
  factory.doStart();
  expect((factory.buildProtocol(peer) as SSHServerTransport).supportedPublicKeys[0]).toBe(
    "ssh-ed25519-cert-v01@openssh.com",
  );
});
