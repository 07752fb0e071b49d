/** OpenSSH 10 among the peers: all that the machine's own client is asked, and post-quantum key exchange. */
import { expect, onTestFinished, test } from "vitest";
import { simpleSessionSuite } from "../acceptance/simple-session.suite.js";
import { startExample } from "../support/example.js";
import { openSSH, ssh } from "../support/openssh.js";
import { peers } from "../support/peers.js";

const client = openSSH("OpenSSH 10", peers());

simpleSessionSuite(client);

test("OpenSSH 10 exchanges keys by mlkem768x25519-sha256 and does not warn", async () => {
  const { program, port } = await startExample("trivial-channel");
  onTestFinished(() => void program.kill("SIGKILL"));
  const session = ssh(client, { port, options: ["-v"] });
  await session.ending;
  expect(session.stderr.text).toMatch(/Local version string SSH-2\.0-OpenSSH_1\d/);
  expect(session.stderr.text).toContain("kex: algorithm: mlkem768x25519-sha256");
  expect(session.stderr.text).toContain('using "password"');
  expect(session.stderr.text).not.toContain("WARNING");
  expect(session.stdout.text).toBe("This session is very simple.  Goodbye!\r\n");
});
