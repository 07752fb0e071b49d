/**
 * The figures that Strombus ships with, once more and by themselves: that they change together with the page on hardening
 * (hardening.test.ts) is not enough to change them.
 */
import { DEFAULT_PENALTIES, Defence } from "@strombus/conch/defence";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { PROFILES, SSHClientTransport, SSHServerTransport } from "@strombus/conch/ssh/transport";
import { SSHUserAuthServer } from "@strombus/conch/ssh/userauth";
import { IPv4Address } from "@strombus/reactor/address";
import { Clock } from "@strombus/reactor/testing";
import { expect, test } from "vitest";

for (const Transport of [SSHServerTransport, SSHClientTransport]) {
  test(`the limits of ${Transport.name}`, () => {
    expect(new Transport()).toMatchObject({
      identificationTimeout: 10,
      exchangeTimeout: 30,
      serviceTimeout: 120,
      rekeyTimeout: 60,
      closeTimeout: 5,
      writeStallTimeout: 60,
      rekeyBytes: 2 ** 30,
      rekeyPackets: 2 ** 31,
      rekeySeconds: 3600,
      supportedCompressions: ["none"],
      supportedKeyExchanges: ["mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org"],
      supportedCiphers: [
        "chacha20-poly1305@openssh.com",
        "aes256-gcm@openssh.com",
        "aes128-gcm@openssh.com",
        "aes256-ctr",
        "aes128-ctr",
      ],
    });
  });
}

test("the limits of a login and of a connection", () => {
  expect(new SSHUserAuthServer()).toMatchObject({
    loginTimeout: 120,
    attemptsBeforeDisconnect: 6,
    passwordDelay: 0.25,
    maxKeyQueries: 15,
    maxRounds: 8,
    maxRequests: 128,
    maxPasswordLength: 1024,
  });
  expect(new SSHConnection()).toMatchObject({ maxChannels: 256, maxSessions: 10, maxPendingOpens: 32 });
  expect(new SSHFactory().minimumRSAHostKeySize).toBe(2048);
});

test("the MACs of a server, and its host key algorithms: no SHA-1 in either", () => {
  expect(new SSHServerTransport().supportedMACs).toEqual([
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
  ]);
  const { hostKeys, userKeys } = PROFILES.default;
  for (const list of [hostKeys, userKeys]) {
    expect(list).toEqual(expect.arrayContaining(["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"]));
    expect(list.filter((name) => name === "ssh-rsa" || name.includes("dss"))).toEqual([]);
  }
});

test("R5: 500 strangers in all, refused by chance from 100 on at 30 %, 32 from one source", () => {
  let odds = 0.999;
  const defence = new Defence({ clock: new Clock(), random: () => odds, memoryPressure: 1 });
  const admit = (n: number) => defence.admit(new IPv4Address("TCP", `198.18.${n >> 8}.${n & 255}`, 1)) !== null;
  for (let n = 0; n < 100; n++) expect(admit(n)).toBe(true);
  odds = 0.299;
  expect(admit(100)).toBe(false);
  odds = 0.301;
  expect(admit(100)).toBe(true);
  odds = 0.999_999;
  for (let n = 101; n < 500; n++) expect(admit(n)).toBe(true);
  expect(admit(500)).toBe(false);
  expect(Object.fromEntries(defence.refused)).toEqual({ random: 1, full: 1 });

  const one = new Defence({ clock: new Clock(), memoryPressure: 1 });
  const source = new IPv4Address("TCP", "192.0.2.1", 1);
  for (let n = 0; n < 32; n++) expect(one.admit(source)).not.toBeNull();
  expect(one.admit(source)).toBeNull();
});

test("R6: the terms of what sources do, in seconds, and how many are remembered", () => {
  expect(DEFAULT_PENALTIES).toEqual({
    terms: { protocol: 90, login: 5, timeout: 10, nothing: 1 },
    feltFrom: 15,
    most: 600,
    sources: 65_536,
  });
});
