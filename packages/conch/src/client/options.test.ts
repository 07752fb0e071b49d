import { SystemExit } from "@strombus/reactor/exceptions";
import { UsageError } from "@strombus/reactor/usage";
import { describe, expect, test } from "vitest";
import { ConchOptions } from "./options.js";

class Program extends ConchOptions {
  override parseArgs(host: string): void {
    this.host = host;
  }
}

function parsed(...words: string[]): Program {
  const options = new Program();
  options.parseOptions([...words, "host"]);
  return options;
}

test("what is not given is not there", () => {
  const options = parsed();
  expect([options.user, options.port, options.identitys, options.get("known-hosts")]).toEqual([null, 22, [], null]);
  for (const list of ["ciphers", "macs", "host-key-algorithms", "user-authentications"] as const) {
    expect(options.names(list)).toBeNull();
  }
  for (const flag of ["compress", "log", "agent", "noagent", "reconnect"] as const) {
    expect(options.isSet(flag)).toBe(false);
  }
});

test("each has its letter", () => {
  const options = parsed(..."-l me -i a -i b -c aes256-ctr,aes128-ctr -m hmac-sha1 -p 2222 -o X=y -CvxAar".split(" "));
  expect([options.user, options.port, options.identitys]).toEqual(["me", 2222, ["a", "b"]]);
  expect(options.get("port")).toBe("2222");
  expect(options.names("ciphers")).toEqual(["aes256-ctr", "aes128-ctr"]);
  expect(options.names("macs")).toEqual(["hmac-sha1"]);
  for (const flag of ["compress", "log", "nox11", "agent", "noagent", "reconnect"]) expect(options.get(flag)).toBe(1);
});

test("those without a letter", () => {
  const options = parsed(
    "--host-key-algorithms=ssh-ed25519-cert-v01@openssh.com,ssh-rsa",
    "--user-authentications=password",
    "--known-hosts=k",
  );
  expect(options.names("host-key-algorithms")).toEqual(["ssh-ed25519-cert-v01@openssh.com", "ssh-rsa"]);
  expect(options.names("user-authentications")).toEqual(["password"]);
  expect(options.get("known-hosts")).toBe("k");
});

describe("names that there are none of", () => {
  test.each([
    ["opt_ciphers", "Unknown cipher type 'x'"],
    ["opt_macs", "Unknown mac type 'x'"],
    ["opt_host_key_algorithms", "Unknown host key type 'x'"],
  ] as const)("%s ends the program", (method, message) => {
    const options = new ConchOptions();
    let error: unknown;
    try {
      options[method]("x");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(SystemExit);
    expect(error).toMatchObject({ code: 1, message });
  });

  test.each(["0", "65536", "ssh", "-1", ""])("port %j", (port) => {
    expect(() => parsed("-p", port)).toThrow(UsageError);
  });
});

test("each call takes the place of the list before it, as text or bytes", () => {
  const options = new ConchOptions();
  options.opt_macs("hmac-sha2-256");
  options.opt_macs(Buffer.from("hmac-sha2-512,hmac-sha2-256"));
  expect(options.names("macs")).toEqual(["hmac-sha2-512", "hmac-sha2-256"]);
});

test.each(["-V", "--version"])("%s prints the version", (word) => {
  const options = new ConchOptions();
  let printed = "";
  options.output = { write: (text) => (printed += text) };
  expect(() => options.parseOptions([word])).toThrow(SystemExit);
  expect(printed).toMatch(/^Strombus_\d+\.\d+\.\d+\n$/);
});
