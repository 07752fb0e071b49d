import { ValueError } from "@strombus/reactor/exceptions";
import { expect, test } from "vitest";
import { LDAPChecker, type LDAPCheckerOptions } from "../ldap.js";

const direct = { userDN: "uid={},dc=example" };

test("passwords travel in the clear on this machine only, unless that is wanted by name", () => {
  for (const url of ["ldap://localhost", "ldap://127.0.0.1:389", "ldap://[::1]", "ldaps://ldap.example.com"]) {
    expect(() => new LDAPChecker({ url, ...direct })).not.toThrow();
  }
  const url = "ldap://ldap.example.com";
  expect(() => new LDAPChecker({ url, ...direct })).toThrow("passwords would go to ldap.example.com in the clear");
  for (const url of ["ldap://localhost.example.com", "ldap://127.0.0.1.example.com"]) {
    expect(() => new LDAPChecker({ url, ...direct })).toThrow(ValueError);
  }
  expect(() => new LDAPChecker({ url, ...direct, startTLS: true })).not.toThrow();
  expect(() => new LDAPChecker({ url, ...direct, insecure: true })).not.toThrow();
});

test("options that cannot be right are refused at once", () => {
  const url = "ldaps://localhost";
  const wrong: [LDAPCheckerOptions, RegExp][] = [
    [{ url, userDN: "uid=alice,dc=example" }, /has no \{\}/],
    [{ url, base: "dc=example", filter: "(uid=*)" }, /has no \{\}/],
    [{ url, base: "dc=example", filter: "(uid={})", bindDN: "cn=admin" }, /bindPassword/],
    [{ url, base: "dc=example", filter: "(uid={})", bindDN: "cn=admin", bindPassword: "" }, /bindPassword/],
    [{ url: "http://localhost", ...direct }, /ldap: or ldaps:/],
    [{ url: "localhost", ...direct }, /ldap: or ldaps:/],
    [{ url, startTLS: true, ...direct }, /TLS from its start/],
  ];
  for (const [options, why] of wrong) {
    expect(() => new LDAPChecker(options)).toThrow(why);
    expect(() => new LDAPChecker(options)).toThrow(ValueError);
  }
});
