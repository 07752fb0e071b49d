/** Key exchange methods that an application turns on by name, each alone with the real client. */
import { SSHChannel } from "@strombus/conch/ssh/channel";
import { SSHServerTransport } from "@strombus/conch/ssh/transport";
import { afterAll, expect, test } from "vitest";
import { openSSH, ssh } from "../support/openssh.js";
import { serve } from "../support/server.js";

const METHODS = [
  "sntrup761x25519-sha512@openssh.com",
  "ecdh-sha2-nistp256",
  "ecdh-sha2-nistp384",
  "ecdh-sha2-nistp521",
  "diffie-hellman-group14-sha256",
  "diffie-hellman-group16-sha512",
  "diffie-hellman-group18-sha512",
  "diffie-hellman-group14-sha1",
];

class Hello extends SSHChannel {
  override name = "session";

  request_exec() {
    this.write("hello");
    this.conn?.sendRequest(this, "exit-status", Buffer.alloc(4));
    this.loseConnection();
    return true;
  }
}

const server = serve(Hello, (factory) => {
  factory.protocol = () => {
    const transport = new SSHServerTransport();
    transport.supportedKeyExchanges = METHODS;
    return transport;
  };
});
const plain = serve(Hello);
const openssh = openSSH();
afterAll(() => Promise.all([server.close(), plain.close()]));

for (const method of METHODS) {
  const options = ["-v", "-o", `KexAlgorithms=${method}`];

  test(`${method} opens a session where it is listed`, async () => {
    const session = ssh(openssh, { port: server.port, options, command: "x" });
    expect(await session.ending).toEqual({ status: 0, signal: null });
    expect(session.stdout.text).toBe("hello");
    expect(session.stderr.text).toContain(`kex: algorithm: ${method}`);
  });

  test(`${method} is not on by default`, async () => {
    const session = ssh(openssh, { port: plain.port, options, command: "x" });
    expect((await session.ending).status).toBe(255);
    expect(session.stderr.text).toMatch(/no matching key exchange method found|couldn't match all kex parts/);
  });
}
