import { IPv4Address } from "@strombus/reactor/address";
import { expect, test } from "vitest";
import { SSHTransportAddress } from "./address.js";

const address = (port: number) => new IPv4Address("TCP", "127.0.0.1", port);

test("SSH addresses are equal when the addresses below are", () => {
  expect(new SSHTransportAddress(address(1)).equals(new SSHTransportAddress(address(1)))).toBe(true);
  expect(new SSHTransportAddress(address(1)).equals(new SSHTransportAddress(address(2)))).toBe(false);
});

test("an SSH address never equals the address below", () => {
  expect(new SSHTransportAddress(address(1)).equals(address(1))).toBe(false);
});

test("equal addresses have equal texts, made of the text below", () => {
  const text = new SSHTransportAddress(address(1)).toString();
  expect(text).toBe(`SSHTransportAddress(${address(1).toString()})`);
  expect(new SSHTransportAddress(address(1)).toString()).toBe(text);
});
