/** What OpenSSH 10 is asked beyond the acceptance tests, which run on it too: post-quantum key exchange. */
import { expect, onTestFinished, test } from "vitest";
import { startExample } from "../support/example.js";
import { openSSH, ssh } from "../support/openssh.js";

test("OpenSSH 10 exchanges keys by mlkem768x25519-sha256 and does not warn", async () => {
  const { program, port } = await startExample("trivial-channel");
  onTestFinished(() => void program.kill("SIGKILL"));
  const session = ssh(openSSH(), { port, options: ["-v"] });
  await session.ending;
  expect(session.stderr.text).toMatch(/Local version string SSH-2\.0-OpenSSH_1\d/);
  expect(session.stderr.text).toContain("kex: algorithm: mlkem768x25519-sha256");
  expect(session.stderr.text).toContain('using "password"');
  expect(session.stderr.text).not.toContain("WARNING");
  expect(session.stdout.text).toBe("This session is very simple.  Goodbye!\r\n");
});
